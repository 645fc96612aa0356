"""The function that runs every minute, starts jobs that were not started, and ends jobs that are stuck or late."""

from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from shared.core.clock import utc_now
from shared.core.ids import id_from, made_at
from shared.credits.store import credits
from shared.jobs import executions, settlement
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import JobNotFound, jobs
from shared.observability import Metric, logged, logger, measure, observed
from shared.stages.failures import UNEXPECTED

GRACE = timedelta(seconds=30)  # minimum time since the submit and since the last write before a job is reconciled


@observed
def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Reconcile all open jobs. Return the number of jobs seen, and the number for each action."""
    return sweep(utc_now())


def sweep(at: datetime) -> dict[str, int]:
    """Reconcile each open hold's job at this time. Return the number of jobs seen, and the number for each action."""
    done = {"seen": 0, "started": 0, "completed": 0, "failed": 0}
    open_jobs = list(credits.open_holds(before_job_id=id_from("job", (at - GRACE).timestamp())))
    measure(Metric.OPEN_JOBS, len(open_jobs))
    oldest_seconds = at.timestamp() - made_at(open_jobs[0]) if open_jobs else 0
    measure(Metric.OLDEST_OPEN_JOB_SECONDS, oldest_seconds)
    for job_id in open_jobs:
        done["seen"] += 1
        with logged(job_id=job_id):
            try:
                action = _reconcile(jobs.get(job_id), at)
            except (ClientError, BotoCoreError, PynamoDBException, JobNotFound):  # the next run tries again
                logger.exception("job not reconciled")
                continue
            if action:
                done[action] += 1
                measure(Metric.JOBS_RECONCILED)
                logger.warning("job reconciled", action=action)
    return done


def _reconcile(job: JobRecord, at: datetime) -> str | None:
    if JobStatus(job.status).ended:
        return None
    if at > job.deadline_at:  # also if it beats: the worker of an engine that hangs still beats
        settlement.fail(job, error="The job took too long. Nothing was charged.", at=at)
        executions.stop(job.job_id)
        return "failed"
    if at - job.updated_at < GRACE:
        return None
    running = executions.running(job.job_id)
    if running is None:
        executions.start(job.job_id, [stage for stage, _ in job.planned()])
        return "started"
    return None if running else _settle_orphan(job, at)


def _settle_orphan(job: JobRecord, at: datetime) -> str:
    """Settle a job whose execution has ended, and return the action.

    The execution was aborted or exceeded a limit, or its Settle state failed.
    """
    if all(step.status == JobStatus.COMPLETED for _, step in job.planned()):
        settlement.complete(job, at=at)
        return "completed"
    settlement.fail(job, error=UNEXPECTED.public_message, at=at)
    return "failed"
