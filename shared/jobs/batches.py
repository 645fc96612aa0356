"""Batches: jobs that were submitted together. The ids of a batch's jobs follow from the batch's id."""

from collections.abc import Container

from ulid import ULID

from shared.core.errors import NotFound
from shared.core.slices import Slice, first_of
from shared.jobs.record import JobRecord
from shared.jobs.store import jobs

MOST_JOBS = 8  # of one batch
_PREFIX = "bat_"


class BatchNotFound(NotFound):
    code = "batch_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such batch.")


def begin(count: int) -> tuple[str, list[str]]:
    """Return the id of a new batch, and the ids of its jobs in order."""
    first = ULID()
    return f"{_PREFIX}{first}", _job_ids(first)[:count]


def page(
    batch_id: str, *, accounts: Container[str], project_id: str | None, limit: int, after: str | None
) -> Slice[JobRecord]:
    """Return at most `limit` jobs of the batch that are older than `after`, newest first, with two BatchGets.

    Raise BatchNotFound if none of the accounts has a job of the batch.
    """
    try:
        job_ids = _job_ids(ULID.from_str(batch_id.removeprefix(_PREFIX)))
    except ValueError:
        raise BatchNotFound from None
    specs = jobs.specs(job_ids)
    ours = [job_id for job_id, spec in specs.items() if spec.batch_id == batch_id]
    found = [job for job in jobs.several(ours) if job.account_id in accounts]
    if not found:
        raise BatchNotFound
    shown = [job for job in found if (after is None or job.job_id < after) and project_id in {None, job.project_id}]
    return first_of(sorted(shown, key=lambda job: job.job_id, reverse=True), limit, lambda job: job.job_id)


def _job_ids(first: ULID) -> list[str]:
    return [f"job_{ULID.from_int(int(first) + number)}" for number in range(MOST_JOBS)]
