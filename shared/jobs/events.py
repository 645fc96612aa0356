"""Turns a change of the job item into the one event that tells of it, in the seed's words.

One write is one event, numbered by the item's own `seq`; the terminal write is the last.
"""

from typing import Any

from shared.aws.media import MediaAccess
from shared.jobs.keys import preview_key
from shared.jobs.record import JobRecord, JobStatus, StepMap
from shared.jobs.views import Results, result_url
from shared.stages.stages import Role, Stage


def newly_completed(old: JobRecord, new: JobRecord) -> Stage | None:
    """The step that this write completed."""
    for stage, step in new.planned():
        if step.status == JobStatus.COMPLETED and old.step(stage).status != JobStatus.COMPLETED:
            return stage
    return None


def needs_results(old: JobRecord, new: JobRecord) -> bool:
    """Whether this write's event names something the job made."""
    return newly_completed(old, new) is not None or new.status == JobStatus.COMPLETED


def job_event(old: JobRecord, new: JobRecord, results: Results, signed: MediaAccess) -> dict[str, Any] | None:
    """The event of this write; None where nothing changed that a creator could see (a lease, say)."""
    facts = {"jobId": new.job_id, "seq": int(new.seq)}
    if new.status != old.status and new.status == JobStatus.COMPLETED:
        return {
            "type": "job.completed",
            **facts,
            "videoUrl": result_url(results, signed, Stage.POST_PROCESSING),
            "thumbnailUrl": result_url(results, signed, Stage.POST_PROCESSING, Role.THUMBNAIL),
        }
    if new.status != old.status and new.status == JobStatus.FAILED:
        return {"type": "job.failed", **facts, "error": new.error}
    if stage := newly_completed(old, new):
        return {
            "type": "step.completed",
            **facts,
            "stepId": new.step_id(stage),
            "stepType": stage.value,
            "resultUrl": result_url(results, signed, stage),
        }
    if _seen(new) == _seen(old):
        return None
    preview = _preview_url(new, signed)
    return {
        "type": "job.progress",
        **facts,
        "progress": int(new.progress),
        "currentStep": new.current_step,
        "status": new.status,
        **({"previewUrl": preview} if preview else {}),
    }


def _seen(job: JobRecord) -> tuple[object, ...]:
    """What a creator can see of a job at work."""
    step = _at_work(job)
    return job.status, job.progress, job.current_step, step and step.preview


def _at_work(job: JobRecord) -> StepMap | None:
    return job.step(Stage(job.current_step)) if job.current_step and job.status == JobStatus.RUNNING else None


def _preview_url(job: JobRecord, signed: MediaAccess) -> str | None:
    """The newest look at the step at work, signed; None before there is one."""
    step = _at_work(job)
    if step is None or step.preview is None or step.attempt is None:
        return None
    return signed.url(preview_key(job.job_id, Stage(job.current_step), step.attempt, int(step.preview)))
