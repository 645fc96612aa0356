"""What a plan changes: whose steps go first, and whose films bear our mark."""

from typing import Any

import pytest

from functions.pipeline.dispatch import handler as dispatch
from shared.aws import queues
from shared.core.clock import utc_now
from shared.stages.stages import Stage
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.steps import complete_step
from tests.support.studio import Creator, Studio
from workers.runtime.queues import Delivery, Shutdown, consume

IMAGE = Stage.IMAGE_GENERATION
VIDEO = Stage.VIDEO_SYNTHESIS
MOTION = Stage.MOTION_TRANSFER
POST = Stage.POST_PROCESSING
ACTIVE = SubscriptionStatus.ACTIVE


def subscribe(creator: Creator, plan: PlanType, status: SubscriptionStatus = ACTIVE) -> None:
    subscriptions.put(creator.user_id, plan, status, at=utc_now())


def asked(creator: Creator, stage: Stage, *operations: str) -> None:
    """A job of the creator's whose step of the stage is sent to its workers."""
    job = creator.job(creator.project(), operations=list(operations))
    for earlier in (IMAGE, VIDEO):
        if stage is POST:
            complete_step(job["id"], earlier)
    dispatch({"jobId": job["id"], "stage": stage.value, "taskToken": "token"}, None)


def operations(studio: Studio, queue: str) -> Any:
    [message] = studio.messages(queue)
    return message["request"]["operations"]


@pytest.mark.parametrize(
    ("wanted", "done"),
    [
        ([], ["watermark"]),
        (["grain", "fade:in"], ["grain", "fade:in", "watermark"]),
        (["watermark:top-left"], ["watermark:top-left"]),
    ],
)
def test_a_film_of_the_free_plan_bears_the_mark(
    studio: Studio, ada: Creator, wanted: list[str], done: list[str]
) -> None:
    asked(ada, POST, *wanted)
    assert operations(studio, POST.queue) == done
    assert studio.messages(POST.priority_queue) == []


@pytest.mark.parametrize("plan", [PlanType.PRO, PlanType.ENTERPRISE])
def test_a_film_of_a_paid_plan_goes_first_and_bears_none(studio: Studio, ada: Creator, plan: PlanType) -> None:
    subscribe(ada, plan)
    asked(ada, POST, "grain")
    assert operations(studio, POST.priority_queue) == ["grain"]
    assert studio.messages(POST.queue) == []


@pytest.mark.parametrize("status", SubscriptionStatus)
def test_a_plan_holds_while_it_is_paid_for(studio: Studio, ada: Creator, status: SubscriptionStatus) -> None:
    subscribe(ada, PlanType.PRO, status)
    asked(ada, IMAGE)
    ended = status in {SubscriptionStatus.CANCELLED, SubscriptionStatus.UNPAID}
    assert len(studio.messages(IMAGE.queue if ended else IMAGE.priority_queue)) == 1


def test_one_accounts_plan_is_no_others(studio: Studio, ada: Creator) -> None:
    subscribe(studio.arrive("bob@example.com"), PlanType.ENTERPRISE)
    asked(ada, POST)
    assert operations(studio, POST.queue) == ["watermark"]


def test_no_request_can_claim_a_plan(studio: Studio, ada: Creator) -> None:
    project_id = ada.project()
    for claim in ({"paid": True}, {"plan": "PRO"}):
        answer = ada.post("/api/jobs", {"projectId": project_id, "prompt": "a lighthouse", **claim})
        assert answer.status == 422
        answer = ada.post("/api/jobs", {"projectId": project_id, "prompt": "a lighthouse", "settings": claim})
        assert answer.status == 422


def test_workers_look_into_the_priority_queue_first(studio: Studio, ada: Creator) -> None:
    asked(ada, IMAGE)
    pro = studio.arrive("pro@example.com")
    subscribe(pro, PlanType.PRO)
    for _ in range(2):
        asked(pro, IMAGE)
    shutdown, done = Shutdown(), []

    def handle(delivery: Delivery) -> None:
        done.append(delivery.queue)
        delivery.delete()
        shutdown.requested = len(done) == 3

    consume((IMAGE.priority_queue, IMAGE.queue), handle, shutdown, visibility_seconds=30)
    assert done == [IMAGE.priority_queue, IMAGE.priority_queue, IMAGE.queue]
    assert queues.queue_url(IMAGE.priority_queue).endswith("image-generation-priority")
