"""One job's whole life, with a fault at each AWS call: nothing is lost or charged twice (I2, I3, I4, I6)."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from functions.upkeep import audit, sweep
from functions.upkeep.sweep import LEAST_AGE
from shared.aws import clients, secrets
from shared.core.clock import utc_now
from shared.credits.record import HoldRecord, LedgerRecord
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.record import JobStatus
from shared.jobs.store import JobNotFound, jobs
from shared.stages.queues import QUEUES
from tests.support.cloud import lose_answer
from tests.support.life import Life, Stuck, tokens_honoured
from tests.support.steps import stored_keys
from tests.support.studio import Creator, Studio

KINDS: dict[str, dict[str, Any]] = {
    "in process": {},
    "remote": {"engines": {"VIDEO_SYNTHESIS": "fal-kling"}, "duration": 5},
}


@pytest.fixture(autouse=True)
def _expired_leases(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leases that expire at once, no beats, polls without a pause, and transactions that DynamoDB recognizes."""
    for name in ("LEASE_SECONDS", "REMOTE_LEASE_SECONDS", "REMOTE_POLL_MOST_SECONDS"):
        monkeypatch.setenv(f"KINORA_{name}", "0")
    for name in ("BEAT_SECONDS", "PROGRESS_SECONDS"):
        monkeypatch.setenv(f"KINORA_{name}", "60")
    clients.secretsmanager().create_secret(Name="kinora/test/fal-key", SecretString="x")  # not a secret
    with tokens_honoured():
        yield
    clients.secretsmanager().delete_secret(SecretId="kinora/test/fal-key", ForceDeleteWithoutRecovery=True)
    secrets.secret.cache_clear()


def wrong_with(life: Life, creator: Creator, status: JobStatus) -> list[str]:
    """Return what is wrong with the ended job."""
    job, hold = jobs.get(life.job_id), HoldRecord.get(life.job_id)
    captured = status is JobStatus.COMPLETED
    objects = stored_keys(life.job_id)
    named = {output.key for result in jobs.results(job).values() for output in result.outputs}
    changes = [
        record["dynamodb"]["NewImage"]
        for record in creator.studio.job_changes()
        if record["dynamodb"]["Keys"]["job_id"]["S"] == life.job_id
    ]
    numbers = [int(image["seq"]["N"]) for image in changes]
    ended = [JobStatus(image["status"]["S"]).ended for image in changes]
    account = credits.account(creator.user_id)
    entries = list(LedgerRecord.query(creator.user_id))
    checks = {
        f"status {job.status}, {job.error}": job.status == status,
        f"hold {hold.state}": hold.state == ("CAPTURED" if captured else "RELEASED"),
        "captured once": [e.credits for e in entries if life.job_id in e.operation_id] == [-hold.credits] * captured,
        "books": (account.held, account.available) == (0, sum(entry.credits for entry in entries)),
        f"lost {named - objects}": named <= objects,
        "results": not captured or set(jobs.results(job)) == {stage for stage, _ in job.planned()},
        "seq rises": numbers == sorted(set(numbers)),
        "one end, last": ended == [False] * (len(ended) - 1) + [True],
        "submissions": len(life.provider.submitted) <= 1,
    }
    return [name for name, holds in checks.items() if not holds]


def lives(studio: Studio, kind: str, fault: Callable[[str], None]) -> Iterator[tuple[Creator, Life]]:
    """Yield ended lives: each process has met the fault at its first call, then at its second, until none has more."""
    ada = studio.arrive("ada@example.com", credits=100_000)
    project, faults = ada.project(), 0
    for number in count(1):
        life = Life(ada, project, KINDS[kind], number, fault)
        life.run()
        yield ada, life
        if not life.faults:
            break
        faults += len(life.faults)
    assert faults > 60, "the lives have fewer calls than expected"


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_lost_at_any_call_loses_nothing(studio: Studio, kind: str) -> None:
    for ada, life in lives(studio, kind, lose_answer):
        assert wrong_with(life, ada, JobStatus.COMPLETED) == [], life.faults
        if "SendMessage" not in life.faults:  # a task that was sent twice makes two attempts, because no lease lasts
            assert {int(step.attempts) for _, step in jobs.get(life.job_id).planned()} == {1}, life.faults


@pytest.mark.parametrize("kind", KINDS)
def test_a_process_that_dies_after_any_call_loses_nothing(studio: Studio, kind: str) -> None:
    """A process that dies between the intent and the ticket leaves a submission that nothing can confirm."""
    unconfirmed = 0
    for ada, life in lives(studio, kind, lambda _: studio.cloud.die()):
        failed = "did not confirm" in (jobs.get(life.job_id).error or "")
        unconfirmed += failed
        expected = JobStatus.FAILED if failed else JobStatus.COMPLETED
        assert wrong_with(life, ada, expected) == [], (life.faults, life.errors)
    assert unconfirmed == (kind == "remote")
    assert_the_sweep_leaves_no_orphans(studio)


def assert_the_sweep_leaves_no_orphans(studio: Studio) -> None:
    """Check that something is left over, and that after 24 hours a sweep deletes it and nothing that is named."""
    studio.cloud.may_scan = True
    later = utc_now() + LEAST_AGE + timedelta(hours=1)
    assert {finding.invariant for finding in audit.findings(later, at_rest=True)} == {"I12"}
    assert sweep.sweep(later)["complete"]
    assert list(audit.findings(later, at_rest=True)) == []


def test_a_job_that_is_cancelled_and_deleted_at_any_call_leaves_nothing_after_the_sweep(studio: Studio) -> None:
    """A worker that dies at that moment deletes nothing either."""
    ada = studio.arrive("ada@example.com", credits=100_000)
    project, deleted, lived = ada.project(), 0, list[Life]()

    def end(_operation: str) -> None:
        if job_id := lived[-1].job_id:
            ada.post(f"/api/jobs/{job_id}/cancel")
            ada.delete(f"/api/jobs/{job_id}")
        studio.cloud.die()

    for number in count(1):
        life = Life(ada, project, KINDS["in process"], number, end)
        lived.append(life)
        with suppress(Stuck, JobNotFound):  # nothing continues a deleted job
            life.run()
        if not life.faults:
            break
        with suppress(JobNotFound):
            jobs.get(life.job_id)
            continue
        deleted += 1
    assert deleted > 10
    for queue in QUEUES:  # the life of a deleted job ends before its messages are delivered
        while delivery := studio.deliver(queue.name):
            delivery.delete()
    for hold in list(HoldRecord.open_holds.query("open")):  # of jobs that were not deleted
        settlement.cancel(jobs.get(hold.job_id), at=utc_now())
    assert_the_sweep_leaves_no_orphans(studio)
