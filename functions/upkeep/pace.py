"""The function that learns the pace of steps from finished jobs (`shared/jobs/pace.py`).

So a job needs no write of its own for it.
"""

from datetime import datetime
from typing import Any

from shared.core.clock import utc_now
from shared.jobs import executions
from shared.jobs.pace import store, stored
from shared.jobs.store import jobs
from shared.observability import logger, observed
from shared.upkeep.store import Overtaken

MOST_JOBS = 100  # newest finished jobs of one run; more of them would not change the pace


@observed
def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Learn from the jobs that finished since the last run, and return their number."""
    return {"found": learn(utc_now())}


def learn(at: datetime) -> int:
    known = stored()
    job_ids = executions.succeeded(since=known.until, most=MOST_JOBS)
    learned = known.after(jobs.with_specs(job_ids))
    if learned.until == known.until:
        return 0
    try:
        store(learned, found=len(job_ids), at=at)
    except Overtaken:
        logger.info("another run has learned the pace")
        return 0
    return len(job_ids)
