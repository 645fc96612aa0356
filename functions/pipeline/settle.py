"""The state machine's last state: ends the job, whichever way it went."""

import json
from typing import Any

from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import jobs
from shared.observability import about, logger, observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, str]:
    """`{jobId, error?}`: with `error` (the state machine's Error and Cause) the job has failed, else it is complete."""
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
    """What the creator is told: the step's own words if it left any, never an internal."""
    for stage, step in job.planned():
        if stage == job.current_step and step.error and step.status != JobStatus.COMPLETED:
            return step.error
    if error.get("Error") in {"States.Timeout", "States.HeartbeatTimeout"}:
        return "A step took too long."
    try:
        return str(json.loads(error.get("Cause") or "")["message"])
    except (ValueError, TypeError, KeyError):
        return "Something went wrong on our side. Nothing was charged."
