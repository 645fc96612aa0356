"""A worker that is at work asks ECS to end others first, and gives that back: scale-in and deployments wait for it."""

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
    """What the agent had been told when each message was worked on."""
    shutdown, told = Shutdown(), list[list[bool]]()
    for body in bodies:
        clients.sqs().send_message(QueueUrl=queue_url(QUEUE), MessageBody=body)

    def handle(delivery: Delivery) -> None:
        told.append(ecs.protects if ecs else [])
        shutdown.requested = len(told) == len(bodies)
        if fails:
            raise KeyError(delivery.body)
        delivery.delete()

    consume((QUEUE,), handle, shutdown, visibility_seconds=30)
    return told


def test_a_worker_at_work_is_protected_and_gives_it_back_after(studio: Studio, ecs: Agent) -> None:
    assert work("one", "two", ecs=ecs) == [[True], [True, False, True]]
    assert ecs.protects == [True, False, True, False]
    assert {path for path, _ in ecs.wishes} == {"/api/task/task-protection/v1/state"}
    assert ecs.wishes[0][1]["ExpiresInMinutes"] == MAX_MINUTES


def test_it_gives_it_back_after_work_that_failed_too(studio: Studio, ecs: Agent) -> None:
    assert work("bad", ecs=ecs, fails=True) == [[True]]
    assert ecs.protects == [True, False]


def test_work_goes_on_where_ecs_refuses(studio: Studio, ecs: Agent) -> None:
    ecs.status = 400
    assert work("one", ecs=ecs) == [[True]]


def test_work_goes_on_where_no_agent_answers(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    with agent() as gone:
        monkeypatch.setenv("ECS_AGENT_URI", gone.url)
    assert work("one") == [[]]


def test_outside_ecs_nobody_is_asked(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ECS_AGENT_URI", raising=False)
    assert work("one") == [[]]
