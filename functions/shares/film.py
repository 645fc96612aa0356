"""The film of a public link. A visitor has no account, so the link alone decides."""

from datetime import timedelta

from functions.shares.schemas import SharedFilmView
from shared.aws.media import MediaAccess
from shared.core.clock import utc_now
from shared.jobs.keys import delivery_prefix
from shared.jobs.record import JobRecord
from shared.jobs.store import JobNotFound, StepResult, jobs
from shared.shares.store import ShareNotFound, shares
from shared.stages.stages import FILM, STAGES, Role

URL_LIFE = timedelta(hours=1)  # validity of a signed URL


def shown(share_id: str) -> SharedFilmView:
    """Return what a visitor sees. Raise ShareNotFound if the link is closed, or its job is deleted."""
    share = shares.get(share_id)
    if share.taken_down:
        raise ShareNotFound
    try:
        film = film_of(jobs.get(share.job_id))
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


def film_of(job: JobRecord) -> StepResult | None:
    """Return the job's film, if it is paid."""
    return jobs.results(job).get(FILM) if job.captured else None
