"""`/api/jobs`."""

from typing import Annotated

from fastapi import APIRouter, Body, Query, Response, status
from pydantic import Field

from functions.jobs import listing, origins, service
from functions.jobs.listing import Filters
from functions.jobs.origins import JobNotEnded, NoDraft, NoFilm, NoStill, OutputsExpired
from functions.jobs.plan import NoEngine, PromptNotUnderstood
from functions.jobs.quote import quote
from functions.jobs.schemas import JobAgain, JobContinue, JobCreate, JobExtend, QuoteView
from functions.jobs.service import MaxCreditsExceeded
from shared.access.permissions import Permission
from shared.assets.store import AssetNotFound, AssetNotReady
from shared.core.wire import Id, Moment
from shared.credits.store import MonthlyCapReached, NotEnoughCredits, RetryRunning
from shared.idempotency.store import KeyReused
from shared.jobs.batches import BatchNotFound
from shared.jobs.record import JobStatus
from shared.jobs.store import JobEnded, JobRunning
from shared.jobs.views import JobView
from shared.members.actor import Actor, OrganizationNotFound
from shared.presets.presets import PresetNotFound
from shared.projects.store import ProjectNotFound
from shared.quotas.classes import RouteClass
from shared.rest.actor import OrganizationId, acting
from shared.rest.inline import Inline
from shared.rest.once import Once
from shared.rest.pagination import BadCursor, Page, Paged
from shared.rest.problem import problems
from shared.rest.sunset import announce, announced
from shared.slots.store import TooManyWaiting, WaitTooLong

router = APIRouter(prefix="/api/jobs", tags=["jobs"], route_class=Inline)

Read = Annotated[Actor, acting(Permission.JOBS_READ)]
Write = Annotated[Actor, acting(Permission.JOBS_WRITE)]
Spend = Annotated[Actor, acting(Permission.JOBS_WRITE, RouteClass.SPEND)]
_REFUSED_SUBMITS = (
    MaxCreditsExceeded,
    NotEnoughCredits,
    MonthlyCapReached,
    ProjectNotFound,
    PresetNotFound,
    AssetNotFound,
    AssetNotReady,
    NoEngine,
    PromptNotUnderstood,
    KeyReused,
    TooManyWaiting,
    WaitTooLong,
)
Again = Annotated[JobAgain, Body(default_factory=JobAgain)]
Quote = Annotated[Actor, acting(Permission.JOBS_WRITE, RouteClass.READ)]  # a quote writes nothing


class JobPage(Page[JobView]):
    """A part of a list of jobs. Jobs in lists have no results."""

    searched: int | None = Field(
        description="With `status` or `text`: the number of jobs looked at, on this page and those before it. A search "
        "looks at the newest 2,000 jobs that the other filters allow. A search for a status before the end looks at "
        "the jobs that have not ended."
    )
    complete: bool | None = Field(
        description="With `status` or `text`: whether the search is at its end and has looked at all jobs. If it is "
        "false on the last page, continue with `createdBefore`."
    )


@router.post(
    "",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=JobView,
    operation_id="createJob",
    responses=problems(*_REFUSED_SUBMITS),
)
def create_job(body: JobCreate, caller: Spend, once: Once) -> Response:
    """Submit a job. Its credits are held now and charged when it completes, to the account of its project."""
    return announced(once.respond(lambda tx: service.submit(body, caller, tx), status=status.HTTP_202_ACCEPTED))


@router.post(
    "/quote",
    operation_id="quoteJob",
    responses=problems(ProjectNotFound, PresetNotFound, AssetNotFound, AssetNotReady, NoEngine, PromptNotUnderstood),
)
def quote_job(body: JobCreate, caller: Quote, response: Response) -> QuoteView:
    """Ask what a job would cost. The body is that of a submit, and is refused for the same reasons.

    Nothing is held or stored. A shortfall of credits, a full queue and `maxCredits` are no reasons to refuse a quote.
    """
    quoted = quote(body, caller)
    announce(response, quoted.steps)
    return quoted


@router.get(
    "", operation_id="listJobs", responses=problems(ProjectNotFound, BatchNotFound, OrganizationNotFound, BadCursor)
)
def list_jobs(
    caller: Read,
    paging: Paged,
    project_id: Annotated[Id | None, Query(alias="projectId")] = None,
    organization_id: OrganizationId = None,
    batch_id: Annotated[
        Id | None, Query(alias="batchId", description="Jobs that were submitted together with `count`.")
    ] = None,
    status: JobStatus | None = None,
    text: Annotated[str | None, Query(min_length=1, max_length=100, description="Words of the prompt.")] = None,
    created_after: Annotated[Moment | None, Query(alias="createdAfter", description="From this time on.")] = None,
    created_before: Annotated[Moment | None, Query(alias="createdBefore")] = None,
) -> JobPage:
    """List the jobs of a project, of an organization, of a batch, or of the caller's own account, newest first."""
    filters = Filters(
        project_id=project_id,
        organization_id=organization_id,
        batch_id=batch_id,
        status=status,
        text=text,
        since=created_after,
        until=created_before,
    )
    listed = listing.page(caller, filters, limit=paging.limit, after=paging.after)
    found: Page[JobView] = paging.page(listed.jobs, lambda job: job)
    return JobPage(**dict(found), searched=listed.searched, complete=listed.complete)


@router.get("/{job_id}", operation_id="getJob")
def get_job(job_id: Id, caller: Read, response: Response) -> JobView:
    """Read one job, with signed URLs of its results."""
    job = service.view(job_id, caller)
    announce(response, job.steps)
    return job


@router.post("/{job_id}/cancel", operation_id="cancelJob", responses=problems(JobEnded))
def cancel_job(job_id: Id, caller: Write) -> JobView:
    """Cancel a job that has not ended. Nothing is charged."""
    return service.cancel(job_id, caller)


@router.post(
    "/{job_id}/retry",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=JobView,
    operation_id="retryJob",
    responses=problems(JobNotEnded, OutputsExpired, RetryRunning, *_REFUSED_SUBMITS),
)
def retry_job(job_id: Id, caller: Spend, once: Once, body: Again) -> Response:
    """Submit the same job again. It starts from the finished steps of this one, for 7 days after these steps.

    A finished step costs what it cost in this job, and nothing if it is paid. The last step is always made again.
    """
    return announced(once.respond(lambda tx: origins.retry(job_id, body, caller, tx), status=status.HTTP_202_ACCEPTED))


@router.post(
    "/{job_id}/continue",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=JobView,
    operation_id="continueJob",
    responses=problems(NoStill, OutputsExpired, *_REFUSED_SUBMITS),
)
def continue_job(job_id: Id, body: JobContinue, caller: Spend, once: Once) -> Response:
    """Submit the film of a completed still (`until`). The picture is the still's, and is not charged again."""
    return announced(
        once.respond(lambda tx: origins.proceed(job_id, body, caller, tx), status=status.HTTP_202_ACCEPTED)
    )


@router.post(
    "/{job_id}/final",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=JobView,
    operation_id="finishDraft",
    responses=problems(NoDraft, OutputsExpired, *_REFUSED_SUBMITS),
)
def finish_draft(job_id: Id, caller: Spend, once: Once, body: Again) -> Response:
    """Submit the film of a completed draft at its whole size, with the same seed, within 7 days.

    The picture is the draft's, and is not charged again.
    """
    return announced(once.respond(lambda tx: origins.final(job_id, body, caller, tx), status=status.HTTP_202_ACCEPTED))


@router.post(
    "/{job_id}/extend",
    status_code=status.HTTP_202_ACCEPTED,
    response_model=JobView,
    operation_id="extendJob",
    responses=problems(NoFilm, OutputsExpired, *_REFUSED_SUBMITS),
)
def extend_job(job_id: Id, body: JobExtend, caller: Spend, once: Once) -> Response:
    """Submit a film whose first picture is the last frame of this completed film, without bars, captions and marks."""
    return announced(once.respond(lambda tx: origins.extend(job_id, body, caller, tx), status=status.HTTP_202_ACCEPTED))


@router.delete(
    "/{job_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="deleteJob",
    responses=problems(JobRunning),
)
def delete_job(job_id: Id, caller: Write) -> None:
    """Delete an ended job and its media."""
    service.delete(job_id, caller)
