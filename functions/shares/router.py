"""`/api/shares`: public links to films. A visitor sees the film, and nothing of its account."""

from typing import Annotated

from fastapi import APIRouter, Query, status

from functions.shares import service
from functions.shares.film import shown
from functions.shares.schemas import ShareCreate, SharedFilmView, ShareView
from functions.shares.service import NothingToShare
from shared.access.permissions import Permission
from shared.audit.admin import Admin
from shared.core.wire import Id
from shared.jobs.store import JobNotFound
from shared.members.actor import Actor
from shared.quotas.classes import RouteClass
from shared.rest.actor import acting
from shared.rest.admin import administering
from shared.rest.inline import Inline
from shared.rest.pagination import Page, whole
from shared.rest.problem import problems
from shared.rest.quota import counted
from shared.shares.store import FilmTakenDown, ShareNotFound, TooManyShares

router = APIRouter(prefix="/api/shares", tags=["shares"], route_class=Inline)

Read = Annotated[Actor, acting(Permission.JOBS_READ)]
Write = Annotated[Actor, acting(Permission.JOBS_WRITE)]
AsAdmin = Annotated[Admin, administering(Permission.SHARES_ADMIN)]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    operation_id="createShare",
    responses=problems(JobNotFound, NothingToShare, FilmTakenDown, TooManyShares),
)
def create_share(body: ShareCreate, caller: Write) -> ShareView:
    """Make a public link to the film of a job. Everybody with the link sees the film until the link is deleted."""
    return ShareView.of(service.create(body, caller))


@router.get("", operation_id="listShares", responses=problems(JobNotFound))
def list_shares(job_id: Annotated[Id, Query(alias="jobId")], caller: Read) -> Page[ShareView]:
    """List the public links to the film of a job, newest first."""
    return whole(ShareView.of(share) for share in service.of_job(job_id, caller))


@router.get(
    "/{share_id}",
    operation_id="getSharedFilm",
    responses=problems(ShareNotFound),
    dependencies=[counted(RouteClass.READ)],
)
def get_shared_film(share_id: Id) -> SharedFilmView:
    """Read the film of a public link."""
    return shown(share_id)


@router.delete(
    "/{share_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="deleteShare",
    responses=problems(ShareNotFound, FilmTakenDown),
)
def delete_share(share_id: Id, caller: Write) -> None:
    """Delete a public link. URLs that a visitor has received work for an hour."""
    service.revoke(share_id, caller)


@router.post(
    "/{share_id}/takedown",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="takeDownShare",
    responses=problems(ShareNotFound),
)
def take_down_share(share_id: Id, admin: AsAdmin) -> None:
    """Close a public link, and prevent others to the film. Only platform admins can do this."""
    service.take_down(share_id, admin)
