"""Plans a job: which steps it has, which engine does each, what it costs. Pure, so what is shown is what is charged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from shared.camera.lowerings import dropped_axes
from shared.camera.move import CameraMove
from shared.core.errors import Invalid
from shared.jobs.spec import JobSettings
from shared.stages.engines import Engine, Runs
from shared.stages.failures import StageFailure
from shared.stages.frames import frame_size
from shared.stages.operations import final_size, parse
from shared.stages.stages import Role, Stage


class NoEngine(Invalid):
    code = "no_engine"


@dataclass(frozen=True, slots=True)
class Plan:
    engines: Mapping[Stage, str]
    credits: int
    dropped_axes: frozenset[str]


def fitted(settings: JobSettings, move: CameraMove) -> JobSettings:
    """The settings with a duration that the move can take, where the creator chose none."""
    if "duration" in settings.model_fields_set:
        return settings
    duration = max(move.min_duration_seconds, min(settings.duration, move.max_duration_seconds))
    return settings.model_copy(update={"duration": duration})


def plan(
    settings: JobSettings,
    move: CameraMove,
    inputs: frozenset[Role],
    catalogue: Sequence[Engine],
    *,
    more_pictures: int = 0,
) -> Plan:
    """The steps of a job that brings `inputs`, and so many pictures after the first.

    A picture of one's own is not painted; only a driving clip is copied.
    """
    if move.needs_driving_clip and Role.DRIVING not in inputs:
        raise Invalid("This preset copies the camera of a clip of yours: add one as an input with the role driving.")
    if not move.min_duration_seconds <= settings.duration <= move.max_duration_seconds:
        raise Invalid(
            f"This preset's move takes {move.min_duration_seconds:g} to {move.max_duration_seconds:g} seconds."
        )
    try:
        width, height = frame_size(settings.aspect_ratio, settings.resolution.short_side)
        final_size(width, height, parse(settings.operations))
    except StageFailure as failure:  # what finishing would say after all the work
        raise Invalid(failure.public_message) from failure
    stages = [
        stage
        for stage in Stage
        if not (stage is Stage.IMAGE_GENERATION and Role.PICTURE in inputs)
        and not (stage is Stage.MOTION_TRANSFER and Role.DRIVING not in inputs)
    ]
    chosen = {stage: _choose(stage, settings, catalogue) for stage in stages}
    mover = chosen[Stage.VIDEO_SYNTHESIS]
    if Role.DRIVING in inputs and mover.runs is Runs.REMOTE:  # its clip would be paid for, and not be in the film
        raise Invalid(
            f"The camera of a driving clip is copied over the picture itself: leave out the engine {mover.name}, or "
            "the driving clip."
        )
    return Plan(
        engines={stage: engine.name for stage, engine in chosen.items()},
        credits=sum(_price(engine, settings.duration, more_pictures) for engine in chosen.values()),
        dropped_axes=dropped_axes(move, mover.axes),
    )


def _choose(stage: Stage, settings: JobSettings, catalogue: Sequence[Engine]) -> Engine:
    """The first engine that can; another's only where the creator names it, for it costs and sees what we do not."""
    named = settings.engines.get(stage)
    for engine in catalogue:
        if (
            engine.stage is stage
            and (engine.name == named if named else engine.runs is Runs.IN_PROCESS)
            and (engine.durations is None or settings.duration in engine.durations)
            and settings.duration <= engine.max_duration_seconds
            and settings.resolution.short_side <= engine.max_short_side_pixels
        ):
            return engine
    who = f"There is no engine {named} here, or it does not make" if named else "No engine makes"
    raise NoEngine(f"{who} {settings.duration:g} s at {settings.resolution} for {stage.folder}.")


def _price(engine: Engine, duration_seconds: float, more_pictures: int) -> int:
    by_length = engine.credits_per_second * duration_seconds
    return ceil(engine.credits + by_length + engine.credits_per_picture * more_pictures)
