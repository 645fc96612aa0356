"""Batches: several jobs of one submit. All are accepted, or none."""

from typing import Any

import pytest

from shared.core.clock import utc_now
from shared.credits.record import HoldRecord
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import jobs
from shared.slots.record import SlotsRecord
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType
from tests.support.steps import complete_steps
from tests.support.studio import Answer, Creator, Studio

FILM = 6  # credits


def submitted(creator: Creator, count: int, *, key: str | None = None, **more: Any) -> Answer:
    body = {"projectId": creator.project(), "prompt": "a lighthouse at dusk", "count": count, **more}
    return creator.post("/api/jobs", body, key=key)


def test_a_batch_is_jobs_with_seeds_in_a_row(ada: Creator) -> None:
    first = submitted(ada, 3, settings={"seed": 2**32 - 2}).body
    assert (first["id"], first["seed"]) == (first["batch"][0], 2**32 - 2)
    shown = ada.list("/api/jobs", batchId=first["batchId"])
    assert [job["id"] for job in reversed(shown)] == first["batch"]
    assert [job["seed"] for job in reversed(shown)] == [2**32 - 2, 2**32 - 1, 0]
    assert {job["batchId"] for job in shown} == {first["batchId"]}
    assert all("batch" not in job for job in shown)


def test_each_job_of_a_batch_has_its_own_hold_and_end(ada: Creator) -> None:
    kept, failed, cancelled = submitted(ada, 3).body["batch"]
    assert credits.account(ada.user_id).held == 3 * FILM
    settlement.complete(complete_steps(kept), at=utc_now())
    settlement.fail(jobs.get(failed), error="It broke.", at=utc_now())
    assert ada.post(f"/api/jobs/{cancelled}/cancel").body["status"] == "CANCELLED"
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (100 - FILM, 0)
    assert [HoldRecord.get(job_id).state for job_id in (kept, failed)] == ["CAPTURED", "RELEASED"]


def test_a_batch_without_enough_credits_makes_no_job(studio: Studio) -> None:
    poor = studio.arrive("poor@example.com", credits=3 * FILM - 1)
    answer = submitted(poor, 3)
    assert (answer.status, answer.body["code"], answer.body["creditsNeeded"]) == (402, "not_enough_credits", 3 * FILM)
    assert poor.list("/api/jobs") == []
    assert submitted(poor, 2).status == 202


@pytest.mark.parametrize("count", [0, 9, 1.5, "2", True])
def test_a_batch_has_one_to_eight_jobs(ada: Creator, count: Any) -> None:
    assert submitted(ada, count).status == 422


def test_a_batch_that_exceeds_the_waiting_jobs_makes_no_job(studio: Studio) -> None:
    creator = studio.arrive("many@example.com", credits=1000)
    terms = PLANS[PlanType.FREE]
    submitted(creator, terms.running)
    SlotsRecord(creator.user_id).update([SlotsRecord.waiting.set(terms.waiting - 2)])
    before = credits.account(creator.user_id).available
    answer = submitted(creator, 3)
    assert (answer.status, answer.body["code"]) == (429, "too_many_waiting_jobs")
    assert credits.account(creator.user_id).available == before
    assert submitted(creator, 2).status == 202


def test_a_batch_that_is_sent_twice_is_one_batch(ada: Creator) -> None:
    project = ada.project()
    body = {"projectId": project, "prompt": "a lighthouse", "count": 2}
    answers = [ada.post("/api/jobs", body, key="both") for _ in range(2)]
    assert answers[0].body == answers[1].body
    assert len(ada.list("/api/jobs")) == 2


def test_the_jobs_of_a_batch_run_as_slots_are_free(ada: Creator) -> None:
    made = [jobs.get(job_id) for job_id in submitted(ada, 4).body["batch"]]
    running = PLANS[PlanType.FREE].running
    assert [bool(job.waits) for job in made] == [False] * running + [True] * (4 - running)
    assert {job.status for job in made if job.waits} == {JobStatus.QUEUED}


def test_a_batch_uses_its_assets_in_all_jobs(ada: Creator) -> None:
    asset = ada.asset()
    first = submitted(ada, 2, inputs=[{"role": "picture", "assetId": asset}]).body
    ada.post(f"/api/jobs/{first['id']}/cancel")
    assert ada.delete(f"/api/assets/{asset}").status == 409


def test_the_list_of_a_batch_has_pages_and_shows_it_to_its_account_only(ada: Creator, eve: Creator) -> None:
    first = submitted(ada, 5).body
    page = ada.get("/api/jobs", batchId=first["batchId"], limit="3").body
    rest = ada.get("/api/jobs", batchId=first["batchId"], limit="3", cursor=page["nextCursor"]).body
    assert [job["id"] for job in (*page["data"], *rest["data"])] == first["batch"][::-1]
    assert not rest["hasMore"]
    assert eve.get("/api/jobs", batchId=first["batchId"]).body["code"] == "batch_not_found"
    for unknown in ("bat_nothing", first["id"], first["batchId"].replace("bat_", "job_")):
        assert ada.get("/api/jobs", batchId=unknown).status == 404
    assert ada.list("/api/jobs", batchId=first["batchId"], projectId=ada.project("Another")) == []
    settlement.cancel(JobRecord.get(first["id"]), at=utc_now())
    assert ada.delete(f"/api/jobs/{first['id']}").status == 204
    assert len(ada.list("/api/jobs", batchId=first["batchId"])) == 4


def test_a_quote_of_a_batch_is_the_price_of_all_its_jobs(ada: Creator) -> None:
    body = {"projectId": ada.project(), "prompt": "a lighthouse", "count": 4}
    assert ada.post("/api/jobs/quote", body).body["credits"] == 4 * FILM
