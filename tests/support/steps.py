"""Completion of steps without a worker: the writes to S3 and the store, in the order in which a worker makes them."""

from datetime import datetime, timedelta

from ulid import ULID

from shared.aws import media
from shared.core.clock import utc_now
from shared.grants.record import MediaGrantRecord
from shared.grants.store import grants, step_task
from shared.jobs.keys import job_prefixes, output_key
from shared.jobs.record import JobRecord
from shared.jobs.steps import steps
from shared.jobs.store import StepOutput, StepResult, jobs
from shared.stages.stages import STAGES, Role, Stage

LEASE = timedelta(seconds=15)
_MEDIA = {Role.CLIP: "video/mp4", Role.VIDEO: "video/mp4", Role.PLAYLIST: "application/vnd.apple.mpegurl"}


def claim(job_id: str, stage: Stage, at: datetime | None = None) -> str:
    """Claim the step and return the new attempt."""
    attempt, at = str(ULID()), at or utc_now()
    steps.claim(job_id, stage, attempt=attempt, lease_until=at + LEASE, at=at)
    return attempt


def allow(job_id: str, stage: Stage, attempt: str) -> None:
    """Record that the attempt had access to the step's media."""
    task = step_task(job_id, stage)
    try:
        proof = MediaGrantRecord.get(task).proof
    except MediaGrantRecord.DoesNotExist:
        proof = grants.issue(task, at=utc_now())
    grants.admit(task, attempt, proof=proof)


def result_of(job_id: str, stage: Stage, attempt: str, more: tuple[Role, ...] = ()) -> StepResult:
    """Return the outputs that the stage must produce, their preview, and those of `more`, as if uploaded."""
    roles = sorted((*STAGES[stage].produces, Role.STEP_PREVIEW, *more))
    outputs = (
        StepOutput(role, output_key(job_id, stage, attempt, role, role), _MEDIA.get(role, "image/png"))
        for role in roles
    )
    return StepResult(tuple(outputs), {"seconds": 1.5})


def stored_keys(job_id: str) -> set[str]:
    """Return the keys of all objects of the job."""
    return {key for prefix in job_prefixes(job_id) for key in media.keys(prefix)}


def stored_result(job_id: str, stage: Stage, attempt: str) -> StepResult:
    """Store a tiny file for each output that the stage must produce, and return the outputs."""
    result = result_of(job_id, stage, attempt)
    for output in result.outputs:
        media.put(b"x", output.key, output.media_type, kind="work")
    return result


def complete_step(job_id: str, stage: Stage, at: datetime | None = None) -> str:
    """Claim the step, store its files, record its result and return the attempt."""
    attempt = claim(job_id, stage, at)
    allow(job_id, stage, attempt)
    job, result = jobs.get(job_id), stored_result(job_id, stage, attempt)
    steps.record_result(job, stage, result, attempt=attempt, at=at or utc_now())
    return attempt


def complete_steps(job_id: str) -> JobRecord:
    """Complete all steps of the job and return it; the job is not settled."""
    for stage, _ in jobs.get(job_id).planned():
        complete_step(job_id, stage)
    return jobs.get(job_id)
