"""The events of a job, which the server sends to the clients that subscribed to it.

One write to the job item causes at most one event, with the item's `seq`. The terminal write causes the last event.
"""

from datetime import datetime
from typing import Any, Literal

from shared.core.wire import View, absent
from shared.jobs.keys import preview_key
from shared.jobs.record import JobRecord, JobStatus, StepMap
from shared.jobs.store import StepResult
from shared.jobs.views import JobLinks, JobView, Results
from shared.stages.metadata import NOT_UNDERSTOOD, READ_AS, UNDERSTOOD
from shared.stages.stages import FILM, Role, Stage


class JobProgress(View):
    """The job's status, step, progress or preview changed. `progress` is 0..100 for the whole job."""

    type: Literal["job.progress"] = "job.progress"
    job_id: str
    seq: int
    progress: int
    current_step: Stage | None
    status: JobStatus
    preview_url: str | None = absent("The newest preview of the current step, a small picture.")


class StepCompleted(View):
    """One step of the job has its result. `resultUrl` opens a small, marked preview of it: the job is not paid yet."""

    type: Literal["step.completed"] = "step.completed"
    job_id: str
    seq: int
    step_id: str
    step_type: Stage
    result_url: str | None
    understood: tuple[str, ...] | None = absent("Of a painted picture: the phrases that the painter knows.")
    not_understood: tuple[str, ...] | None = absent("Of a painted picture: the words of which nothing is painted.")
    read_as: dict[str, str] | None = absent("Of a painted picture: unknown words -> the near phrases painted instead.")


class JobCompleted(View):
    """The film is ready. No event of the job follows. Of a still, both URLs are null, and the job has `imageUrl`."""

    type: Literal["job.completed"] = "job.completed"
    job_id: str
    seq: int
    video_url: str | None
    thumbnail_url: str | None


class JobFailed(View):
    """The job failed, and its credits are released. No event of the job follows."""

    type: Literal["job.failed"] = "job.failed"
    job_id: str
    seq: int
    error: str | None


class JobSnapshot(View):
    """The whole job. Ignore events whose `seq` is not higher.

    The server sends it after a subscription. It sends it instead of events if the job has many subscribers, or if the
    socket did not accept an event. If the job has ended, no event follows.
    """

    type: Literal["job.snapshot"] = "job.snapshot"
    job_id: str
    seq: int
    job: JobView


JobEvent = JobProgress | StepCompleted | JobCompleted | JobFailed


def newly_completed(old: JobRecord, new: JobRecord) -> Stage | None:
    """Return the stage whose step this write completed."""
    for stage, step in new.planned():
        if step.status == JobStatus.COMPLETED and old.step(stage).status != JobStatus.COMPLETED:
            return stage
    return None


def needs_results(old: JobRecord, new: JobRecord) -> bool:
    """Return whether this write's event has URLs of results."""
    return newly_completed(old, new) is not None or new.status == JobStatus.COMPLETED


def job_event(old: JobRecord, new: JobRecord, results: Results, at: datetime) -> JobEvent | None:
    """Return the event of this write, or None if it changed only what creators cannot see, such as a lease."""
    job_id, seq, links = new.job_id, int(new.seq), JobLinks(new, results, at)
    if new.status != old.status and new.status == JobStatus.COMPLETED:
        return JobCompleted(
            job_id=job_id,
            seq=seq,
            video_url=links.delivered(FILM),
            thumbnail_url=links.delivered(FILM, Role.THUMBNAIL),
        )
    if new.status != old.status and new.status == JobStatus.FAILED:
        return JobFailed(job_id=job_id, seq=seq, error=new.error)
    if stage := newly_completed(old, new):
        return StepCompleted(
            job_id=job_id,
            seq=seq,
            step_id=new.step_id(stage),
            step_type=stage,
            result_url=links.preview(stage),
            **_words(results.get(stage)),
        )
    if _visible(new) == _visible(old):
        return None
    return JobProgress(
        job_id=job_id,
        seq=seq,
        progress=int(new.progress),
        current_step=Stage(new.current_step) if new.current_step else None,
        status=JobStatus(new.status),
        preview_url=_preview_url(new, links),
    )


def _words(result: StepResult | None) -> dict[str, Any]:
    """Return the painter's reading of the prompt, if the step has painted."""
    return {key: result.metrics.get(key) for key in (UNDERSTOOD, NOT_UNDERSTOOD, READ_AS)} if result else {}


def _visible(job: JobRecord) -> tuple[object, ...]:
    """Return the values of a job that creators see."""
    step = _running_step(job)
    return job.status, job.progress, job.current_step, step and step.preview


def _running_step(job: JobRecord) -> StepMap | None:
    return job.step(Stage(job.current_step)) if job.current_step and job.status == JobStatus.RUNNING else None


def _preview_url(job: JobRecord, links: JobLinks) -> str | None:
    """Return the signed URL of the newest preview of the current step; None before the first preview."""
    step = _running_step(job)
    if step is None or step.preview is None or step.attempt is None:
        return None
    return links.previews.url(preview_key(job.job_id, Stage(job.current_step), step.attempt, int(step.preview)))
