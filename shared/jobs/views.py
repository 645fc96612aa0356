"""The view of a job, for REST responses and for snapshots."""

from datetime import datetime, timedelta
from typing import Annotated, cast

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.aws.media import MediaAccess
from shared.core.wire import View
from shared.jobs.keys import WORK_LIFE, job_prefix
from shared.jobs.record import JobRecord, JobStatus, StepMap
from shared.jobs.spec import JobInput, JobSettings, JobSpec
from shared.jobs.store import StepResult
from shared.stages.metadata import MOTION_SCORE, StepMetadata
from shared.stages.stages import STAGES, Role, Stage

URL_LIFE = timedelta(hours=1)

Results = dict[Stage, StepResult]


class _OptionalKeys:
    """An annotation that keeps the keys of a TypedDict optional in the JSON Schema of a View.

    pydantic applies the View's `json_schema_serialization_defaults_required` to them too.
    """

    @staticmethod
    def __get_pydantic_json_schema__(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        reference = handler(schema)
        handler.resolve_ref_schema(reference).pop("required", None)
        return reference


class StepView(View):
    id: str
    step_type: Stage
    status: JobStatus
    progress: int
    engine: str
    attempts: int
    error: str | None
    result_url: str | None
    metadata: Annotated[StepMetadata, _OptionalKeys] | None
    started_at: datetime | None
    completed_at: datetime | None


class JobView(View):
    id: str
    project_id: str
    status: JobStatus
    progress: int
    current_step: Stage | None
    error: str | None
    prompt: str
    preset_id: str
    settings: JobSettings
    seed: int
    inputs: tuple[JobInput, ...]
    credits: int
    image_url: str | None
    video_url: str | None
    thumbnail_url: str | None
    poster_url: str | None
    av1_url: str | None
    preview_url: str | None
    gif_url: str | None
    sprites_url: str | None
    scrubbing_track: str | None = None  # WebVTT text; each cue names a part of the sprites (`#xywh=`) by its signed URL
    hls_playlist: str | None = None  # playlist text with signed URLs
    motion_score: float | None = None  # 0..1, how well the clip follows the camera move; None if it was not measured
    queue_position: int | None = Field(
        default=None, description="While the job waits for its start: its position among the account's jobs, from 1."
    )
    estimated_start_at: datetime | None = Field(
        default=None, description="Estimated from the account's recent jobs. null if it is not known."
    )
    steps: list[StepView]
    seq: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


def access(job_id: str, at: datetime) -> MediaAccess:
    """Return signed read access to all objects of the job, valid for `URL_LIFE`."""
    return MediaAccess(job_prefix(job_id), at + URL_LIFE)


def result_url(results: Results, signed: MediaAccess, stage: Stage, role: Role | None = None) -> str | None:
    """Return the signed URL of the stage's output with that role (default: its main one), or None if there is none."""
    result = results.get(stage)
    key = result.key(role or STAGES[stage].main) if result else None
    return signed.url(key) if key else None


def job_view(job: JobRecord, spec: JobSpec, results: Results, at: datetime) -> JobView:
    """Return the job with signed URLs of its results. In lists, `results` is empty and the job has no URLs."""
    signed = access(job.job_id, at)
    post = Stage.POST_PROCESSING
    stored = {stage: result for stage, result in results.items() if _is_stored(job, stage, at)}
    return JobView(
        id=job.job_id,
        project_id=job.project_id,
        status=JobStatus(job.status),
        progress=int(job.progress),
        current_step=Stage(job.current_step) if job.current_step else None,
        error=job.error,
        prompt=spec.prompt,
        preset_id=spec.preset_id,
        settings=spec.settings,
        seed=spec.seed,
        inputs=spec.inputs,
        credits=int(job.credits),
        image_url=result_url(stored, signed, Stage.IMAGE_GENERATION),
        video_url=result_url(results, signed, post),
        thumbnail_url=result_url(results, signed, post, Role.THUMBNAIL),
        poster_url=result_url(results, signed, post, Role.POSTER),
        av1_url=result_url(results, signed, post, Role.AV1),
        preview_url=result_url(results, signed, post, Role.PREVIEW),
        gif_url=result_url(results, signed, post, Role.GIF),
        sprites_url=result_url(results, signed, post, Role.SPRITES),
        motion_score=_motion_score(results),
        steps=[
            _step_view(job, stage, step, results, result_url(stored, signed, stage)) for stage, step in job.planned()
        ],
        seq=int(job.seq),
        created_at=job.created_at,
        updated_at=job.updated_at,
        completed_at=job.completed_at,
    )


def _motion_score(results: Results) -> float | None:
    """Return the motion score of the film's clip from the last stage that measured it, or None."""
    for stage in (Stage.POST_PROCESSING, Stage.MOTION_TRANSFER, Stage.VIDEO_SYNTHESIS):
        if stage in results and MOTION_SCORE in results[stage].metrics:
            return float(results[stage].metrics[MOTION_SCORE])
    return None


def _is_stored(job: JobRecord, stage: Stage, at: datetime) -> bool:
    """Return whether the stage's files still exist: a lifecycle rule deletes all but the last stage's."""
    ended = job.step(stage).completed_at
    return stage is Stage.POST_PROCESSING or ended is None or at < ended + WORK_LIFE


def _step_view(job: JobRecord, stage: Stage, step: StepMap, results: Results, url: str | None) -> StepView:
    result = results.get(stage)
    return StepView(
        id=job.step_id(stage),
        step_type=stage,
        status=_step_status(job, stage, step),
        progress=int(step.progress),
        engine=step.engine,
        attempts=int(step.attempts),
        error=step.error,
        result_url=url,
        metadata=cast("StepMetadata", dict(result.metrics)) if result else None,
        started_at=step.started_at,
        completed_at=step.completed_at,
    )


def _step_status(job: JobRecord, stage: Stage, step: StepMap) -> JobStatus:
    """Return the step's status. In an ended job, the current step has the job's status; later steps are CANCELLED."""
    job_status, step_status = JobStatus(job.status), JobStatus(step.status)
    if not job_status.ended or step_status is JobStatus.COMPLETED:
        return step_status
    return job_status if stage == job.current_step else JobStatus.CANCELLED
