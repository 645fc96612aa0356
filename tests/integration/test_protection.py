"""Task protection: a busy worker requests it from ECS and releases it after the task, so scale-in waits."""

from collections.abc import Iterator

import pytest

from shared.aws import clients
from shared.aws.queues import queue_url
from shared.stages.stages import Stage
from tests.support.ecs_agent import Agent, agent
from tests.support.studio import Studio
from workers.runtime.protection import MAX_MINUTES
from workers.runtime.queues import Delivery, Shutdown, consume

QUEUE = Stage.VIDEO_SYNTHESIS.queue


@pytest.fixture
def ecs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    with agent() as server:
        monkeypatch.setenv("ECS_AGENT_URI", server.url)
        yield server


def work(*bodies: str, ecs: Agent | None = None, fails: bool = False) -> list[list[bool]]:
    """Handle the messages and return the agent's requests at the time of each message."""
    shutdown, protection = Shutdown(), list[list[bool]]()
    for body in bodies:
        clients.sqs().send_message(QueueUrl=queue_url(QUEUE), MessageBody=body)

    def handle(delivery: Delivery) -> None:
        protection.append(ecs.protects if ecs else [])
        shutdown.requested = len(protection) == len(bodies)
        if fails:
            raise KeyError(delivery.body)
        delivery.delete()

    consume((QUEUE,), handle, shutdown, visibility_seconds=30, probe=lambda: None)
    return protection


def test_a_busy_worker_is_protected_until_the_task_ends(studio: Studio, ecs: Agent) -> None:
    assert work("one", "two", ecs=ecs) == [[True], [True, False, True]]
    assert ecs.protects == [True, False, True, False]
    assert {path for path, _ in ecs.requests} == {"/api/task/task-protection/v1/state"}
    assert ecs.requests[0][1]["ExpiresInMinutes"] == MAX_MINUTES


def test_a_failed_task_ends_the_protection(studio: Studio, ecs: Agent) -> None:
    assert work("bad", ecs=ecs, fails=True) == [[True]]
    assert ecs.protects == [True, False]


def test_work_continues_if_ecs_refuses_protection(studio: Studio, ecs: Agent) -> None:
    ecs.status = 400
    assert work("one", ecs=ecs) == [[True]]


def test_work_continues_if_no_agent_answers(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    with agent() as gone:
        monkeypatch.setenv("ECS_AGENT_URI", gone.url)
    assert work("one") == [[]]


def test_outside_ecs_no_protection_is_requested(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECS_AGENT_URI", raising=False)
    assert work("one") == [[]]
