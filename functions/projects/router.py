"""`/api/projects`."""

from datetime import datetime

from fastapi import APIRouter, Response, status
from pydantic import Field

from shared.aws.transactions import Transaction
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.core.wire import Id, View, Wire
from shared.idempotency.store import KeyReused
from shared.projects.store import ProjectNotEmpty, ProjectStore
from shared.rest.caller import Caller
from shared.rest.once import Once
from shared.rest.pagination import After, Limit
from shared.rest.problem import problems

router = APIRouter(prefix="/api/projects", tags=["projects"])
projects = ProjectStore()


class ProjectWrite(Wire):
    name: str = Field(min_length=1, max_length=120, examples=["Harbour at night"])


class ProjectView(View):
    project_id: str = Field(serialization_alias="id")
    name: str
    thumbnail: str | None
    job_count: int
    created_at: datetime
    updated_at: datetime


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=ProjectView,
    operation_id="createProject",
    responses=problems(KeyReused),
)
def create_project(body: ProjectWrite, caller: Caller, once: Once) -> Response:
    """Create a project owned by the caller."""

    def create(tx: Transaction) -> ProjectView:
        record = projects.create(
            new_id("prj"), owner_id=caller.user_id, account_id=caller.account_id, name=body.name, at=utc_now(), tx=tx
        )
        return ProjectView.model_validate(record)

    return once.run(create, status=status.HTTP_201_CREATED)


@router.get("", operation_id="listProjects")
def list_projects(caller: Caller, limit: Limit = 20, after: After = None) -> list[ProjectView]:
    """List the caller's projects, newest first."""
    records = projects.page(owner_id=caller.user_id, limit=limit, after=after)
    return [ProjectView.model_validate(record) for record in records]


@router.get("/{project_id}", operation_id="getProject")
def get_project(project_id: Id, caller: Caller) -> ProjectView:
    """Read one project."""
    return ProjectView.model_validate(projects.get(project_id, owner_id=caller.user_id))


@router.patch("/{project_id}", operation_id="updateProject")
def update_project(project_id: Id, body: ProjectWrite, caller: Caller) -> ProjectView:
    """Rename a project."""
    record = projects.rename(project_id, owner_id=caller.user_id, name=body.name, at=utc_now())
    return ProjectView.model_validate(record)


@router.delete(
    "/{project_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="deleteProject",
    responses=problems(ProjectNotEmpty),
)
def delete_project(project_id: Id, caller: Caller) -> None:
    """Delete a project that has no jobs."""
    projects.delete(project_id, owner_id=caller.user_id)
