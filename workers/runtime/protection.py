"""Scale-in protection: while this task is at work, ECS ends idle ones before it."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from urllib.request import Request, urlopen

from shared.observability import logger

MOST_MINUTES = 120  # a job's own deadline: whoever dies without saying so is not protected for longer


@contextmanager
def protected() -> Iterator[None]:
    """While the block lasts ECS neither scales this task in nor replaces it. Outside ECS it is a block and no more."""
    agent = os.environ.get("ECS_AGENT_URI")
    if agent is None:
        yield
        return
    _ask(agent, {"ProtectionEnabled": True, "ExpiresInMinutes": MOST_MINUTES})
    try:
        yield
    finally:
        _ask(agent, {"ProtectionEnabled": False})


def _ask(agent: str, wish: dict[str, bool | int]) -> None:
    """A refusal costs no more than a step that is done twice: leases and queue visibility see to it."""
    body, headers = json.dumps(wish).encode(), {"Content-Type": "application/json"}
    request = Request(f"{agent}/task-protection/v1/state", body, headers, method="PUT")  # noqa: S310  # ECS's own address
    try:
        with urlopen(request, timeout=5) as answer:  # noqa: S310  # as above
            answer.read()
    except (OSError, HTTPException) as error:
        logger.warning("ECS did not take the wish for protection", error=str(error))
