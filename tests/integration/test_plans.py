"""Plans: jobs of paid plans use the priority queue, and films of the free plan have a watermark."""

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
from workers.runtime.queue_loop import polled
from workers.runtime.queues import Delivery, Shutdown, consume

IMAGE = Stage.IMAGE_GENERATION
VIDEO = Stage.VIDEO_SYNTHESIS
MOTION = Stage.MOTION_TRANSFER
POST = Stage.POST_PROCESSING
ACTIVE = SubscriptionStatus.ACTIVE


def subscribe(creator: Creator, plan: PlanType, status: SubscriptionStatus = ACTIVE) -> None:
    subscriptions.put(creator.user_id, plan, status, at=utc_now())


def dispatch_job(creator: Creator, stage: Stage, *operations: str) -> None:
    """Submit a job of the creator and dispatch its step of the stage."""
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
def test_a_film_of_the_free_plan_has_the_watermark(
    studio: Studio, ada: Creator, wanted: list[str], done: list[str]
) -> None:
    dispatch_job(ada, POST, *wanted)
    assert operations(studio, POST.queue) == done
    assert studio.messages(POST.priority_queue) == []


@pytest.mark.parametrize("plan", [PlanType.PRO, PlanType.ENTERPRISE])
def test_a_film_of_a_paid_plan_has_priority_and_no_watermark(studio: Studio, ada: Creator, plan: PlanType) -> None:
    subscribe(ada, plan)
    dispatch_job(ada, POST, "grain")
    assert operations(studio, POST.priority_queue) == ["grain"]
    assert studio.messages(POST.queue) == []


@pytest.mark.parametrize("status", SubscriptionStatus)
def test_a_plan_applies_until_it_is_cancelled_or_unpaid(
    studio: Studio, ada: Creator, status: SubscriptionStatus
) -> None:
    subscribe(ada, PlanType.PRO, status)
    dispatch_job(ada, IMAGE)
    ended = status in {SubscriptionStatus.CANCELLED, SubscriptionStatus.UNPAID}
    assert len(studio.messages(IMAGE.queue if ended else IMAGE.priority_queue)) == 1


def test_a_plan_applies_to_its_own_account_only(studio: Studio, ada: Creator) -> None:
    subscribe(studio.arrive("bob@example.com"), PlanType.ENTERPRISE)
    dispatch_job(ada, POST)
    assert operations(studio, POST.queue) == ["watermark"]


def test_no_request_can_claim_a_plan(studio: Studio, ada: Creator) -> None:
    project_id = ada.project()
    for claim in ({"paid": True}, {"plan": "PRO"}):
        answer = ada.post("/api/jobs", {"projectId": project_id, "prompt": "a lighthouse", **claim})
        assert answer.status == 422
        answer = ada.post("/api/jobs", {"projectId": project_id, "prompt": "a lighthouse", "settings": claim})
        assert answer.status == 422


def test_workers_poll_the_priority_queue_first(studio: Studio, ada: Creator) -> None:
    dispatch_job(ada, IMAGE)
    pro = studio.arrive("pro@example.com")
    subscribe(pro, PlanType.PRO)
    for _ in range(2):
        dispatch_job(pro, IMAGE)
    shutdown, done = Shutdown(), []

    def handle(delivery: Delivery) -> None:
        done.append(delivery.queue)
        delivery.delete()
        shutdown.requested = len(done) == 3

    consume(polled([IMAGE]), handle, shutdown, visibility_seconds=30, probe=lambda: None)
    assert done == [IMAGE.priority_queue, IMAGE.priority_queue, IMAGE.queue]
    assert queues.queue_url(IMAGE.priority_queue).endswith("image-generation-priority")


def test_a_worker_of_all_stages_ends_the_oldest_job_of_a_plan_first(studio: Studio, ada: Creator) -> None:
    pro = studio.arrive("pro@example.com")
    subscribe(pro, PlanType.PRO)
    for creator in (ada, pro):
        dispatch_job(creator, POST)  # it is the oldest job: its film is the last step
        dispatch_job(creator, IMAGE)
    shutdown, done = Shutdown(), []

    def handle(delivery: Delivery) -> None:
        done.append(delivery.queue)
        delivery.delete()
        shutdown.requested = len(done) == 4

    consume(polled([*Stage]), handle, shutdown, visibility_seconds=30, probe=lambda: None)
    assert done == [POST.priority_queue, IMAGE.priority_queue, POST.queue, IMAGE.queue]
