"""Reads and writes of jobs. Each write is conditional on the job's state."""

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from shared.aws.records import on_refusal, read_together
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound
from shared.core.slices import Slice, first_of
from shared.jobs.keys import delivery_prefix, output_key
from shared.jobs.record import (
    ERROR_CHARACTERS,
    JobRecord,
    JobSpecRecord,
    JobStatus,
    OutputMap,
    StepMap,
    StepResultRecord,
    StepsMap,
    StepTokenRecord,
    stamp,
)
from shared.jobs.spec import JobSpec
from shared.stages.stages import Role, Stage

_ATTEMPT = re.compile(r"[0-9A-HJKMNP-TV-Z]{26}")  # a ULID
_NAME = re.compile(r"\w[\w.-]*")  # the name of an output, below its attempt's prefix


class JobNotFound(NotFound):
    code = "job_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such job.")


class JobEnded(Conflict):
    """The job is COMPLETED, FAILED or CANCELLED. These are final."""

    code = "job_ended"

    def __init__(self) -> None:
        super().__init__("This job has ended.")


class JobRunning(Conflict):
    code = "job_running"

    def __init__(self) -> None:
        super().__init__("Cancel this job before you delete it.")


@dataclass(frozen=True, slots=True)
class StepOutput:
    """One stored object of a step."""

    role: Role
    key: str
    media_type: str


@dataclass(frozen=True, slots=True)
class StepResult:
    """The outputs and the metadata of a completed step."""

    outputs: tuple[StepOutput, ...]
    metrics: Mapping[str, Any]

    def key(self, role: Role) -> str | None:
        return next((output.key for output in self.outputs if output.role is role), None)


@dataclass(frozen=True, slots=True)
class ReusedStep:
    """The copy of an older job's result, below the new job's prefixes for this attempt."""

    attempt: str
    result: StepResult


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
        reused: Mapping[Stage, ReusedStep] | None = None,
    ) -> JobRecord:
        """Write the job and its spec, and return the job. `engines` has one entry for each planned step.

        The steps of `reused` are complete from the beginning.
        """
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
            waits=True,
        )
        exists = Conflict("This job already exists.")
        for stage, one in (reused or {}).items():
            step = record.step(stage)
            step.status, step.attempt, step.completed_at = JobStatus.COMPLETED.value, one.attempt, at
            step.progress, record.progress = record.progress_at(stage, 100)
            tx.put(result_record(job_id, stage, one.result, attempt=one.attempt), otherwise=exists)
        tx.put(record, JobRecord.job_id.does_not_exist(), otherwise=exists)
        document = JobSpecRecord(job_id, document=spec.encoded())
        tx.put(document, JobSpecRecord.job_id.does_not_exist(), otherwise=exists)
        return record

    def get(self, job_id: str, *, accounts: Container[str] | None = None) -> JobRecord:
        """Return the job. With `accounts`, only if one of them has it; the pipeline passes None. Raise JobNotFound."""
        try:
            job = JobRecord.get(job_id, consistent_read=True)
        except JobRecord.DoesNotExist:
            raise JobNotFound from None
        if accounts is not None and job.account_id not in accounts:
            raise JobNotFound
        return job

    def several(self, job_ids: Iterable[str], *, consistent: bool = True) -> Iterable[JobRecord]:
        """Return those of the jobs that exist, in any order."""
        return JobRecord.batch_get(list(job_ids), consistent_read=consistent)

    def owned(self, job_ids: Iterable[str], *, accounts: Container[str]) -> list[JobRecord]:
        """Return those of the jobs that one of the accounts has, in any order."""
        return [job for job in self.several(job_ids) if job.account_id in accounts]

    def is_over(self, job_id: str) -> bool:
        """Return whether the job has ended or is deleted."""
        try:
            return self.get(job_id).ended
        except JobNotFound:
            return True

    def newest(
        self,
        *,
        account_id: str,
        project_id: str | None,
        since_id: str = "",
        before_id: str | None = None,
        limit: int | None = None,
        page_size: int = 100,
    ) -> Iterator[str]:
        """Yield ids of the project's or the account's jobs with since_id <= id < before_id, newest first.

        Each Query reads `page_size` ids when they are needed.
        """
        index, key = (
            (JobRecord.by_project, project_id) if project_id is not None else (JobRecord.by_account, account_id)
        )
        older = JobRecord.job_id < before_id if before_id else None
        found = index.query(key, older, scan_index_forward=False, limit=limit, page_size=page_size)
        return takewhile(lambda job_id: job_id >= since_id, (str(entry.job_id) for entry in found))

    def page(
        self,
        *,
        account_id: str,
        project_id: str | None,
        limit: int,
        since_id: str = "",
        before_id: str | None = None,
    ) -> Slice[tuple[JobRecord, JobSpec]]:
        """Return at most `limit` jobs with since_id <= id < before_id and their specs, newest first.

        This is one Query, and one BatchGet for 50 jobs. A job that is deleted between them is not in the slice.
        """
        more = limit + 1
        found = self.newest(
            account_id=account_id,
            project_id=project_id,
            since_id=since_id,
            before_id=before_id,
            limit=more,
            page_size=more,
        )
        named = first_of(list(found), limit, str)
        return Slice(self.with_specs(named.items), named.position)

    def with_specs(self, job_ids: Sequence[str], *, consistent: bool = False) -> list[tuple[JobRecord, JobSpec]]:
        """Return those of the jobs that exist with their specs, in this order."""
        found = read_together({JobRecord: job_ids, JobSpecRecord: job_ids}, consistent=consistent)
        records = {record.job_id: record for record in found[JobRecord]}
        specs = {record.job_id: JobSpec.model_validate_json(record.document) for record in found[JobSpecRecord]}
        return [(records[job_id], specs[job_id]) for job_id in job_ids if job_id in records and job_id in specs]

    def check(self, job: JobRecord, *, accounts: Container[str]) -> None:
        """Raise JobNotFound if none of the accounts has the job."""
        if job.account_id not in accounts:
            raise JobNotFound

    def created(self, *, account_id: str, since_id: str, until_id: str) -> list[str]:
        """Return the ids of the account's jobs with since_id <= id <= until_id, oldest first."""
        within = JobRecord.job_id.between(since_id, until_id)
        return [str(entry.job_id) for entry in JobRecord.by_account.query(account_id, within)]

    def spec(self, job_id: str) -> JobSpec:
        try:
            return JobSpec.model_validate_json(JobSpecRecord.get(job_id).document)
        except JobSpecRecord.DoesNotExist:
            raise JobNotFound from None

    def specs(self, job_ids: Iterable[str]) -> dict[str, JobSpec]:
        found = JobSpecRecord.batch_get(list(job_ids))
        return {record.job_id: JobSpec.model_validate_json(record.document) for record in found}

    def results(self, job: JobRecord) -> dict[Stage, StepResult]:
        """Return the results of the job's completed steps."""
        return self.results_of([job])[job.job_id]

    def result_keys(self, job: JobRecord) -> list[tuple[str, str]]:
        """Return the keys of the results of the job's completed steps.

        A worker can write attempts and names. Those that are not what a worker's code writes are left out.
        """
        done = [(stage, step.attempt) for stage, step in job.planned() if step.status == JobStatus.COMPLETED]
        return [(str(job.job_id), f"{stage}#{attempt}") for stage, attempt in done if is_attempt(attempt)]

    def results_of(self, found: Iterable[JobRecord]) -> dict[str, dict[Stage, StepResult]]:
        """Return the results of the completed steps of several jobs, by job id."""
        results: dict[str, dict[Stage, StepResult]] = {}
        names = list[tuple[str, str]]()
        for job in found:
            results[job.job_id] = {}
            names += self.result_keys(job)
        for record in StepResultRecord.batch_get(names, consistent_read=True):
            results[record.job_id] |= results_in([record])
        return results

    # --- admission

    def hold_back(self, job_id: str, *, at: datetime) -> None:
        """Set the status of a job that waits for a slot to QUEUED. If it does not wait, do nothing."""
        pending = (JobRecord.status == JobStatus.PENDING.value) & JobRecord.waits.exists()
        with suppress(JobEnded), on_refusal(JobEnded()):
            JobRecord(job_id).update([JobRecord.status.set(JobStatus.QUEUED.value), *stamp(at)], pending)

    def admit(
        self,
        job_id: str,
        *,
        deadline_at: datetime,
        slot_shard: int,
        at: datetime,
        tx: Transaction,
        otherwise: Exception,
    ) -> None:
        """End the job's wait. Fail the transaction with `otherwise` if it does not wait or has ended."""
        actions = [
            JobRecord.waits.remove(),
            JobRecord.deadline_at.set(deadline_at),
            *([JobRecord.slot_shard.set(slot_shard)] if slot_shard else []),
            *stamp(at),
        ]
        unsettled = JobRecord.waits.exists() & JobRecord.completed_at.does_not_exist()
        tx.update(JobRecord(job_id), actions, unsettled, otherwise=otherwise)

    # --- ending

    def finish(
        self,
        job_id: str,
        status: JobStatus,
        *,
        error: str | None,
        at: datetime,
        tx: Transaction,
        credits: int | None = None,
    ) -> None:
        """Set the job's final status, and its charge if it is charged; only settlement calls this.

        Fail the transaction with JobEnded.
        """
        actions = [JobRecord.status.set(status.value), JobRecord.completed_at.set(at)]
        if status is JobStatus.COMPLETED:
            actions.append(JobRecord.progress.set(100))
        if credits is not None:
            actions.append(JobRecord.credits.set(credits))
        if error is not None:
            actions.append(JobRecord.error.set(error[:ERROR_CHARACTERS]))
        unsettled = JobRecord.job_id.exists() & JobRecord.completed_at.does_not_exist()
        tx.update(JobRecord(job_id), [*actions, *stamp(at)], unsettled, otherwise=JobEnded())

    def delete(self, job: JobRecord, *, tx: Transaction) -> None:
        """Delete an ended job and its spec, but not its results. Fail the transaction with JobRunning."""
        running = JobRunning()
        tx.delete(JobRecord(job.job_id), JobRecord.completed_at.exists(), otherwise=running)
        tx.delete(JobSpecRecord(job.job_id), otherwise=running)

    def delete_results(self, job_id: str) -> None:
        """Delete the job's results and task tokens. Its tickets stay: with them requests are cancelled at providers."""
        with StepResultRecord.batch_write() as batch:
            for result in StepResultRecord.query(job_id):
                batch.delete(result)
        with StepTokenRecord.batch_write() as batch:
            for token in StepTokenRecord.query(job_id):
                batch.delete(token)


def is_attempt(text: str | None) -> bool:
    """Return whether the text has the form of an attempt. Then it names no other prefix than an attempt's."""
    return text is not None and _ATTEMPT.fullmatch(text) is not None


def result_record(job_id: str, stage: Stage, result: StepResult, *, attempt: str) -> StepResultRecord:
    """Return the row of the result of an attempt."""
    outputs = [
        OutputMap(role=o.role.value, name=o.key.rpartition("/")[2], media_type=o.media_type) for o in result.outputs
    ]
    return StepResultRecord(job_id, f"{stage}#{attempt}", outputs=outputs, metrics=json.dumps(dict(result.metrics)))


def results_in(found: Iterable[StepResultRecord]) -> dict[Stage, StepResult]:
    """Return the results of one job in these rows."""
    return {Stage(record.stage_attempt.partition("#")[0]): _result(record) for record in found}


def _result(record: StepResultRecord) -> StepResult:
    stage, _, attempt = record.stage_attempt.partition("#")
    step = record.job_id, Stage(stage), attempt
    has_preview = any(o.role == Role.STEP_PREVIEW for o in record.outputs)

    def key(role: Role, name: str) -> str:
        if has_preview:
            return output_key(*step, role, name)
        return f"{delivery_prefix(record.job_id, Stage(stage))}{attempt}/{name}"  # of the previous release

    outputs = tuple(
        StepOutput(Role(o.role), key(Role(o.role), o.name), o.media_type)
        for o in record.outputs
        if _NAME.fullmatch(o.name)
    )
    return StepResult(outputs, json.loads(record.metrics))


jobs = JobStore()
