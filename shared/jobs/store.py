"""Reads and writes jobs; every change names the state it expects."""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound
from shared.jobs.record import (
    LIVE,
    JobRecord,
    JobSpecRecord,
    JobStatus,
    OutputMap,
    StepMap,
    StepResultRecord,
    StepsMap,
    StepTicketRecord,
    StepTokenRecord,
    attempt_prefix,
)
from shared.jobs.spec import JobSpec
from shared.stages.stages import Role, Stage

TOKEN_LIFE = timedelta(days=2)
_ERROR_CHARACTERS = 150  # of a step and again of its job: the item stays under 1 KB


class JobNotFound(NotFound):
    code = "job_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such job.")


class JobEnded(Conflict):
    """The job is COMPLETED, FAILED or CANCELLED, and stays so."""

    code = "job_ended"

    def __init__(self) -> None:
        super().__init__("This job has ended.")


class JobRunning(Conflict):
    code = "job_running"

    def __init__(self) -> None:
        super().__init__("Cancel this job before you delete it.")


class StepCompleted(Exception):
    """The step's result is recorded already."""


class Leased(Exception):
    """Another attempt holds the step and is alive until `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(str(until))
        self.until = until


class Fenced(Exception):
    """This attempt is not the step's current one, or its job has ended: whatever it made does not count."""


@dataclass(frozen=True, slots=True)
class StepOutput:
    """One stored object of a step."""

    role: Role
    key: str
    media_type: str


@dataclass(frozen=True, slots=True)
class StepResult:
    """What a completed step made."""

    outputs: tuple[StepOutput, ...]
    metrics: Mapping[str, Any]

    def key(self, role: Role) -> str | None:
        return next((output.key for output in self.outputs if output.role is role), None)


class JobStore:
    # --- beginning and reading

    def create(
        self,
        job_id: str,
        spec: JobSpec,
        *,
        engines: Mapping[Stage, str],
        credits: int,
        project_id: str,
        account_id: str,
        owner_id: str,
        at: datetime,
        deadline_at: datetime,
        tx: Transaction,
    ) -> JobRecord:
        """The job and its spec; `engines` are the planned steps."""
        record = JobRecord(
            job_id,
            project_id=project_id,
            account_id=account_id,
            owner_id=owner_id,
            status=JobStatus.PENDING.value,
            credits=credits,
            steps=StepsMap(**{stage.folder: StepMap(engine=engine) for stage, engine in engines.items()}),
            created_at=at,
            updated_at=at,
            deadline_at=deadline_at,
        )
        exists = Conflict("This job exists already.")
        tx.put(record, JobRecord.job_id.does_not_exist(), otherwise=exists)
        document = JobSpecRecord(job_id, document=spec.model_dump_json(by_alias=True))
        tx.put(document, JobSpecRecord.job_id.does_not_exist(), otherwise=exists)
        return record

    def get(self, job_id: str, *, account_id: str | None = None) -> JobRecord:
        """Return the job, for a caller only if it is the account's; the pipeline passes none. Raises JobNotFound."""
        try:
            job = JobRecord.get(job_id, consistent_read=True)
        except JobRecord.DoesNotExist:
            raise JobNotFound from None
        if account_id is not None and job.account_id != account_id:
            raise JobNotFound
        return job

    def page(self, *, account_id: str, project_id: str | None, limit: int, after: str | None) -> Sequence[JobRecord]:
        """At most `limit` jobs of the project, or of the whole account, newest first: one Query, one BatchGet."""
        index, key = (
            (JobRecord.by_project, project_id) if project_id is not None else (JobRecord.by_account, account_id)
        )
        older = JobRecord.job_id < after if after else None
        found = index.query(key, older, scan_index_forward=False, limit=limit, page_size=limit)
        jobs = JobRecord.batch_get([entry.job_id for entry in found])
        return sorted(jobs, key=lambda job: job.job_id, reverse=True)

    def spec(self, job_id: str) -> JobSpec:
        try:
            return JobSpec.model_validate_json(JobSpecRecord.get(job_id).document)
        except JobSpecRecord.DoesNotExist:
            raise JobNotFound from None

    def specs(self, job_ids: Iterable[str]) -> dict[str, JobSpec]:
        found = JobSpecRecord.batch_get(list(job_ids))
        return {record.job_id: JobSpec.model_validate_json(record.document) for record in found}

    def results(self, job: JobRecord) -> dict[Stage, StepResult]:
        """What the job's completed steps made."""
        attempts = {
            f"{stage}#{step.attempt}": stage for stage, step in job.planned() if step.status == JobStatus.COMPLETED
        }
        found = StepResultRecord.batch_get([(job.job_id, name) for name in attempts], consistent_read=True)
        return {attempts[record.stage_attempt]: _result(record) for record in found}

    # --- steps: tokens, claims, results

    def store_token(self, job_id: str, stage: Stage, token: str, *, at: datetime) -> None:
        StepTokenRecord(job_id, stage.value, token=token, expires_at=at + TOKEN_LIFE).save()

    def token(self, job_id: str, stage: Stage) -> str | None:
        try:
            return StepTokenRecord.get(job_id, stage.value, consistent_read=True).token
        except StepTokenRecord.DoesNotExist:
            return None

    def queue(self, job_id: str, stage: Stage, *, at: datetime) -> None:
        """The job, if it was PENDING, waits for a worker now; a step that waits is not written again and again."""
        step = _path(stage)
        with suppress(Fenced), on_refusal(Fenced()):
            self._change(
                JobRecord(job_id),
                [step.status.set(JobStatus.QUEUED.value), JobRecord.status.set(JobStatus.QUEUED.value)],
                JobRecord.status == JobStatus.PENDING.value,
                at=at,
            )

    def claim(self, job_id: str, stage: Stage, *, attempt: str, lease_until: datetime, at: datetime) -> JobRecord:
        """Make `attempt` the step's current one, if no live attempt holds it.

        Raises JobEnded, StepCompleted or Leased (all: nothing was written), JobNotFound.
        """
        step, job = _path(stage), JobRecord(job_id)
        refused = Fenced()
        try:
            with on_refusal(refused):
                self._change(
                    job,
                    [
                        step.attempt.set(attempt),
                        step.attempts.set(step.attempts + 1),
                        step.lease_until.set(lease_until),
                        step.status.set(JobStatus.RUNNING.value),
                        step.progress.set(0),
                        step.preview.remove(),
                        step.started_at.set(step.started_at | at),
                        JobRecord.status.set(JobStatus.RUNNING.value),
                        JobRecord.current_step.set(stage.value),
                    ],
                    _live()
                    & (step.status != JobStatus.COMPLETED.value)
                    & (step.lease_until.does_not_exist() | (step.lease_until < at)),
                    at=at,
                )
        except Fenced:
            raise self._why_not_claimed(job_id, stage) from None
        return job

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
        """Extend the lease, and write the (step's, job's) progress and the newest preview's number. Raises Fenced."""
        step = _path(stage)
        actions = [step.lease_until.set(lease_until)]
        if progress is not None:
            actions += [step.progress.set(progress[0]), JobRecord.progress.set(progress[1])]
        if preview is not None:
            actions.append(step.preview.set(preview))
        with on_refusal(Fenced()):
            self._change(JobRecord(job_id), actions, self._current(stage, attempt), at=at)

    def release(self, job_id: str, stage: Stage, *, attempt: str, at: datetime) -> None:
        """Hand the step back before its end, for another attempt to claim at once. Raises Fenced."""
        step = _path(stage)
        with on_refusal(Fenced()):
            self._change(
                JobRecord(job_id),
                [step.lease_until.remove(), step.status.set(JobStatus.QUEUED.value)],
                self._current(stage, attempt),
                at=at,
            )

    def record_result(self, job: JobRecord, stage: Stage, result: StepResult, *, attempt: str, at: datetime) -> None:
        """The step is done: its result first, then the step that points at it. Raises Fenced."""
        prefix = attempt_prefix(job.job_id, stage, attempt)
        outputs = [
            OutputMap(role=o.role.value, name=o.key.removeprefix(prefix), media_type=o.media_type)
            for o in result.outputs
        ]
        StepResultRecord(
            job.job_id, f"{stage}#{attempt}", outputs=outputs, metrics=json.dumps(dict(result.metrics))
        ).save()
        step = _path(stage)
        with on_refusal(Fenced()):
            self._change(
                JobRecord(job.job_id),
                [
                    step.status.set(JobStatus.COMPLETED.value),
                    step.progress.set(100),
                    step.completed_at.set(at),
                    step.lease_until.remove(),
                    step.error_code.remove(),
                    step.error.remove(),
                    JobRecord.progress.set(job.overall(stage, 100)),
                ],
                self._current(stage, attempt),
                at=at,
            )

    def record_failure(
        self, job_id: str, stage: Stage, *, attempt: str, code: str, message: str, retryable: bool, at: datetime
    ) -> None:
        """The attempt failed; the step waits for another one, or has failed for good. Raises Fenced."""
        step = _path(stage)
        with on_refusal(Fenced()):
            self._change(
                JobRecord(job_id),
                [
                    step.status.set((JobStatus.QUEUED if retryable else JobStatus.FAILED).value),
                    step.error_code.set(code),
                    step.error.set(message[:_ERROR_CHARACTERS]),
                    step.lease_until.remove(),
                ],
                self._current(stage, attempt),
                at=at,
            )

    # --- ending

    def finish(self, job_id: str, status: JobStatus, *, error: str | None, at: datetime, tx: Transaction) -> None:
        """The job's one terminal state; only settlement calls this. Fails the transaction with JobEnded."""
        actions = [JobRecord.status.set(status.value), JobRecord.completed_at.set(at)]
        if status is JobStatus.COMPLETED:
            actions.append(JobRecord.progress.set(100))
        if error is not None:
            actions.append(JobRecord.error.set(error[:_ERROR_CHARACTERS]))
        tx.update(JobRecord(job_id), [*actions, *_stamp(at)], _live(), otherwise=JobEnded())

    def delete(self, job: JobRecord, *, tx: Transaction) -> None:
        """Delete an ended job and its spec; results go with `delete_results`."""
        running = JobRunning()
        tx.delete(JobRecord(job.job_id), ~_live() & JobRecord.job_id.exists(), otherwise=running)
        tx.delete(JobSpecRecord(job.job_id), otherwise=running)

    def delete_results(self, job_id: str) -> None:
        with StepResultRecord.batch_write() as batch:
            for result in StepResultRecord.query(job_id):
                batch.delete(result)
        with StepTokenRecord.batch_write() as batch:
            for token in StepTokenRecord.query(job_id):
                batch.delete(token)
        with StepTicketRecord.batch_write() as batch:
            for ticket in StepTicketRecord.query(job_id):
                batch.delete(ticket)

    def _change(self, job: JobRecord, actions: list[Action], condition: Condition, *, at: datetime) -> None:
        job.update([*actions, *_stamp(at)], condition)

    def _current(self, stage: Stage, attempt: str) -> Condition:
        step = _path(stage)
        current: Condition = _live() & (step.attempt == attempt) & (step.status == JobStatus.RUNNING.value)
        return current

    def _why_not_claimed(self, job_id: str, stage: Stage) -> Exception:
        job = self.get(job_id)
        step = job.step(stage)
        if JobStatus(job.status).ended:
            return JobEnded()
        if step.status == JobStatus.COMPLETED:
            return StepCompleted()
        return Leased(step.lease_until or job.updated_at)


def _path(stage: Stage) -> Any:
    """The step's attributes, for conditions and changes (pynamodb types paths dynamically)."""
    return getattr(JobRecord.steps, stage.folder)


def _live() -> Condition:
    return JobRecord.status.is_in(*(status.value for status in LIVE))


def _stamp(at: datetime) -> list[Action]:
    return [JobRecord.seq.set(JobRecord.seq + 1), JobRecord.updated_at.set(at)]


def _result(record: StepResultRecord) -> StepResult:
    stage, _, attempt = record.stage_attempt.partition("#")
    prefix = attempt_prefix(record.job_id, Stage(stage), attempt)
    outputs = tuple(StepOutput(Role(o.role), prefix + o.name, o.media_type) for o in record.outputs)
    return StepResult(outputs, json.loads(record.metrics))


jobs = JobStore()
