"""The requests of public links: the job decides who may change them, and whether there is a film."""

from functions.shares.film import film_of
from functions.shares.schemas import ShareCreate
from shared.core.clock import utc_now
from shared.core.errors import Conflict
from shared.jobs.store import JobNotFound, jobs
from shared.members.actor import Actor
from shared.shares.record import ShareRecord
from shared.shares.store import ShareNotFound, shares


class NothingToShare(Conflict):
    """The job has no film, or its film is not paid."""

    code = "nothing_to_share"

    def __init__(self) -> None:
        super().__init__("This job has no film yet. Wait for its end.")


def create(body: ShareCreate, caller: Actor) -> ShareRecord:
    """Return a new link to the film of a job of the caller's. Raise NothingToShare."""
    if film_of(jobs.get(body.job_id, accounts=caller)) is None:
        raise NothingToShare
    return shares.create(body.job_id, title=body.title, at=utc_now())


def of_job(job_id: str, caller: Actor) -> list[ShareRecord]:
    jobs.get(job_id, accounts=caller)
    return sorted(shares.of_job(job_id), key=lambda share: share.created_at, reverse=True)


def revoke(share_id: str, caller: Actor) -> None:
    """Delete a link to a film of the caller's. Raise ShareNotFound or FilmTakenDown."""
    share = shares.get(share_id)
    try:
        jobs.get(share.job_id, accounts=caller)
    except JobNotFound:
        raise ShareNotFound from None
    shares.delete(share)
