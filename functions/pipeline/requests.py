"""The requests of the stages, built from the job's spec and the results of its earlier steps. Pure."""

from collections.abc import Callable, Mapping

from shared.aws.media import address
from shared.jobs.record import JobRecord
from shared.jobs.spec import JobSpec
from shared.jobs.store import StepResult
from shared.stages.engines import ALL_ENGINES, ENGINES, Runs, completer_of, engine
from shared.stages.failures import StageFailure
from shared.stages.frames import DRAFT_SHORT_SIDE, MOVING_SHORT_SIDE, frame_size, picture_size
from shared.stages.messages import Fetched, MoveCheck, StageTask
from shared.stages.metadata import FOCAL_POINT, MOTION_SCORE, SUBJECT_PLACE
from shared.stages.operations import parse
from shared.stages.requests import (
    FocalPoint,
    ImageGenerationJob,
    Ingredient,
    MotionTransferJob,
    Place,
    PostProcessingJob,
    StageRequest,
    VideoSynthesisJob,
)
from shared.stages.stages import FILM, Role, Stage

Made = Mapping[Stage, StepResult]


def _completed(request: StageRequest, fetched: Fetched, engine: str) -> StageRequest:
    """Return the request of the worker that completes a provider's files."""
    match request, fetched.files:
        case VideoSynthesisJob(), {Role.SCENERY: layers}:
            return request.model_copy(update={"layer_urls": layers})
        case PostProcessingJob(), {Role.AUDIO: (sound,)}:
            heard = Ingredient(role=Role.AUDIO, url=sound, engine=engine)
            return request.model_copy(update={"audio_url": sound, "ingredients": (*request.ingredients, heard)})
        case PostProcessingJob(), {Role.CLIP: (clip,)}:
            made = Ingredient(role=Role.CLIP, url=clip, engine=engine)
            return request.model_copy(update={"video_url": clip, "ingredients": (*request.ingredients, made)})
    raise StageFailure("input_missing", "The files of the provider do not belong to this step.")


def stage_task(
    job: JobRecord,
    spec: JobSpec,
    made: Made,
    stage: Stage,
    *,
    sending: str | None = None,
    check: MoveCheck | None = None,
    fetched: Fetched | None = None,
    again: bool = False,
) -> StageTask:
    """Return the task of the step. Raise StageFailure `input_missing` if an earlier step did not make an input.

    A step that is made `again` has another seed. The files of `fetched` are inputs of its request.
    """
    if again:
        spec = spec.model_copy(update={"seed": (spec.seed + 1) % 2**32})
    request = BUILDERS[stage](job, spec, made)
    if fetched:
        request = _completed(request, fetched, job.step(stage).engine)
    return StageTask(
        job_id=job.job_id,
        step_id=job.step_id(stage),
        engine=job.step(stage).engine,
        stage=stage,
        request=request,
        sending=sending,
        check=check,
        fetched=fetched,
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
    width, height = _clip_size(spec)
    return VideoSynthesisJob(
        job_id=job.job_id,
        user_id=job.owner_id,
        image_url=_required(_picture(spec, made), "picture"),
        more_image_urls=tuple(address(key) for key in spec.more_pictures),
        loop=spec.settings.loop,
        depth_url=_generated(spec, made, Role.DEPTH),
        scenery_url=_generated(spec, made, Role.SCENERY),
        focal_point=_focal_point(spec, made),
        prompt=spec.prompt,
        preset_id=spec.preset_id,
        move=spec.move,
        duration=spec.settings.duration,
        width=width,
        height=height,
        fps=_clip_fps(job, spec, Stage.VIDEO_SYNTHESIS),
        seed=spec.seed,
    )


def _motion_transfer(job: JobRecord, spec: JobSpec, made: Made) -> StageRequest:
    width, height = _clip_size(spec)
    name = job.step(Stage.MOTION_TRANSFER).engine
    return MotionTransferJob(
        job_id=job.job_id,
        user_id=job.owner_id,
        video_url=_required(_output(made, Stage.VIDEO_SYNTHESIS, Role.CLIP), "clip"),
        mode=spec.settings.transfer,
        driving_url=_required(_input(spec, Role.DRIVING), "driving clip"),
        image_url=_required(_picture(spec, made), "picture"),
        depth_url=_generated(spec, made, Role.DEPTH),
        scenery_url=_generated(spec, made, Role.SCENERY),
        focal_point=_focal_point(spec, made),
        prompt=spec.prompt if engine(Stage.MOTION_TRANSFER, name).weights else None,
        preset_id=spec.preset_id,
        move=spec.move,
        duration=spec.settings.duration,
        width=width,
        height=height,
        fps=_clip_fps(job, spec, Stage.MOTION_TRANSFER),
        seed=spec.seed,
    )


def _post_processing(job: JobRecord, spec: JobSpec, made: Made) -> StageRequest:
    filmed = Stage.MOTION_TRANSFER if Stage.MOTION_TRANSFER in made else Stage.VIDEO_SYNTHESIS
    width, height = frame_size(spec.settings.aspect_ratio, _short_side(spec))
    return PostProcessingJob(
        job_id=job.job_id,
        user_id=job.owner_id,
        video_url=_required(_output(made, filmed, Role.CLIP), "clip"),
        operations=_operations(spec),
        width=width,
        height=height,
        seed=spec.seed,
        audio_url=_input(spec, Role.AUDIO),
        captions_url=_input(spec, Role.CAPTIONS),
        sound_prompt=spec.settings.sound_prompt,
        duration=spec.settings.duration if completer_of(FILM, job.step(FILM).engine) else None,
        ingredients=_ingredients(job, spec, made, filmed),
        subject_place=_subject_place(spec, made[filmed]),
        asked_move=spec.move if _is_unmeasured(filmed, job, made[filmed]) else None,
    )


BUILDERS: dict[Stage, Callable[[JobRecord, JobSpec, Made], StageRequest]] = {
    Stage.IMAGE_GENERATION: _image_generation,
    Stage.VIDEO_SYNTHESIS: _video_synthesis,
    Stage.MOTION_TRANSFER: _motion_transfer,
    Stage.POST_PROCESSING: _post_processing,
}


def _short_side(spec: JobSpec) -> int:
    """Return the film's short side in pixels. A draft is smaller, but its picture is not."""
    chosen = spec.settings.resolution.short_side
    return min(chosen, DRAFT_SHORT_SIDE) if spec.settings.draft else chosen


def _clip_size(spec: JobSpec) -> tuple[int, int]:
    return frame_size(spec.settings.aspect_ratio, min(_short_side(spec), MOVING_SHORT_SIDE))


def _clip_fps(job: JobRecord, spec: JobSpec, stage: Stage) -> int:
    """Return the frames per second of the stage's clip.

    The camera draws the frames that “interpolate” asks for, if the film is made of this clip. They are exact, and cost
    less than frames along the motion of the picture.
    """
    filmed = max((planned for planned, _ in job.planned() if planned is not FILM), key=list(Stage).index)
    requested = parse(spec.settings.operations)
    if stage is not filmed or "interpolate" not in requested or not _has_camera(stage, job.step(stage).engine):
        return spec.settings.fps
    return max(spec.settings.fps, int(requested["interpolate"].choice))


def _is_unmeasured(filmed: Stage, job: JobRecord, clip: StepResult) -> bool:
    """Return whether a trained engine chose the camera of the clip, and no worker has measured it.

    An engine without axes follows no move.
    """
    name = job.step(filmed).engine
    chosen = any(one.trained and one.axes and (one.stage, one.name) == (filmed, name) for one in ALL_ENGINES)
    return chosen and completer_of(filmed, name) is None and MOTION_SCORE not in clip.metrics


def _has_camera(stage: Stage, name: str) -> bool:
    """Return whether the engine renders a camera path, and so any moment of it."""
    renders = completer_of(stage, name) or name
    return any(
        (entry.stage, entry.name, entry.runs) == (stage, renders, Runs.IN_PROCESS) and not entry.trained
        for entry in ENGINES
    )


def _operations(spec: JobSpec) -> tuple[str, ...]:
    """Return the creator's operations. On the FREE plan add a watermark, unless the creator has placed it.

    A draft is not scaled up.
    """
    requested = spec.settings.operations
    if spec.settings.draft:
        requested = tuple(text for text in requested if "upscale" not in parse([text]))
    return requested if spec.paid or "watermark" in parse(requested) else (*requested, "watermark")


def _picture(spec: JobSpec, made: Made) -> str | None:
    return _input(spec, Role.PICTURE) or _output(made, Stage.IMAGE_GENERATION, Role.PICTURE)


def _generated(spec: JobSpec, made: Made, role: Role) -> str | None:
    """Return the address of an output of image generation, or None if the picture is the creator's own."""
    return None if Role.PICTURE in spec.input_keys else _output(made, Stage.IMAGE_GENERATION, role)


def _ingredients(job: JobRecord, spec: JobSpec, made: Made, filmed: Stage) -> tuple[Ingredient, ...]:
    """Return the inputs without captions, the generated picture, and the clip of the stage `filmed`.

    A first picture from an older film is the only picture of its job.
    """
    inputs = (*spec.input_keys.items(), *((Role.PICTURE, key) for key in spec.more_pictures))
    provided = [
        Ingredient(role=role, url=address(key), engine=spec.picture_by if role is Role.PICTURE else None)
        for role, key in inputs
        if role is not Role.CAPTIONS
    ]
    generated = [
        Ingredient(role=role, url=url, engine=job.step(stage).engine)
        for stage, role in ((Stage.IMAGE_GENERATION, Role.PICTURE), (filmed, Role.CLIP))
        if (url := _output(made, stage, role))
    ]
    return (*provided, *generated)


def _focal_point(spec: JobSpec, made: Made) -> FocalPoint | None:
    """Return the focal point that image generation reported, or None for a creator's own picture.

    The engines find the focal point of a creator's own picture.
    """
    if Role.PICTURE in spec.input_keys or Stage.IMAGE_GENERATION not in made:
        return None
    match made[Stage.IMAGE_GENERATION].metrics.get(FOCAL_POINT):
        case [x, y]:
            return float(x), float(y)
    return None


def _subject_place(spec: JobSpec, filmed: StepResult) -> Place | None:
    """Return the part of the frame in which the clip shows its subject, or None if its engine does not know it.

    Only the bars of “letterbox” need it.
    """
    if "letterbox" not in parse(spec.settings.operations):
        return None
    match filmed.metrics.get(SUBJECT_PLACE):
        case [left, top, right, bottom]:
            return float(left), float(top), float(right), float(bottom)
    return None


def _input(spec: JobSpec, role: Role) -> str | None:
    key = spec.input_keys.get(role)
    return address(key) if key else None


def _output(made: Made, stage: Stage, role: Role) -> str | None:
    key = made[stage].key(role) if stage in made else None
    return address(key) if key else None


def _required(url: str | None, what: str) -> str:
    if url is None:
        raise StageFailure("input_missing", f"The {what} that this step needs is missing.")
    return url
