"""The function of the last state: it ends the job as completed or failed."""

from typing import Any

from shared.aws.clients import s3, stepfunctions
from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import jobs
from shared.observability import about, logger, observed
from shared.stages.failures import UNEXPECTED, StageFailure


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Settle the job of `{jobId, error?}` as failed with `error` (Error and Cause of the state), or as completed."""
    about(job_id=event["jobId"])
    job = jobs.get(event["jobId"])
    error = event.get("error")
    if error is None:
        job = settlement.complete(job, at=utc_now())
    else:
        job = settlement.fail(job, error=_sentence(job, error), at=utc_now())
    logger.info("job settled", status=job.status, error=job.error)
    return {"jobId": job.job_id, "status": job.status}


def _sentence(job: JobRecord, error: dict[str, Any]) -> str:
    """Return the error for the creator: the step's own message if it has one, and never internal details."""
    for stage, step in job.planned():
        if stage == job.current_step and step.error and step.status != JobStatus.COMPLETED:
            return step.error
    if error.get("Error") in {"States.Timeout", "States.HeartbeatTimeout"}:
        return "A step took too long."
    failure = StageFailure.read(error.get("Error"), error.get("Cause")) or UNEXPECTED
    return failure.public_message


prepare(dynamodb, s3, stepfunctions)
