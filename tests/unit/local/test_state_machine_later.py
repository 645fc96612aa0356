"""Requests to Step Functions wait until the state machine exists. Those of other services do not."""

import threading
from typing import Any

from local.moto_server import after


def asked(created: threading.Event, target: str, answers: list[str]) -> threading.Thread:
    def application(_environ: Any, _start: Any) -> list[bytes]:
        answers.append(target)
        return []

    request = {"HTTP_X_AMZ_TARGET": target}
    thread = threading.Thread(target=after(created, application), args=(request, None))
    thread.start()
    return thread


def test_a_job_that_starts_at_once_finds_its_state_machine() -> None:
    created, answers = threading.Event(), list[str]()
    waiting = asked(created, "AWSStepFunctions.StartExecution", answers)
    asked(created, "DynamoDB_20120810.GetItem", answers).join(5)
    waiting.join(0.2)
    assert answers == ["DynamoDB_20120810.GetItem"]
    created.set()
    waiting.join(5)
    assert answers == ["DynamoDB_20120810.GetItem", "AWSStepFunctions.StartExecution"]
