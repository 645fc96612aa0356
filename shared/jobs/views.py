"""The view of a job, for REST responses and for snapshots."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, cast

from pydantic import Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.aws.media import MediaAccess
from shared.core.wire import View, absent
from shared.jobs.keys import WORK_LIFE, delivery_prefix, previews_prefix
from shared.jobs.record import JobRecord, JobStatus, StepMap
from shared.jobs.spec import JobInput, JobSettings, JobSpec
from shared.jobs.store import StepResult
from shared.stages.engines import ENGINES, promise_of
from shared.stages.metadata import MOTION_SCORE, NOT_UNDERSTOOD, READ_AS, UNDERSTOOD, StepMetadata
from shared.stages.stages import FILM, STAGES, Role, Stage

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


class MissedMoveView(View):
    """A clip that did not follow its camera move, and that is not used."""

    engine: str
    motion_score: float
    motion_promise: float = Field(description="The lowest score of a clip that follows its move.")
    then: Literal["camera", "repeat"] = Field(
        description="`camera`: the 2.5D camera does the step, at its lower price. `repeat`: the engine does the step "
        "once more, without more credits, and that clip is used whatever its score is."
    )


class StepView(View):
    id: str
    job_id: str
    step_type: Stage
    status: JobStatus
    progress: int
    engine: str
    attempts: int
    error: str | None
    result_url: str | None
    metadata: Annotated[StepMetadata, _OptionalKeys] | None
    missed_move: MissedMoveView | None = absent("Of a step whose first clip did not follow the camera move.")
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
    until: Stage | None = absent("Of a still: its last step. A film has no such field.")
    origin_id: str | None = absent("The job from whose outputs this job started.")
    test: bool = Field(default=False, description="true: a test key submitted the job. It has the fixed film.")
    batch_id: str | None = absent("Of jobs that were submitted together.")
    batch: tuple[str, ...] | None = absent("In the answer to a submit with `count`: the ids of all jobs of the batch.")
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
    understood: tuple[str, ...] | None = Field(
        default=None, description="The phrases of style and prompt that the painter knows. null if it paints nothing."
    )
    not_understood: tuple[str, ...] | None = Field(default=None, description="The words of which nothing is painted.")
    read_as: dict[str, str] | None = Field(
        default=None, description="Words that the painter does not know -> the near phrases that it paints instead."
    )
    from_settings: tuple[str, ...] | None = absent(
        "In the response to a submit: the fields that the request left out, and the creator's settings filled."
    )
    queue_position: int | None = Field(
        default=None, description="While the job waits for its start: its position among the account's jobs, from 1."
    )
    estimated_start_at: datetime | None = Field(
        default=None, description="Estimated from the account's recent jobs. null if it is not known."
    )
    estimated_end_at: datetime | None = Field(
        default=None,
        description="Estimated from the start and from recent steps of the same engines, with their waits for "
        "workers. null if the start or one of the steps is not known, and when the job has ended.",
    )
    steps: list[StepView]
    seq: int
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class JobLinks:
    """Signed URLs of a job's files, valid for `URL_LIFE`. They open previews only until the job is paid."""

    job: JobRecord
    results: Results
    at: datetime

    @property
    def previews(self) -> MediaAccess:
        return MediaAccess(previews_prefix(self.job.job_id), self.at + URL_LIFE)

    def delivery(self, stage: Stage) -> MediaAccess | None:
        """Return access to what the stage delivers, or None before the job is paid. Nothing else signs these files."""
        return MediaAccess(delivery_prefix(self.job.job_id, stage), self.at + URL_LIFE) if self.job.captured else None

    def preview(self, stage: Stage) -> str | None:
        """Return the URL of the marked preview of the stage's result, or None if there is none."""
        key = self._key(stage, Role.STEP_PREVIEW)
        return self.previews.url(key) if key else None

    def delivered(self, stage: Stage, role: Role | None = None) -> str | None:
        """Return the URL of an output that the stage delivers (default: its main one), or None if there is none."""
        key = self._key(stage, role or STAGES[stage].main)
        signed = self.delivery(stage) if key else None
        return signed.url(key) if signed and key else None

    def result(self, stage: Stage, *, marked: bool) -> str | None:
        """Return the URL that a step shows. If `marked`, only the film is readable at full size, with its watermark."""
        deliverable = STAGES[stage].main in STAGES[stage].delivers and (stage is FILM or not marked)
        return (self.delivered(stage) if deliverable else None) or self.preview(stage)

    def _key(self, stage: Stage, role: Role) -> str | None:
        return self.results[stage].key(role) if stage in self.results else None


def job_view(job: JobRecord, spec: JobSpec, results: Results, at: datetime) -> JobView:
    """Return the job with signed URLs of its results. In lists, `results` is empty and the job has no URLs."""
    planned = job.planned()
    links = JobLinks(job, {stage: result for stage, result in results.items() if _is_stored(job, stage, at)}, at)
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
        until=spec.until,
        origin_id=spec.origin_id,
        test=bool(spec.test),
        batch_id=spec.batch_id,
        credits=int(job.credits),
        image_url=links.result(Stage.IMAGE_GENERATION, marked=not spec.paid),
        video_url=links.delivered(FILM),
        thumbnail_url=links.delivered(FILM, Role.THUMBNAIL),
        poster_url=links.delivered(FILM, Role.POSTER),
        av1_url=links.delivered(FILM, Role.AV1),
        preview_url=links.delivered(FILM, Role.PREVIEW),
        gif_url=links.delivered(FILM, Role.GIF),
        sprites_url=links.delivered(FILM, Role.SPRITES),
        motion_score=_motion_score(results),
        **_words(dict(planned), spec, results),
        steps=[
            _step_view(job, stage, step, results, links.result(stage, marked=not spec.paid)) for stage, step in planned
        ],
        seq=int(job.seq),
        created_at=job.created_at,
        updated_at=job.updated_at,
        completed_at=job.completed_at,
    )


def _motion_score(results: Results) -> float | None:
    """Return the motion score of the film's clip from the last stage that measured it, or None."""
    for stage in (FILM, Stage.MOTION_TRANSFER, Stage.VIDEO_SYNTHESIS):
        if stage in results and MOTION_SCORE in results[stage].metrics:
            return float(results[stage].metrics[MOTION_SCORE])
    return None


def _words(planned: dict[Stage, StepMap], spec: JobSpec, results: Results) -> dict[str, Any]:
    """Return the painter's reading of the prompt: the reading of the painted picture, or the expected one before it."""
    if painted := results.get(Stage.IMAGE_GENERATION):
        return {key: painted.metrics.get(key) for key in (UNDERSTOOD, NOT_UNDERSTOOD, READ_AS)}
    step = planned.get(Stage.IMAGE_GENERATION)
    if step is None or step.status == JobStatus.COMPLETED or not _reads_vocabulary(step.engine):
        return {}
    from shared.vocabulary.phrases import words_of  # noqa: PLC0415  # the words take 10 ms of an import

    words = words_of(spec.prompt, spec.settings.style or "")
    return {
        "understood": words.understood,
        "not_understood": words.not_understood,
        "read_as": dict(words.read_as),
    }


def _reads_vocabulary(engine: str) -> bool:
    return any(
        entry.reads_vocabulary for entry in ENGINES if (entry.stage, entry.name) == (Stage.IMAGE_GENERATION, engine)
    )


def _is_stored(job: JobRecord, stage: Stage, at: datetime) -> bool:
    """Return whether the stage's files still exist: a lifecycle rule deletes all but the last stage's."""
    ended = job.step(stage).completed_at
    return stage is job.last_stage or ended is None or at < ended + WORK_LIFE


def _step_view(job: JobRecord, stage: Stage, step: StepMap, results: Results, url: str | None) -> StepView:
    result = results.get(stage)
    return StepView(
        id=job.step_id(stage),
        job_id=job.job_id,
        step_type=stage,
        status=_step_status(job, stage, step),
        progress=int(step.progress),
        engine=step.engine,
        attempts=int(step.attempts),
        error=step.error,
        result_url=url,
        missed_move=_missed_move(stage, step),
        metadata=cast("StepMetadata", dict(result.metrics)) if result else None,
        started_at=step.started_at,
        completed_at=step.completed_at,
    )


def _missed_move(stage: Stage, step: StepMap) -> MissedMoveView | None:
    if step.missed is None or step.missed_by is None:
        return None
    return MissedMoveView(
        engine=step.missed_by,
        motion_score=float(step.missed),
        motion_promise=promise_of(stage, step.missed_by),
        then="repeat" if step.engine == step.missed_by else "camera",
    )


def _step_status(job: JobRecord, stage: Stage, step: StepMap) -> JobStatus:
    """Return the step's status. In an ended job, the current step has the job's status; later steps are CANCELLED."""
    job_status, step_status = JobStatus(job.status), JobStatus(step.status)
    if not job_status.ended or step_status is JobStatus.COMPLETED:
        return step_status
    return job_status if stage == job.current_step else JobStatus.CANCELLED
