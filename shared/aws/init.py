"""The init phase of a Lambda function, which has a whole processor and is part of a snapshot."""

import os
from collections.abc import Callable


def prepare(*clients: Callable[[], object]) -> None:
    """Make the clients, if this process is a Lambda function.

    Other processes, such as tests and tools, import a handler without credentials.
    """
    if "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
        for client in clients:
            client()
