"""Builds what each stage is asked to do, from what the job was asked and what its steps have made. Pure."""

from collections.abc import Callable, Mapping

from shared.aws.media import address
from shared.jobs.record import JobRecord
from shared.jobs.spec import JobSpec
from shared.jobs.store import StepResult
from shared.stages.engines import ENGINES, Runs
from shared.stages.failures import StageFailure
from shared.stages.frames import MOVING_SHORT_SIDE, frame_size, picture_size
from shared.stages.messages import StageTask
from shared.stages.metadata import FOCAL_POINT
from shared.stages.operations import parse
from shared.stages.requests import (
    FocalPoint,
    ImageGenerationJob,
    Ingredient,
    MotionTransferJob,
    PostProcessingJob,
    StageRequest,
    VideoSynthesisJob,
)
from shared.stages.stages import Role, Stage

Made = Mapping[Stage, StepResult]


def stage_task(job: JobRecord, spec: JobSpec, made: Made, stage: Stage) -> StageTask:
    """Return the message that asks a worker for the step. Raise StageFailure if an input of the step is missing."""
    return StageTask(
        job_id=job.job_id,
        step_id=job.step_id(stage),
        engine=job.step(stage).engine,
        stage=stage,
        request=BUILDERS[stage](job, spec, made),
    )


def _image_generation(job: JobRecord, spec: JobSpec, _made: Made) -> StageRequest:
    width, height = picture_size(spec.settings.aspect_ratio, spec.settings.resolution.short_side)
    return ImageGenerationJob(
        job_id=job.job_id,
        user_id=job.owner_id,
        prompt=spec.prompt,
        style=spec.settings.style,
        aspect_ratio=spec.settings.aspect_ratio,
        width=width,
        height=height,
        seed=spec.seed,
    )


def _video_synthesis(job: JobRecord, spec: JobSpec, made: Made) -> StageRequest:
    width, height = _moving_size(spec)
    return VideoSynthesisJob(
        job_id=job.job_id,
        user_id=job.owner_id,
        image_url=_need(_picture(spec, made), "picture"),
        more_image_urls=tuple(address(key) for key in spec.more_pictures),
        loop=spec.settings.loop,
        depth_url=_painted(spec, made, Role.DEPTH),
        scenery_url=_painted(spec, made, Role.SCENERY),
        focal_point=_focal_point(spec, made),
        prompt=spec.prompt,
        preset_id=spec.preset_id,
        move=spec.move,
        duration=spec.settings.duration,
        width=width,
        height=height,
        fps=spec.settings.fps,
        seed=spec.seed,
    )


def _motion_transfer(job: JobRecord, spec: JobSpec, made: Made) -> StageRequest:
    width, height = _moving_size(spec)
    return MotionTransferJob(
        job_id=job.job_id,
        user_id=job.owner_id,
        video_url=_need(_of(made, Stage.VIDEO_SYNTHESIS, Role.CLIP), "clip"),
        mode=spec.settings.transfer,
        driving_url=_need(_input(spec, Role.DRIVING), "driving clip"),
        image_url=_need(_picture(spec, made), "picture"),
        depth_url=_painted(spec, made, Role.DEPTH),
        scenery_url=_painted(spec, made, Role.SCENERY),
        focal_point=_focal_point(spec, made),
        preset_id=spec.preset_id,
        move=spec.move,
        duration=spec.settings.duration,
        width=width,
        height=height,
        fps=spec.settings.fps,
        seed=spec.seed,
    )


def _post_processing(job: JobRecord, spec: JobSpec, made: Made) -> StageRequest:
    filmed = Stage.MOTION_TRANSFER if Stage.MOTION_TRANSFER in made else Stage.VIDEO_SYNTHESIS
    width, height = frame_size(spec.settings.aspect_ratio, spec.settings.resolution.short_side)
    return PostProcessingJob(
        job_id=job.job_id,
        user_id=job.owner_id,
        video_url=_need(_of(made, filmed, Role.CLIP), "clip"),
        operations=_operations(spec),
        width=width,
        height=height,
        seed=spec.seed,
        audio_url=_input(spec, Role.AUDIO),
        captions_url=_input(spec, Role.CAPTIONS),
        ingredients=_ingredients(job, spec, made, filmed),
        asked_move=spec.move if _elsewhere(filmed, job.step(filmed).engine) else None,
    )


BUILDERS: dict[Stage, Callable[[JobRecord, JobSpec, Made], StageRequest]] = {
    Stage.IMAGE_GENERATION: _image_generation,
    Stage.VIDEO_SYNTHESIS: _video_synthesis,
    Stage.MOTION_TRANSFER: _motion_transfer,
    Stage.POST_PROCESSING: _post_processing,
}


def _moving_size(spec: JobSpec) -> tuple[int, int]:
    return frame_size(spec.settings.aspect_ratio, min(spec.settings.resolution.short_side, MOVING_SHORT_SIDE))


def _elsewhere(stage: Stage, name: str) -> bool:
    """Whether a provider's engine did the stage; one that the catalogue no longer holds is none."""
    return any((one.stage, one.name, one.runs) == (stage, name, Runs.REMOTE) for one in ENGINES)


def _operations(spec: JobSpec) -> tuple[str, ...]:
    """What the creator asked for; a film of the FREE plan bears our mark, in a corner of their choice."""
    asked = spec.settings.operations
    return asked if spec.paid or "watermark" in parse(asked) else (*asked, "watermark")


def _picture(spec: JobSpec, made: Made) -> str | None:
    return _input(spec, Role.PICTURE) or _of(made, Stage.IMAGE_GENERATION, Role.PICTURE)


def _painted(spec: JobSpec, made: Made, role: Role) -> str | None:
    """What was made with the picture; nothing of a creator's own."""
    return None if Role.PICTURE in spec.input_keys else _of(made, Stage.IMAGE_GENERATION, role)


def _ingredients(job: JobRecord, spec: JobSpec, made: Made, filmed: Stage) -> tuple[Ingredient, ...]:
    """The pictures, the clip `filmed` of them, and what else the creator brought; captions are no media."""
    inputs = (*spec.input_keys.items(), *((Role.PICTURE, key) for key in spec.more_pictures))
    brought = [Ingredient(role=role, url=address(key)) for role, key in inputs if role is not Role.CAPTIONS]
    ours = [
        Ingredient(role=role, url=url, engine=job.step(stage).engine)
        for stage, role in ((Stage.IMAGE_GENERATION, Role.PICTURE), (filmed, Role.CLIP))
        if (url := _of(made, stage, role))
    ]
    return (*brought, *ours)


def _focal_point(spec: JobSpec, made: Made) -> FocalPoint | None:
    """What the painter says that its picture is about; only the engines can tell it of a creator's own picture."""
    if Role.PICTURE in spec.input_keys or Stage.IMAGE_GENERATION not in made:
        return None
    match made[Stage.IMAGE_GENERATION].metrics.get(FOCAL_POINT):
        case [x, y]:
            return float(x), float(y)
    return None


def _input(spec: JobSpec, role: Role) -> str | None:
    key = spec.input_keys.get(role)
    return address(key) if key else None


def _of(made: Made, stage: Stage, role: Role) -> str | None:
    key = made[stage].key(role) if stage in made else None
    return address(key) if key else None


def _need(url: str | None, what: str) -> str:
    if url is None:
        raise StageFailure("input_missing", f"The {what} that this step needs is missing.")
    return url
