"""Scale-in protection: ECS stops idle tasks before a task that is working."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from urllib.request import Request, urlopen

from shared.observability import logger

MAX_MINUTES = 120  # equal to a job's deadline: after this a crashed worker's task loses its protection


@contextmanager
def protected() -> Iterator[None]:
    """Protect this ECS task from scale-in and replacement while the block lasts. Outside ECS do nothing."""
    agent = os.environ.get("ECS_AGENT_URI")
    if agent is None:
        yield
        return
    _put_state(agent, {"ProtectionEnabled": True, "ExpiresInMinutes": MAX_MINUTES})
    try:
        yield
    finally:
        _put_state(agent, {"ProtectionEnabled": False})


def _put_state(agent: str, state: dict[str, bool | int]) -> None:
    """Set the task's protection. Log a failure only: leases and visibility limit its cost to a step that runs twice."""
    body, headers = json.dumps(state).encode(), {"Content-Type": "application/json"}
    request = Request(f"{agent}/task-protection/v1/state", body, headers, method="PUT")  # noqa: S310  # ECS's own address
    try:
        with urlopen(request, timeout=5) as answer:  # noqa: S310  # as above
            answer.read()
    except (OSError, HTTPException) as error:
        logger.warning("task protection not set", error=str(error))
