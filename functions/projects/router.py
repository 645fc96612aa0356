"""`/api/projects`."""

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Response, status
from pydantic import ConfigDict, Field

from shared.access.permissions import Permission
from shared.aws.media import MediaAccess
from shared.aws.transactions import Transaction
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.core.versions import PreconditionFailed
from shared.core.wire import Id, Name, View, Wire
from shared.idempotency.store import KeyReused
from shared.members.actor import Actor, OrganizationNotFound
from shared.projects.record import ProjectRecord
from shared.projects.store import ProjectNotEmpty, TooManyProjects, projects
from shared.rest.actor import OrganizationId, acting
from shared.rest.etags import Change, Tag
from shared.rest.inline import Inline
from shared.rest.once import Once
from shared.rest.pagination import BadCursor, Page, Paged
from shared.rest.problem import problems
from shared.subscriptions.plans import PLANS
from shared.subscriptions.store import subscriptions

router = APIRouter(prefix="/api/projects", tags=["projects"], route_class=Inline)

Read = Annotated[Actor, acting(Permission.PROJECTS_READ)]
Write = Annotated[Actor, acting(Permission.PROJECTS_WRITE)]

URL_LIFE = timedelta(hours=1)  # validity of a signed URL


class ProjectWrite(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Harbour at night"}]})

    name: Name = Field(min_length=1, max_length=120)


class ProjectCreate(ProjectWrite):
    """A new project of the organization, or of the caller's own account."""

    organization_id: Id | None = None


class ProjectView(View):
    project_id: str = Field(serialization_alias="id")
    name: str
    thumbnail: str | None = Field(description="Signed URL of a small JPEG of the project's newest film.")
    owner_id: str = Field(serialization_alias="userId", description="The user who created the project.")
    organization_id: str | None
    job_count: int
    created_at: datetime
    updated_at: datetime


def _view(record: ProjectRecord) -> ProjectView:
    """Return the project, with a signed URL of its thumbnail."""
    view, key = ProjectView.model_validate(record), record.thumbnail
    if key is None:
        return view
    access = MediaAccess(f"{key.rpartition('/')[0]}/", utc_now() + URL_LIFE)
    return view.model_copy(update={"thumbnail": access.url(key)})


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=ProjectView,
    operation_id="createProject",
    responses=problems(OrganizationNotFound, KeyReused, TooManyProjects),
)
def create_project(body: ProjectCreate, caller: Write, once: Once) -> Response:
    """Create a project of an organization, or of the caller's own account."""

    def create(tx: Transaction) -> ProjectView:
        account_id = caller.account(body.organization_id)
        caller.stays_member(account_id, tx=tx)
        record = projects.create(
            new_id("prj"),
            owner_id=caller.user_id,
            account_id=account_id,
            name=body.name,
            most=PLANS[subscriptions.plan(account_id)].projects,
            at=utc_now(),
            tx=tx,
        )
        return _view(record)

    return once.respond(create, status=status.HTTP_201_CREATED)


@router.get("", operation_id="listProjects", responses=problems(OrganizationNotFound, BadCursor))
def list_projects(
    caller: Read,
    paging: Paged,
    organization_id: OrganizationId = None,
    text: Annotated[str, Query(max_length=100, description="Words that the name contains.")] = "",
) -> Page[ProjectView]:
    """List the projects of an organization, or of the caller's own account, newest first.

    A page of a search examines 2,000 projects. It can have fewer items than `limit` while `hasMore` is true.
    """
    account_id, read = caller.account(organization_id), partial(projects.search, text) if text else projects.page
    return paging.page(read(account_id=account_id, limit=paging.limit, after=paging.after), _view)


@router.get("/{project_id}", operation_id="getProject")
def get_project(project_id: Id, caller: Read, tag: Tag) -> ProjectView:
    """Read one project."""
    record = projects.get(project_id, accounts=caller)
    return tag.on(record.etag, _view(record))


@router.patch("/{project_id}", operation_id="updateProject", responses=problems(PreconditionFailed))
def update_project(project_id: Id, body: ProjectWrite, caller: Write, change: Change) -> ProjectView:
    """Rename a project."""
    record = projects.rename(project_id, accounts=caller, name=body.name, at=utc_now(), expected=change.expected)
    return change.on(record.etag, _view(record))


@router.delete(
    "/{project_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="deleteProject",
    responses=problems(ProjectNotEmpty),
)
def delete_project(project_id: Id, caller: Write) -> None:
    """Delete a project that has no jobs."""
    projects.delete(project_id, accounts=caller)
