"""A state machine of Hypothesis: the verbs and stores of jobs against a model of jobs, steps, holds and credits.

The model is a few dictionaries. After each rule it must equal the stored items (I1 to I4). At the end the stream of the
jobs table must be in order (I5). KINORA_MACHINE_EXAMPLES sets the number of runs.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from ulid import ULID

from functions.pipeline import dispatch, reconcile
from shared.core.clock import utc_now
from shared.credits.record import HoldRecord, LedgerRecord
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.admission import WAIT
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.steps import BELIEVED_LEASES, AlreadyCompleted, Fenced, Leased, steps
from shared.jobs.store import JobEnded, JobNotFound, jobs
from shared.slots.record import SlotsRecord
from shared.stages.failures import StageFailure
from shared.stages.stages import Stage
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.cloud import nothing
from tests.support.steps import LEASE, stored_keys, stored_result
from tests.support.studio import Creator, Studio

EXAMPLES = int(os.environ.get("KINORA_MACHINE_EXAMPLES", "4"))
ACTS = 30  # maximum number of rules in one run
OPENING = 20  # credits: enough for three jobs of six credits
LOST = st.booleans()  # whether the answer of the write is lost, so that botocore sends it again
PENDING, QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED = JobStatus


@dataclass
class ModelStep:
    status: JobStatus = PENDING
    attempt: str | None = None
    attempts: int = 0
    lease_until: datetime | None = None


@dataclass
class ModelJob:
    price: int
    stages: dict[Stage, ModelStep]
    status: JobStatus = PENDING
    deleted: bool = False

    @property
    def live(self) -> bool:
        return not self.deleted and not self.status.ended

    @property
    def completed(self) -> bool:
        return all(step.status == COMPLETED for step in self.stages.values())


@dataclass(frozen=True)
class Claimed:
    """One attempt, which may have been fenced since."""

    job: JobRecord
    stage: Stage
    attempt: str


@dataclass
class Books:
    available: int = OPENING
    held: int = 0
    jobs: dict[str, ModelJob] = field(default_factory=dict)


class JobMachine(RuleBasedStateMachine):
    """Jobs of one account under any order of requests, workers, settlements, lost answers and clocks."""

    job_ids: Bundle[str] = Bundle("job_ids")
    attempts: Bundle[Claimed] = Bundle("attempts")
    readings: Bundle[JobRecord] = Bundle("readings")  # of a settlement that has read the job and not yet written
    studio: Studio
    has_stream: bool  # moto's; the stream of the real engine is not read

    @initialize(target=job_ids)
    def begin(self) -> str:
        self.ada: Creator = self.studio.arrive(f"{ULID()}@example.com", credits=OPENING)
        # Three jobs: all have a slot at once.
        subscriptions.put(self.ada.user_id, PlanType.PRO, SubscriptionStatus.ACTIVE, at=utc_now())
        self.project, self.model, self.at = self.ada.project(), Books(), utc_now().replace(microsecond=0)
        return str(self.submit(lost=False, copies=1))

    # --- requests

    @rule(target=job_ids, lost=LOST, copies=st.sampled_from([1, 2]))
    def submit(self, lost: bool, copies: int) -> MultipleResults[str] | str:
        body, key = {"projectId": self.project, "prompt": "a lake"}, str(ULID())
        with self._losing("TransactWriteItems", lost):
            answers = [self.ada.post("/api/jobs", body, key=key) for _ in range(copies)]
        if answers[0].status == 402:
            assert self.model.available < answers[0].body["creditsNeeded"]
            return multiple()
        assert [answer.status for answer in answers] == [202] * copies
        [job_id] = {str(answer.body["id"]) for answer in answers}
        price = int(answers[0].body["credits"])
        stages = {stage: ModelStep() for stage, _ in jobs.get(job_id).planned()}
        self.model.jobs[job_id] = ModelJob(price, stages)
        self.model.available, self.model.held = self.model.available - price, self.model.held + price
        return job_id

    @rule(job_id=job_ids, lost=LOST)
    def cancel(self, job_id: str, lost: bool) -> None:
        job = self.model.jobs[job_id]
        expected = 404 if job.deleted else 200 if job.live or job.status == CANCELLED else 409
        with self._losing("TransactWriteItems", lost):
            assert self.ada.post(f"/api/jobs/{job_id}/cancel").status == expected
        self._end(job, CANCELLED)

    @rule(job_id=job_ids, lost=LOST)
    def delete(self, job_id: str, lost: bool) -> None:
        job = self.model.jobs[job_id]
        with self._losing("TransactWriteItems", lost):
            assert self.ada.delete(f"/api/jobs/{job_id}").status == (404 if job.deleted else 409 if job.live else 204)
        job.deleted = not job.live

    # --- the state machine

    @rule(job_id=job_ids, stage=st.sampled_from(Stage), lost=LOST)
    def dispatch(self, job_id: str, stage: Stage, lost: bool) -> None:
        """Dispatch a step, also one that runs or that comes too early: Retry and redrive do so."""
        job, token = self.model.jobs[job_id], str(ULID())
        if stage not in job.stages:
            return
        with self._losing("UpdateItem", lost), self._raising(JobNotFound if job.deleted else None):
            dispatch.handler({"jobId": job_id, "stage": stage.value, "taskToken": token}, None)
        if not job.live or job.stages[stage].status == COMPLETED:
            return
        answered = any(answer.token == token for answer in self.studio.cloud.answers)  # an input is missing
        if job.status == PENDING and not answered:
            job.status = job.stages[stage].status = QUEUED

    @rule(target=readings, job_id=job_ids)
    def read(self, job_id: str) -> MultipleResults[JobRecord] | JobRecord:
        return multiple() if self.model.jobs[job_id].deleted else jobs.get(job_id)

    @rule(reading=readings, lost=LOST, succeeds=st.booleans())
    def settle(self, reading: JobRecord, lost: bool, succeeds: bool) -> None:
        job, at = self.model.jobs[reading.job_id], self.at
        with self._losing("TransactWriteItems", lost), self._raising(JobNotFound if job.deleted else None):
            if succeeds:
                settlement.complete(reading, at=at)
            else:
                settlement.fail(reading, error="It broke.", at=at)
        complete = all(step.status == COMPLETED for _, step in reading.planned())
        self._end(job, COMPLETED if succeeds and complete else FAILED)

    @rule()
    def reconcile_after_the_deadline(self) -> None:
        reconcile.sweep(utc_now() + WAIT + timedelta(hours=1))
        for job in self.model.jobs.values():
            self._end(job, FAILED)

    def _end(self, job: ModelJob, status: JobStatus) -> None:
        """End a live job and its hold."""
        if job.live:
            job.status = status
            self.model.held -= job.price
            self.model.available += 0 if status == COMPLETED else job.price

    # --- workers

    @rule(target=attempts, job_id=job_ids, lost=LOST, fast_clock=st.booleans())
    def claim(self, job_id: str, lost: bool, fast_clock: bool) -> MultipleResults[Claimed] | Claimed:
        """Claim the first step that is not completed, or the last one."""
        job, attempt = self.model.jobs[job_id], str(ULID())
        stage = next((stage for stage, step in job.stages.items() if step.status != COMPLETED), list(job.stages)[-1])
        step, until = job.stages[stage], self.at + LEASE
        leased = step.lease_until is not None and self.at <= step.lease_until <= self.at + BELIEVED_LEASES * LEASE
        refusal = (
            JobNotFound if job.deleted
            else JobEnded if job.status.ended
            else AlreadyCompleted if step.status == COMPLETED
            else Leased if leased else None
        )  # fmt: skip
        with self._losing("UpdateItem", lost), self._raising(refusal):
            claimed = steps.claim(job_id, stage, attempt=attempt, lease_until=until, at=self.at)
        if refusal is not None:
            return multiple()
        job.status, step.status, step.attempt, step.lease_until = RUNNING, RUNNING, attempt, until
        step.attempts += 1
        if fast_clock:
            step.lease_until = until + 10 * BELIEVED_LEASES * LEASE
            steps.beat(job_id, stage, attempt=attempt, lease_until=step.lease_until, progress=None, at=self.at)
        return Claimed(claimed, stage, attempt)

    @rule(claimed=attempts, lost=LOST)
    def beat(self, claimed: Claimed, lost: bool) -> None:
        until = self.at + LEASE
        with self._losing("UpdateItem", lost), self._current(claimed) as step:
            steps.beat(
                claimed.job.job_id,
                claimed.stage,
                attempt=claimed.attempt,
                lease_until=until,
                progress=(50, 20),
                at=self.at,
            )
        if step is not None:
            step.lease_until = until

    @rule(claimed=attempts, lost=LOST)
    def record(self, claimed: Claimed, lost: bool) -> None:
        result = stored_result(claimed.job.job_id, claimed.stage, claimed.attempt)
        with self._losing("UpdateItem", lost), self._current(claimed, COMPLETED) as step:
            steps.record_result(claimed.job, claimed.stage, result, attempt=claimed.attempt, at=self.at)
        self._leave(step, COMPLETED)

    @rule(claimed=attempts, lost=LOST, retryable=st.booleans())
    def fail(self, claimed: Claimed, lost: bool, retryable: bool) -> None:
        failure = StageFailure("broken", "It broke.", retryable=retryable)
        status = QUEUED if retryable else FAILED
        with self._losing("UpdateItem", lost), self._current(claimed, status) as step:
            steps.record_failure(claimed.job.job_id, claimed.stage, failure, attempt=claimed.attempt, at=self.at)
        self._leave(step, status)

    @rule(claimed=attempts, lost=LOST)
    def hand_back(self, claimed: Claimed, lost: bool) -> None:
        with self._losing("UpdateItem", lost), self._current(claimed, QUEUED) as step:
            steps.release(claimed.job.job_id, claimed.stage, attempt=claimed.attempt, at=self.at)
        self._leave(step, QUEUED)

    @rule(seconds=st.sampled_from([1, 16, 300]))
    def wait(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)

    @contextmanager
    def _current(self, claimed: Claimed, written: JobStatus | None = None) -> Iterator[ModelStep | None]:
        """Yield the attempt's step. Yield None and require Fenced if the attempt is not current.

        A write that sets the status `written` recognizes that the same attempt has set it before, and changes nothing.
        """
        job = self.model.jobs[claimed.job.job_id]
        step = job.stages[claimed.stage]
        current = job.live and (step.status, step.attempt) == (RUNNING, claimed.attempt)
        repeated = not job.deleted and (step.status, step.attempt) == (written, claimed.attempt)
        with self._raising(None if current or repeated else Fenced):
            yield step if current else None

    @staticmethod
    def _leave(step: ModelStep | None, status: JobStatus) -> None:
        if step is not None:
            step.status, step.lease_until = status, None

    # --- faults

    @contextmanager
    def _losing(self, operation: str, lost: bool) -> Iterator[None]:
        """Lose the answer of the block's first call of this operation, if `lost`."""
        if lost:
            self.studio.cloud.loses_once(operation)
        try:
            yield
        finally:
            self.studio.cloud.afterwards = nothing

    @staticmethod
    @contextmanager
    def _raising(expected: type[Exception] | None) -> Iterator[None]:
        """Require that the block raises the expected error."""
        if expected is None:
            yield
        else:
            with pytest.raises(expected):
                yield

    # --- the invariants

    @invariant()
    def the_stored_items_equal_the_model(self) -> None:
        if not hasattr(self, "model"):
            return
        account = credits.account(self.ada.user_id)
        assert (account.available, account.held) == (self.model.available, self.model.held)
        assert account.available >= 0
        ledger = LedgerRecord.query(self.ada.user_id, consistent_read=True)
        assert sum(entry.credits for entry in ledger) == account.available + account.held
        live = {job_id for job_id, job in self.model.jobs.items() if job.live}
        assert (SlotsRecord.get(self.ada.user_id, consistent_read=True).running or set()) == live
        stored = {job.job_id: job for job in jobs.several(self.model.jobs)}
        assert set(stored) == {job_id for job_id, job in self.model.jobs.items() if not job.deleted}
        for job_id, model in self.model.jobs.items():
            expected = "HELD" if not model.status.ended else "CAPTURED" if model.status == COMPLETED else "RELEASED"
            assert HoldRecord.get(job_id, consistent_read=True).state == expected
            if not model.deleted:
                assert stored[job_id].status == model.status
                self._check_steps(stored[job_id], model)

    def _check_steps(self, job: JobRecord, model: ModelJob) -> None:
        found = {
            stage: ModelStep(JobStatus(step.status), step.attempt, int(step.attempts), step.lease_until)
            for stage, step in job.planned()
        }
        assert found == model.stages
        results = jobs.results(job)
        assert set(results) == {stage for stage, step in model.stages.items() if step.status == COMPLETED}
        named = {output.key for result in results.values() for output in result.outputs}
        assert named <= stored_keys(job.job_id)

    def teardown(self) -> None:
        if not self.has_stream:
            return
        for job_id, job in getattr(self, "model", Books()).jobs.items():
            images = [
                record["dynamodb"].get("NewImage")
                for record in self.studio.job_changes()
                if record["dynamodb"]["Keys"]["job_id"]["S"] == job_id
            ]
            check_events([image for image in images if image], job)


def check_events(images: list[dict[str, Any]], job: ModelJob) -> None:
    """Check that numbers rise, and that one terminal state comes last."""
    numbers = [int(image["seq"]["N"]) for image in images]
    assert numbers == sorted(set(numbers))
    ended = [JobStatus(image["status"]["S"]).ended for image in images]
    assert ended == [False] * (len(ended) - job.status.ended) + [True] * job.status.ended
    assert images[-1]["status"]["S"] == job.status


def run_machine(studio: Studio, *, examples: int = EXAMPLES, has_stream: bool = True) -> None:
    """Run the machine on a deployment, whose slots are enough for the live jobs of all runs."""

    class Here(JobMachine):
        pass

    Here.studio, Here.has_stream = studio, has_stream
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KINORA_MAX_EXECUTIONS", "1000")
        run_state_machine_as_test(
            Here,
            settings=settings(
                max_examples=examples,
                stateful_step_count=ACTS,
                suppress_health_check=list(HealthCheck),
                phases=(Phase.explicit, Phase.reuse, Phase.generate),  # a shorter example costs minutes
            ),
        )
