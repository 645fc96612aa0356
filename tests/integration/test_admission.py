"""Admission: limits of accounts and of the deployment, order, and recovery after a fault at any AWS call."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from random import Random

import pytest

from functions.pipeline import reconcile
from shared.core.clock import utc_now
from shared.credits.store import credits
from shared.jobs import admission, executions, settlement
from shared.jobs.admission import WAIT
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import jobs
from shared.slots import store
from shared.slots.record import SlotsRecord, WaitingRecord
from shared.slots.store import slots
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.cloud import AtCall, ProcessDied, lose_answer, nothing
from tests.support.life import tokens_honoured
from tests.support.steps import complete_steps
from tests.support.studio import Creator, Studio

FREE = PLANS[PlanType.FREE]


@pytest.fixture
def ada(studio: Studio) -> Creator:
    return studio.arrive("ada-of-many@example.com", credits=10_000)


def submitted(creator: Creator, project: str, number: int) -> list[str]:
    return [str(creator.job(project)["id"]) for _ in range(number)]


def has_slot(job_id: str) -> bool:
    """Return whether the job has a slot. Its execution and its `waits` must agree."""
    job = jobs.get(job_id)
    held = any(slot.job_id == job_id for slot in slots.held())
    assert held == (job_id in (SlotsRecord.get(job.account_id).running or ()))
    assert held == (not job.waits and not JobStatus(job.status).ended)
    if not JobStatus(job.status).ended:
        assert (executions.running(job_id) is not None) == held
    return held


def with_slots(job_ids: list[str]) -> list[str]:
    return [job_id for job_id in job_ids if has_slot(job_id)]


def paid(studio: Studio, name: str, plan: PlanType = PlanType.ENTERPRISE) -> Creator:
    creator = studio.arrive(f"{name}@example.com", credits=10_000)
    subscriptions.put(creator.user_id, plan, SubscriptionStatus.ACTIVE, at=utc_now())
    return creator


# --- limits


def test_a_job_over_the_limit_of_its_plan_is_queued_without_an_execution(ada: Creator) -> None:
    made = submitted(ada, ada.project(), FREE.running + 2)
    assert with_slots(made) == made[: FREE.running]
    statuses = [ada.get(f"/api/jobs/{job_id}").body["status"] for job_id in made]
    assert statuses == ["PENDING"] * FREE.running + ["QUEUED"] * 2


@pytest.mark.parametrize(
    "end",
    [
        lambda job: settlement.complete(complete_steps(job.job_id), at=utc_now()),
        lambda job: settlement.fail(job, error="It broke.", at=utc_now()),
        lambda job: settlement.cancel(job, at=utc_now()),
        lambda job: reconcile.execution_ended(job.job_id, utc_now()),
    ],
    ids=["complete", "fail", "cancel", "lost execution"],
)
def test_the_end_of_a_job_admits_the_accounts_oldest_waiting_job(
    ada: Creator, end: Callable[[JobRecord], object]
) -> None:
    made = submitted(ada, ada.project(), FREE.running + 2)
    end(jobs.get(made[0]))
    assert with_slots(made) == made[1 : FREE.running + 1]


def test_a_waiting_job_shows_its_position_and_its_estimated_start(ada: Creator) -> None:
    made = submitted(ada, ada.project(), FREE.running + 3)

    def shown(job_id: str) -> tuple[int | None, str | None]:
        job = ada.get(f"/api/jobs/{job_id}").body
        return job["queuePosition"], job["estimatedStartAt"]

    assert [shown(job_id) for job_id in made[-3:]] == [(1, None), (2, None), (3, None)]
    settlement.cancel(jobs.get(made[0]), at=utc_now())
    (none, _), (first, next_start), (second, later_start) = [shown(job_id) for job_id in made[-3:]]
    assert (none, first, second) == (None, 1, 2)
    assert next_start is not None
    assert later_start is not None
    assert datetime.fromisoformat(next_start) <= datetime.fromisoformat(later_start)
    row = SlotsRecord.get(ada.user_id)
    assert row.turn is not None
    place = slots.places({made[-1]}, account_id=ada.user_id, at=row.turn)[made[-1]]
    assert place.start_at == row.turn + timedelta(seconds=2 * float(row.interval_seconds or 0))
    assert [job["queuePosition"] for job in ada.list("/api/jobs")][:3] == [2, 1, None], "lists show it, too"


def test_a_read_costs_the_same_with_many_waiting_jobs(studio: Studio, ada: Creator) -> None:
    project, calls = ada.project(), []
    first = submitted(ada, project, FREE.running + 1)[-1]
    for _ in range(2):
        studio.cloud.calls.clear()
        ada.get(f"/api/jobs/{first}")
        calls.append(list(studio.cloud.calls))
        submitted(ada, project, 9)
    assert calls[0] == calls[1]


def test_a_job_that_ends_while_it_waits_leaves_the_queue(ada: Creator) -> None:
    made = submitted(ada, ada.project(), FREE.running + 2)
    assert ada.post(f"/api/jobs/{made[FREE.running]}/cancel").status == 200
    assert SlotsRecord.get(ada.user_id).waiting == 1
    settlement.cancel(jobs.get(made[0]), at=utc_now())
    assert with_slots(made) == [*made[1 : FREE.running], made[-1]]


def test_a_job_that_is_admitted_after_it_was_read_ends_with_its_slot(ada: Creator) -> None:
    made = submitted(ada, ada.project(), FREE.running + 1)
    as_read = jobs.get(made[-1])
    settlement.cancel(jobs.get(made[0]), at=utc_now())
    assert has_slot(made[-1])
    assert settlement.cancel(as_read, at=utc_now()).status == JobStatus.CANCELLED
    assert not has_slot(made[-1])
    assert settlement.cancel(as_read, at=utc_now()).status == JobStatus.CANCELLED
    assert (SlotsRecord.get(ada.user_id).waiting, WaitingRecord.count(ada.user_id)) == (0, 0)


def test_the_deployment_has_a_limit_of_its_own(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_MAX_EXECUTIONS", "3")
    bob = studio.arrive("bob@example.com")
    made = [*submitted(ada, ada.project(), 2), *submitted(bob, bob.project(), 2)]
    assert with_slots(made) == made[:3]
    settlement.cancel(jobs.get(made[0]), at=utc_now())
    assert with_slots(made) == made[1:]


def test_an_account_has_a_maximum_number_of_waiting_jobs(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    submitted(ada, project, FREE.running + FREE.waiting)
    before = studio.dump()
    refused = ada.post("/api/jobs", {"projectId": project, "prompt": "a lake"})
    assert (refused.status, refused.body["code"]) == (429, "too_many_waiting_jobs")
    assert int(refused.headers["retry-after"]) > 0
    assert studio.dump() == before


def test_a_job_that_would_wait_too_long_is_refused_until_the_account_is_faster(studio: Studio, ada: Creator) -> None:
    """At an admission in seven hours, the fourth waiting job would start after 28 hours."""
    project, body = ada.project(), {"prompt": "a lake"}
    submitted(ada, project, FREE.running)
    SlotsRecord(ada.user_id).update([SlotsRecord.interval_seconds.set(7 * 3600)])
    submitted(ada, project, 3)
    before = studio.dump()
    refused = ada.post("/api/jobs", {"projectId": project, **body})
    assert (refused.status, refused.body["code"], refused.headers["retry-after"]) == (429, "wait_too_long", "3600")
    assert studio.dump() == before
    SlotsRecord(ada.user_id).update([SlotsRecord.interval_seconds.set(60)])
    assert ada.post("/api/jobs", {"projectId": project, **body}).status == 202


def test_a_job_that_starts_at_once_ends_the_memory_of_a_slow_day(ada: Creator) -> None:
    project = ada.project()
    made = submitted(ada, project, FREE.running + 1)
    SlotsRecord(ada.user_id).update([SlotsRecord.interval_seconds.set(7 * 3600)])
    for job_id in made:
        settlement.cancel(jobs.get(job_id), at=utc_now())
    assert SlotsRecord.get(ada.user_id).interval_seconds is not None
    submitted(ada, project, 1)
    assert SlotsRecord.get(ada.user_id).interval_seconds is None


def test_an_account_without_waiting_jobs_is_not_in_the_index(ada: Creator) -> None:
    """A request of another account does not read it."""
    project = ada.project()
    made = submitted(ada, project, FREE.running)
    assert SlotsRecord.get(ada.user_id).ready is None
    made += submitted(ada, project, 1)
    settlement.cancel(jobs.get(made[0]), at=utc_now())
    settlement.cancel(jobs.get(made[1]), at=utc_now())
    assert SlotsRecord.get(ada.user_id).ready is None
    assert with_slots(made) == made[2:]


def test_a_wait_has_a_longer_budget_than_the_work(ada: Creator) -> None:
    made = submitted(ada, ada.project(), FREE.running + 1)
    waiting = jobs.get(made[-1])
    reconcile._reconcile(waiting.job_id, waiting, utc_now() + WAIT - timedelta(minutes=1), in_turn=True)
    assert jobs.get(made[-1]).status == JobStatus.QUEUED
    reconcile._reconcile(waiting.job_id, waiting, utc_now() + WAIT, in_turn=True)
    job = jobs.get(made[-1])
    assert (job.status, job.error) == (
        "FAILED",
        "The job waited for its turn for more than a day. Nothing was charged.",
    )
    assert credits.get_hold(made[-1]).state == "RELEASED"
    assert WaitingRecord.count(ada.user_id) == 0


def test_a_sweep_asks_for_no_execution_of_a_waiting_job(studio: Studio, ada: Creator) -> None:
    submitted(ada, ada.project(), FREE.running + 5)
    studio.cloud.calls.clear()
    for minute in range(reconcile.TURNS):
        reconcile.sweep(utc_now() + timedelta(minutes=1 + minute))
    assert 0 < studio.cloud.calls.count("DescribeExecution") <= FREE.running * reconcile.TURNS


# --- order


def test_accounts_with_very_different_backlogs_get_the_same_number_of_slots(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first account floods, and the others arrive later. While all have waiting jobs, they take turns."""
    monkeypatch.setenv("KINORA_MAX_EXECUTIONS", "3")
    chance = Random(1)
    owners: dict[str, int] = {}
    for number, backlog in enumerate((FREE.running + FREE.waiting, 10, 8, 8)):
        creator = studio.arrive(f"creator-{number}@example.com", credits=10_000)
        owners |= dict.fromkeys(submitted(creator, creator.project(), backlog), number)
    before = {slot.job_id for slot in slots.held()}
    admitted: list[str] = []
    for _ in range(24):
        held = [slot.job_id for slot in slots.held()]
        assert len(held) == 3
        settlement.cancel(jobs.get(chance.choice(held)), at=utc_now())
        [new] = {slot.job_id for slot in slots.held()} - set(held)
        admitted.append(new)
    counts = Counter(owners[job_id] for job_id in admitted)
    assert before.isdisjoint(admitted)
    assert max(counts.values()) - min(counts.values()) <= 1, counts
    for number in range(4):
        own = [job_id for job_id in admitted if owners[job_id] == number]
        assert own == sorted(own), "an account's oldest job is first"


def test_free_accounts_have_their_share_although_paid_jobs_wait(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FREE accounts that arrive last get 20 % of ten slots, and no more while paid jobs wait."""
    monkeypatch.setenv("KINORA_MAX_EXECUTIONS", "10")
    rich = paid(studio, "rich")
    submitted(rich, rich.project(), 30)
    assert not SlotsRecord.get("deployment").free, "paid jobs use what FREE accounts leave"
    for number in range(3):
        poor = studio.arrive(f"poor-{number}@example.com", credits=100)
        submitted(poor, poor.project(), 4)
    shares = []
    for _ in range(12):
        oldest = min(slot.job_id for slot in slots.held())
        settlement.cancel(jobs.get(oldest), at=utc_now())
        assert len(slots.held()) == 10
        shares.append(len(SlotsRecord.get("deployment").free or ()))
    assert shares[:2] == [1, 2]
    assert set(shares[2:]) == {2}


# --- shards


def test_slots_are_spread_over_the_shards_of_the_deployment(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each shard has its part of the limit, and slots of a shard that a lower limit no longer uses are taken back."""
    monkeypatch.setattr(store, "SHARD_SLOTS", 2)
    monkeypatch.setenv("KINORA_MAX_EXECUTIONS", "5")
    creators = [studio.arrive(f"creator-{number}@example.com", credits=1000) for number in range(4)]
    made = [job_id for creator in creators for job_id in submitted(creator, creator.project(), 3)]
    assert sorted(Counter(slot.shard for slot in slots.held()).items()) == [(0, 2), (1, 2), (2, 1)]
    for _ in range(5):
        ended = max(slots.held(), key=lambda slot: slot.shard)
        settlement.cancel(jobs.get(ended.job_id), at=utc_now())
        assert sorted(Counter(slot.shard for slot in slots.held()).items()) == [(0, 2), (1, 2), (2, 1)]
        assert sum(map(has_slot, made)) == 5

    monkeypatch.setenv("KINORA_MAX_EXECUTIONS", "2")
    [last] = [slot for slot in slots.held() if slot.shard == 2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(admission, "job_ended", lambda *_, **__: None)  # the process dies before it
        settlement.cancel(jobs.get(last.job_id), at=utc_now())
    assert last in slots.held()
    reconcile.sweep(utc_now() + timedelta(minutes=1))
    assert sorted(Counter(slot.shard for slot in slots.held()).items()) == [(0, 2), (1, 2)]


# --- faults


def wrong_with_slots(job_ids: list[str]) -> list[str]:
    """Return what is wrong after all processes and a sweep have ended."""
    live = [job for job in jobs.several(job_ids) if not JobStatus(job.status).ended]
    waiting = sorted(job.job_id for job in live if job.waits)
    admitted = sorted(job.job_id for job in live if not job.waits)
    account = SlotsRecord.get(live[0].account_id, consistent_read=True)
    checks = {
        "deployment": sorted(slot.job_id for slot in slots.held()) == admitted,
        "account": sorted(account.running or ()) == admitted,
        "number that waits": account.waiting == len(waiting),
        "queue": [one.job_id for one in WaitingRecord.query(account.owner)] == waiting,
        "no idle slot": len(admitted) == FREE.running or not waiting,
        "oldest first": not waiting or max(admitted) < waiting[0],
        "executions": all(executions.running(job_id) is not None for job_id in admitted),
        "no execution": all(executions.running(job_id) is None for job_id in waiting),
        "shown as queued": all(job.status == JobStatus.QUEUED for job in live if job.waits),
    }
    return [name for name, holds in checks.items() if not holds]


@pytest.mark.parametrize("fault", ["death", "lost answer"])
def test_a_fault_at_any_call_strands_no_job_and_loses_no_slot(studio: Studio, ada: Creator, fault: str) -> None:
    """A submit and an end meet the fault at their first call, then at their second, until neither has more."""
    project, number, met = ada.project(), 0, True
    oldest = submitted(ada, project, FREE.running + 1)[0]
    cause = (lambda _: studio.cloud.die()) if fault == "death" else lose_answer
    while met:
        number, met = number + 1, False
        with tokens_honoured(), studio.restored():
            for process in (
                lambda: ada.post("/api/jobs", {"projectId": project, "prompt": "a lake"}),
                lambda: settlement.cancel(jobs.get(oldest), at=utc_now()),
            ):
                hook = AtCall(studio.cloud, number, cause)
                studio.cloud.afterwards = hook
                try:
                    process()
                except Exception:  # noqa: BLE001  # the process has died
                    assert fault == "death"
                met = met or bool(hook.operation)
                studio.cloud.dead, studio.cloud.afterwards = False, nothing
            made = [job.job_id for job in JobRecord.by_account.query(ada.user_id)]
            for minute in (1, 2):  # the first sweep admits; the second starts what was admitted without a start
                reconcile.sweep(utc_now() + timedelta(minutes=minute))
            assert wrong_with_slots(made) == [], (number, hook.operation)
    assert number > 15, "the processes have fewer calls than expected"


def test_the_death_of_a_sweep_strands_no_job_and_loses_no_slot(studio: Studio, ada: Creator) -> None:
    """The sweep dies after its first call, then after its second, until it has no more.

    It finds a slot of an ended job, a waiting job whose turn it is, and one whose wait was too long.
    """
    project, number, met = ada.project(), 0, True
    made = submitted(ada, project, FREE.running + 3)
    oldest, newest = made[0], made[-1]
    while met:
        number += 1
        with tokens_honoured(), studio.restored():
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(admission, "job_ended", lambda *_, **__: None)  # the process dies before it
                settlement.cancel(jobs.get(oldest), at=utc_now())
            JobRecord(newest).update([JobRecord.deadline_at.set(utc_now())])
            studio.cloud.afterwards = hook = AtCall(studio.cloud, number, lambda _: studio.cloud.die())
            with suppress(ProcessDied):
                reconcile.sweep(utc_now() + timedelta(minutes=1))
            met = bool(hook.operation)
            studio.cloud.dead, studio.cloud.afterwards = False, nothing
            for minute in (2, 3):
                reconcile.sweep(utc_now() + timedelta(minutes=minute))
            assert wrong_with_slots(made) == [], (number, hook.operation)
    assert number > 15, "the sweep has fewer calls than expected"
