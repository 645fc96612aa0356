"""The event that a write to a job causes, and its id."""

from datetime import datetime
from hashlib import sha256

from ulid import ULID

from functions.webhooks.notices import (
    JobCancelledNotice,
    JobCompletedNotice,
    JobFailedNotice,
    JobNotice,
    StepCompletedNotice,
    WebhookJob,
    WebhookStep,
)
from shared.core.ids import organization_of
from shared.jobs.events import newly_completed
from shared.jobs.record import JobRecord, JobStatus
from shared.stages.engines import TEST_ENGINE

_ENDS: dict[str, type[JobCompletedNotice | JobFailedNotice | JobCancelledNotice]] = {
    JobStatus.COMPLETED: JobCompletedNotice,
    JobStatus.FAILED: JobFailedNotice,
    JobStatus.CANCELLED: JobCancelledNotice,
}


def notice_of(old: JobRecord, new: JobRecord) -> JobNotice | None:
    """Return the event of this write to a job, or None. Settlement writes `completed_at` with the end."""
    if new.ended and not old.ended:
        return _ENDS[new.status](timestamp=new.updated_at, data=_job(new))
    if not new.ended and (stage := newly_completed(old, new)):
        step = WebhookStep(
            job_id=new.job_id,
            project_id=new.project_id,
            organization_id=organization_of(new.account_id),
            step_id=new.step_id(stage),
            step_type=stage,
            engine=new.step(stage).engine,
        )
        return StepCompletedNotice(timestamp=new.updated_at, data=step)
    return None


def event_id(*parts: object, at: datetime) -> str:
    """Return the id of an event at this time. The same parts have the same id."""
    digest = sha256("#".join(map(str, parts)).encode()).digest()
    moment = int(at.timestamp() * 1000).to_bytes(6, "big")
    return f"evt_{ULID.from_bytes(moment + digest[:10])}"


def _job(job: JobRecord) -> WebhookJob:
    return WebhookJob(
        id=job.job_id,
        project_id=job.project_id,
        organization_id=organization_of(job.account_id),
        status=JobStatus(job.status),
        error=job.error,
        test=any(step.engine == TEST_ENGINE for _, step in job.planned()),
        credits=int(job.credits),
        created_at=job.created_at,
        completed_at=job.completed_at,
    )
