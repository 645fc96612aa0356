"""Batches: jobs that were submitted together. The ids of a batch's jobs follow from the batch's id."""

from collections.abc import Container

from ulid import ULID

from shared.core.errors import NotFound
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


def job_ids(batch_id: str, *, accounts: Container[str]) -> list[str]:
    """Return the ids of the batch's jobs that exist. Raise BatchNotFound if none of the accounts has one of them."""
    try:
        first = ULID.from_str(batch_id.removeprefix(_PREFIX))
    except ValueError:
        raise BatchNotFound from None
    ours = [job_id for job_id, spec in jobs.specs(_job_ids(first)).items() if spec.batch_id == batch_id]
    if not (found := jobs.owned(ours, accounts=accounts)):
        raise BatchNotFound
    return [job.job_id for job in found]


def _job_ids(first: ULID) -> list[str]:
    return [f"job_{ULID.from_int(int(first) + number)}" for number in range(MOST_JOBS)]
