"""The init phase of a Lambda function, which has a whole processor and is part of a snapshot.

It opens no connection, reads no secret and draws no random number: all functions that start from one snapshot would
share them.
"""

import os
from collections.abc import Callable


def prepare(*steps: Callable[[], object], snapshot: tuple[Callable[[], object], ...] = ()) -> None:
    """Call the steps, which make clients, if this process is a Lambda function. Call `snapshot` only for a snapshot.

    Other processes, such as tests and tools, import a handler without credentials.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        for step in (*steps, *(snapshot if _is_for_snapshot() else ())):
            step()


def _is_for_snapshot() -> bool:
    """Return whether Lambda starts this process to take a snapshot. Its init phase delays no request."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"
