"""The requests of public links: the job decides who may change them, and whether there is a film."""

from datetime import timedelta

from functions.shares.schemas import ShareCreate, SharedFilmView
from shared.aws.media import MediaAccess
from shared.core.clock import utc_now
from shared.core.errors import Conflict
from shared.jobs.keys import delivery_prefix
from shared.jobs.record import JobRecord
from shared.jobs.store import JobNotFound, StepResult, jobs
from shared.members.actor import Actor
from shared.shares.record import ShareRecord
from shared.shares.store import ShareNotFound, shares
from shared.stages.stages import FILM, STAGES, Role

URL_LIFE = timedelta(hours=1)  # validity of a signed URL


class NothingToShare(Conflict):
    """The job has no film, or its film is not paid."""

    code = "nothing_to_share"

    def __init__(self) -> None:
        super().__init__("This job has no film yet. Wait for its end.")


def create(body: ShareCreate, caller: Actor) -> ShareRecord:
    """Return a new link to the film of a job of the caller's. Raise NothingToShare."""
    if _film(jobs.get(body.job_id, accounts=caller)) is None:
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


def shown(share_id: str) -> SharedFilmView:
    """Return what a visitor sees. Raise ShareNotFound if the link is closed, or its job is deleted."""
    share = shares.get(share_id)
    if share.taken_down:
        raise ShareNotFound
    try:
        film = _film(jobs.get(share.job_id))
    except JobNotFound:
        raise ShareNotFound from None
    if film is None:
        raise ShareNotFound
    access = MediaAccess(delivery_prefix(share.job_id, FILM), utc_now() + URL_LIFE)

    def url(role: Role) -> str | None:
        key = film.key(role)
        return access.url(key) if key else None

    return SharedFilmView(
        title=share.title,
        video_url=url(STAGES[FILM].main),
        poster_url=url(Role.POSTER),
        thumbnail_url=url(Role.THUMBNAIL),
        created_at=share.created_at,
    )


def _film(job: JobRecord) -> StepResult | None:
    """Return the job's film, if it is paid."""
    return jobs.results(job).get(FILM) if job.captured else None
