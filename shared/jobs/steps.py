"""Reads and writes of steps: tokens, claims, beats, results, failures. Writes are conditional on the step's state."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from shared.aws.records import on_refusal
from shared.jobs.record import (
    ERROR_CHARACTERS,
    JobRecord,
    JobStatus,
    StepTokenRecord,
    live,
    stamp,
)
from shared.jobs.store import JobEnded, JobNotFound, StepResult, jobs, result_record
from shared.stages.failures import StageFailure
from shared.stages.stages import Stage

TOKEN_LIFE = timedelta(days=2)
BELIEVED_LEASES = 8  # a remote engine's lease also includes its provider's pause, up to five leases


class AlreadyCompleted(Exception):
    """The step already has a result."""


class Leased(Exception):
    """Another attempt holds the step and is alive until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(str(until))
        self.until = until


class Fenced(Exception):
    """The attempt is not the step's current one, or the job has ended. The results of the attempt are not used."""


class StepStore:
    def store_token(self, job_id: str, stage: Stage, token: str, *, at: datetime) -> None:
        """Store the token, unless a newer one is stored: a request that was given up can be carried out late."""
        expires_at, stored = at + TOKEN_LIFE, StepTokenRecord.expires_at
        StepTokenRecord(job_id, stage.value, token=token, expires_at=expires_at).save(
            stored.does_not_exist() | (stored <= expires_at)
        )

    def token(self, job_id: str, stage: Stage, *, stored_before: datetime | None = None) -> str | None:
        try:
            found = StepTokenRecord.get(job_id, stage.value, consistent_read=True)
        except StepTokenRecord.DoesNotExist:
            return None
        return None if stored_before and found.expires_at >= stored_before + TOKEN_LIFE else found.token

    def queue(self, job_id: str, stage: Stage, *, at: datetime) -> None:
        """Set the job and the step to QUEUED if no step was claimed or queued. Otherwise write nothing."""
        step = _path(stage)
        unclaimed = JobRecord.status.is_in(JobStatus.PENDING.value, JobStatus.QUEUED.value)
        actions = [step.status.set(JobStatus.QUEUED.value), JobRecord.status.set(JobStatus.QUEUED.value)]
        with suppress(Fenced):
            _change(
                JobRecord(job_id), actions, unclaimed & (step.status == JobStatus.PENDING.value), at=at, done=_never
            )

    def hand_over(self, job_id: str, stage: Stage, engine: str, *, before: str, at: datetime) -> None:
        """Replace the engine of an unfinished step. Raise Fenced if it is no longer `before`."""
        step = _path(stage)
        pending: Condition = live() & (step.engine == before) & (step.status != JobStatus.COMPLETED.value)
        _change(
            JobRecord(job_id), [step.engine.set(engine)], pending, at=at,
            done=lambda job: bool(job.step(stage).engine == engine),
        )  # fmt: skip

    def claim(self, job_id: str, stage: Stage, *, attempt: str, lease_until: datetime, at: datetime) -> JobRecord:
        """Make `attempt` the step's current one, unless another attempt is alive.

        Raise JobNotFound, JobEnded, AlreadyCompleted or Leased. In these cases nothing is written.
        """
        step, job = _path(stage), JobRecord(job_id)
        actions = [
            step.attempt.set(attempt),
            step.attempts.set(step.attempts + 1),
            step.lease_until.set(lease_until),
            step.status.set(JobStatus.RUNNING.value),
            step.progress.set(0),
            step.preview.remove(),
            step.started_at.set(step.started_at | at),
            JobRecord.status.set(JobStatus.RUNNING.value),
            JobRecord.current_step.set(stage.value),
        ]
        unleased = step.lease_until.does_not_exist() | (step.lease_until < at)
        unleased |= step.lease_until > at + BELIEVED_LEASES * (lease_until - at)  # written by a fast clock
        unclaimed = live() & (step.status != JobStatus.COMPLETED.value) & unleased
        claimed = _set_by(attempt, stage, JobStatus.RUNNING)
        try:
            _change(job, actions, unclaimed, at=at, done=lambda job: claimed(job) and not job.ended)
        except Fenced:
            raise _claim_error(job_id, stage) from None
        return jobs.get(job_id)

    def beat(
        self,
        job_id: str,
        stage: Stage,
        *,
        attempt: str,
        lease_until: datetime,
        progress: tuple[int, int] | None,
        preview: int | None = None,
        at: datetime,
    ) -> None:
        """Extend the lease, and write the progress and the newest preview's number. Raise Fenced.

        `progress` is that of the step and of the job, both 0..100.
        """
        step = _path(stage)
        actions = [step.lease_until.set(lease_until)]
        if progress is not None:
            actions += [step.progress.set(progress[0]), JobRecord.progress.set(progress[1])]
        if preview is not None:
            actions.append(step.preview.set(preview))
        _change(JobRecord(job_id), actions, _current(stage, attempt), at=at, done=_never)

    def release(self, job_id: str, stage: Stage, *, attempt: str, at: datetime) -> None:
        """End the lease of an unfinished step, so that another attempt can claim it at once. Raise Fenced."""
        step = _path(stage)
        actions = [
            step.lease_until.remove(),
            step.status.set(JobStatus.QUEUED.value),
            step.handed_back.set((step.handed_back | 0) + 1),
        ]
        released = _set_by(attempt, stage, JobStatus.QUEUED)
        _change(JobRecord(job_id), actions, _current(stage, attempt), at=at, done=released)

    def record_result(self, job: JobRecord, stage: Stage, result: StepResult, *, attempt: str, at: datetime) -> None:
        """Write the result, then set the step to COMPLETED. Raise Fenced."""
        result_record(job.job_id, stage, result, attempt=attempt).save()
        step, (step_percent, job_percent) = _path(stage), job.progress_at(stage, 100)
        actions = [
            step.status.set(JobStatus.COMPLETED.value),
            step.progress.set(step_percent),
            step.completed_at.set(at),
            step.lease_until.remove(),
            step.error.remove(),
            JobRecord.progress.set(job_percent),
        ]
        recorded = _set_by(attempt, stage, JobStatus.COMPLETED)
        _change(JobRecord(job.job_id), actions, _current(stage, attempt), at=at, done=recorded)

    def has_result(self, job_id: str, stage: Stage, *, attempt: str) -> bool:
        """Return whether the job exists and its step is COMPLETED with this attempt. The read is consistent."""
        try:
            return _set_by(attempt, stage, JobStatus.COMPLETED)(jobs.get(job_id))
        except JobNotFound:
            return False

    def record_failure(self, job_id: str, stage: Stage, failure: StageFailure, *, attempt: str, at: datetime) -> None:
        """Set the step to QUEUED if the failure is retryable, or else to FAILED. Raise Fenced."""
        step, status = _path(stage), JobStatus.QUEUED if failure.retryable else JobStatus.FAILED
        actions = [
            step.status.set(status.value),
            step.error.set(failure.public_message[:ERROR_CHARACTERS]),
            step.lease_until.remove(),
        ]
        _change(JobRecord(job_id), actions, _current(stage, attempt), at=at, done=_set_by(attempt, stage, status))

    def record_missed(
        self, job_id: str, stage: Stage, *, engine: str, score: float, attempt: str, at: datetime
    ) -> None:
        """Set the step to QUEUED, with the score of the clip of `engine` that missed its move. Raise Fenced."""
        step = _path(stage)
        actions = [
            step.status.set(JobStatus.QUEUED.value),
            step.missed.set(score),
            step.missed_by.set(engine),
            step.lease_until.remove(),
            step.handed_back.set((step.handed_back | 0) + 1),
        ]
        recorded = _set_by(attempt, stage, JobStatus.QUEUED)
        _change(JobRecord(job_id), actions, _current(stage, attempt), at=at, done=recorded)


JobCheck = Callable[[JobRecord], bool]


def _change(job: JobRecord, actions: list[Action], condition: Condition, *, at: datetime, done: JobCheck) -> None:
    """Write if `condition` is true. Raise Fenced if it is false and `done` does not recognize this write in the job."""
    with on_refusal(Fenced()):
        job.update([*actions, *stamp(at)], condition, done=done, returned=False)


def _set_by(attempt: str, stage: Stage, status: JobStatus) -> JobCheck:
    """Return the check that the step has this status and that `attempt` has set it."""
    return lambda job: (job.step(stage).attempt, job.step(stage).status) == (attempt, status)


def _never(_job: JobRecord) -> bool:
    """Return False: the write's success leaves its condition true, or a refusal is ignored."""
    return False


def _current(stage: Stage, attempt: str) -> Condition:
    step = _path(stage)
    current: Condition = live() & (step.attempt == attempt) & (step.status == JobStatus.RUNNING.value)
    return current


def _claim_error(job_id: str, stage: Stage) -> Exception:
    job = jobs.get(job_id)
    step = job.step(stage)
    if job.ended:
        return JobEnded()
    if step.status == JobStatus.COMPLETED:
        return AlreadyCompleted()
    return Leased(step.lease_until or job.updated_at)


def _path(stage: Stage) -> Any:
    """Return the step's attributes for conditions and actions (pynamodb types paths dynamically)."""
    return getattr(JobRecord.steps, stage.folder)


steps = StepStore()
