"""The plan of a job: its steps, their engines and its price. Pure, so the price shown is the price charged."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil

from shared.camera.lowerings import dropped_axes
from shared.camera.move import CameraMove
from shared.core.errors import Invalid
from shared.jobs.spec import JobSettings
from shared.stages.choice import in_order
from shared.stages.engines import Engine, Runs
from shared.stages.failures import StageFailure
from shared.stages.frames import frame_size, nearest_ratio
from shared.stages.operations import final_size, parse
from shared.stages.provider_prompts import utf16_units, with_camera
from shared.stages.stages import FILM, STAGES, Role, Stage
from shared.vocabulary.phrases import PromptWords, words_of
from shared.vocabulary.words import Place, Style

_PERFORMANCE_TOLERANCE_SECONDS = 0.5


class NoEngine(Invalid):
    """A request for a stage that no engine of this deployment supports."""

    code = "no_engine"


class PromptNotUnderstood(Invalid):
    """A prompt of which the painter knows no word. Its picture would be unrelated to the prompt."""

    code = "prompt_not_understood"


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One reason for the price of a step: `quantity` units cost `each` credits."""

    unit: str
    quantity: float
    each: float

    @property
    def credits(self) -> float:
        return self.quantity * self.each


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with its engine. Its price is the sum of its lines, rounded up."""

    engine: Engine
    lines: tuple[PriceLine, ...]
    fallbacks: tuple[str, ...] = ()  # engines that can replace a remote one at its price or lower, in order
    camera: Engine | None = None  # the 2.5D camera that replaces a clip that misses its move
    lower_credits: Mapping[str, int] = field(default_factory=dict)  # of each engine that can replace it
    is_named: bool = False  # True: the creator named the engine, or the engine that it replaces
    replaces: str | None = None  # the engine that the creator named, if it is past its sunset or disabled

    @property
    def credits(self) -> int:
        return ceil(sum(line.credits for line in self.lines))


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps of a job by stage, in order. Each step costs what its engine and the settings decide.

    `dropped_axes` are the axes of the camera move that the engine of video synthesis cannot follow. `words` is the
    painter's reading of prompt and style, or None if the painter does no step.
    """

    steps: Mapping[Stage, PlannedStep]
    dropped_axes: frozenset[str]
    words: PromptWords | None

    @property
    def engines(self) -> Mapping[Stage, str]:
        return {stage: step.engine.name for stage, step in self.steps.items()}

    @property
    def chosen(self) -> dict[Stage, str]:
        """Return the engines of providers that the creator did not name."""
        return {
            stage: step.engine.name
            for stage, step in self.steps.items()
            if step.engine.runs is Runs.REMOTE and (step.replaces or not step.is_named)
        }

    @property
    def cameras(self) -> dict[Stage, str]:
        """Return the engines that replace clips which miss their move."""
        return {stage: step.camera.name for stage, step in self.steps.items() if step.camera}

    @property
    def lower_prices(self) -> dict[Stage, Mapping[str, int]]:
        """Return the credits of each step that another engine can do, by the name of that engine."""
        return {stage: step.lower_credits for stage, step in self.steps.items() if step.lower_credits}

    @property
    def fallbacks(self) -> dict[Stage, tuple[str, ...]]:
        """Return the engine of each step that has fallbacks, and then the fallbacks."""
        return {stage: (step.engine.name, *step.fallbacks) for stage, step in self.steps.items() if step.fallbacks}

    @property
    def credits(self) -> int:
        return sum(step.credits for step in self.steps.values())


def fitted(settings: JobSettings, move: CameraMove, picture: tuple[float, float] | None) -> JobSettings:
    """Return the settings, with values that fit for those that the creator did not choose.

    The move decides the duration. The first picture, with its width and height, decides the aspect ratio.
    """
    fitting: dict[str, object] = {
        "duration": max(move.min_duration_seconds, min(settings.duration, move.max_duration_seconds))
    }
    if picture is not None:
        fitting["aspect_ratio"] = nearest_ratio(*picture)
    return settings.model_copy(
        update={name: value for name, value in fitting.items() if name not in settings.model_fields_set}
    )


def plan(
    settings: JobSettings,
    move: CameraMove,
    inputs: frozenset[Role],
    catalogue: Sequence[Engine],
    *,
    prompt: str,
    at: datetime,
    more_pictures: int = 0,
    driving_seconds: float | None = None,
    until: Stage = FILM,
    default: Collection[str] = (),
) -> Plan:
    """Return the steps of a job with these `inputs` and `more_pictures` pictures after the first, submitted at `at`.

    `default` are the engines of providers that the job may get without naming them.

    The job ends after the stage `until`. The whole film must be possible, so that it can follow a still.

    Raise Invalid if the request contradicts itself. Raise NoEngine if no engine can do a stage. Raise
    PromptNotUnderstood if the painter knows no word of the prompt, unless the settings allow an unrelated picture.
    """
    if until is not FILM and inputs:
        raise Invalid("A still is painted from the prompt. Leave out the inputs, or add them when you continue it.")
    if move.needs_driving_clip and Role.DRIVING not in inputs and until is FILM:
        raise Invalid("This preset copies the camera path of a driving clip. Add an input with the role driving.")
    if not move.min_duration_seconds <= settings.duration <= move.max_duration_seconds:
        raise Invalid(
            f"This preset's move takes {move.min_duration_seconds:g} to {move.max_duration_seconds:g} seconds."
        )
    try:
        width, height = frame_size(settings.aspect_ratio, settings.resolution.short_side)
        final_size(width, height, parse(settings.operations))
    except StageFailure as failure:  # post-processing would fail with it, after all other steps
        raise Invalid(failure.public_message) from failure
    filmed = move.model_copy(update={"strength": move.strength * settings.strength})
    request = _Requirements(settings, more_pictures, at, prompt, filmed, default, Role.DRIVING in inputs)
    chosen = {stage: _choose(stage, request, catalogue) for stage in Stage if STAGES[stage].needed_for(inputs)}
    painter = chosen.get(Stage.IMAGE_GENERATION)
    if settings.style:
        _check_style(settings.style, painter)
    if painter and painter.reads_vocabulary and not settings.allow_unrelated_picture:
        _check_prompt(prompt)
    _check_sound(settings, chosen[FILM], inputs)
    mover, copier = chosen[Stage.VIDEO_SYNTHESIS], chosen.get(Stage.MOTION_TRANSFER)
    if copier and copier.copies_performance:
        _check_performance(copier, settings.duration, driving_seconds)
    filmer = copier if copier and copier.runs is Runs.IN_PROCESS else mover
    if filmer is not mover and mover.runs is Runs.REMOTE:  # a paid clip that the film would not use
        raise Invalid(
            f"The motion of a driving clip is applied to the picture, not to a clip of the engine {mover.name}. "
            "Leave out the engine or the driving clip."
        )
    _check_finisher(settings, chosen[FILM], copier or mover)
    return Plan(
        steps={
            stage: _planned(engine, request, catalogue)
            for stage, engine in chosen.items()
            if stage in _stages_until(until)
        },
        dropped_axes=dropped_axes(move, filmer.axes),
        words=words_of(prompt, settings.style or "") if painter and painter.reads_vocabulary else None,
    )


def _planned(engine: Engine, request: "_Requirements", catalogue: Sequence[Engine]) -> PlannedStep:
    """Return the engine's step with its price, and the engines that can replace it."""
    fallbacks, camera = _fallbacks(engine, request, catalogue), _camera(engine, request, catalogue)
    others, named = [*fallbacks, *([camera] if camera else [])], request.settings.engines.get(engine.stage)
    return replace(
        request.step(engine),
        fallbacks=tuple(one.name for one in fallbacks),
        camera=camera,
        lower_credits={one.name: request.step(one).credits for one in others},
        is_named=named is not None,
        replaces=named if named != engine.name else None,
    )


def _check_performance(engine: Engine, seconds: float, driving_seconds: float | None) -> None:
    """Raise Invalid unless the film is as long as the driving clip, which decides the engine's clip and its bill."""
    if driving_seconds is not None and abs(driving_seconds - seconds) > _PERFORMANCE_TOLERANCE_SECONDS:
        raise Invalid(
            f"The clip of the engine {engine.name} is as long as the driving clip, {driving_seconds:.1f} s. Set the "
            "duration to that, or use another driving clip."
        )


def _check_sound(settings: JobSettings, finisher: Engine, inputs: frozenset[Role]) -> None:
    """Raise Invalid unless the film has no soundtrack, an uploaded one, or one that its engine makes from a prompt."""
    if settings.sound_prompt is None and finisher.makes_sound:
        raise Invalid(f"The engine {finisher.name} makes the film's sound. Set soundPrompt, or leave out the engine.")
    if settings.sound_prompt is not None and not finisher.makes_sound:
        raise Invalid(
            "Name the engine that makes the sound: engines.POST_PROCESSING is elevenlabs-effects or elevenlabs-music."
        )
    if settings.sound_prompt is not None and Role.AUDIO in inputs:
        raise Invalid("A film has one soundtrack. Leave out the input with the role audio, or soundPrompt.")


def _check_finisher(settings: JobSettings, finisher: Engine, filmer: Engine) -> None:
    """Raise Invalid unless the film has the operation that its engine takes over, and gains by it."""
    operation = finisher.takes_over
    if operation and operation not in parse(settings.operations):
        raise Invalid(f"The engine {finisher.name} does the operation {operation}. Add it, or leave out the engine.")
    if operation == "interpolate" and (filmer.completed_by or (filmer.runs is Runs.IN_PROCESS and not filmer.trained)):
        raise Invalid(f"The camera draws the frames of this film exactly. Leave out the engine {finisher.name}.")
    if operation == "upscale" and settings.draft:
        raise Invalid(f"A draft is not scaled up. Leave out the engine {finisher.name} until the final film.")


def _stages_until(last: Stage) -> Sequence[Stage]:
    order = list(Stage)
    return order[: order.index(last) + 1]


def _check_style(style: str, painter: Engine | None) -> None:
    """Raise Invalid if the style would change nothing. A style of which some words are unknown is reported later."""
    if painter is None:
        raise Invalid("A style changes a painted picture. Leave out the style or the picture.")
    if painter.reads_vocabulary and words_of("", style).is_unrelated:
        known = [one.value for one in Style]
        raise Invalid(f"The painter does not know this style. Known styles: {', '.join(known)}.", suggestions=known)


def _check_prompt(prompt: str) -> None:
    """Raise PromptNotUnderstood if the painter knows no word of the prompt. The style is not enough for a picture."""
    if words_of(prompt).is_unrelated:
        raise PromptNotUnderstood(
            "The painter knows no word of this prompt, and its picture would be unrelated to it. Name a place, such as "
            "one of the suggestions, upload a picture, or set allowUnrelatedPicture.",
            suggestions=[place.value for place in Place],
        )


@dataclass(frozen=True, slots=True)
class _Requirements:
    """The facts that decide the choice and the price of an engine."""

    settings: JobSettings
    more_pictures: int
    at: datetime
    prompt: str
    move: CameraMove
    default: Collection[str]
    driven: bool

    def allows(self, engine: Engine) -> bool:
        """Return whether a step that names no engine may have this one.

        The path of a driving clip is applied to the picture, so that a clip of a provider would not be used.
        """
        filmed = self.driven and engine.stage is Stage.VIDEO_SYNTHESIS
        by_default = engine.runs is Runs.IN_PROCESS or (engine.name in self.default and not filmed)
        return by_default and not engine.copies_performance

    def is_served_by(self, engine: Engine) -> bool:
        """Return whether the engine is before its sunset date, and makes the film."""
        return not engine.is_past(self.at) and self.fits(engine)

    def fits(self, engine: Engine) -> bool:
        """Return whether the engine makes this duration, size and loop from all pictures and the whole prompt."""
        duration = self.settings.duration
        return (
            (engine.max_pictures is None or self.more_pictures < engine.max_pictures)
            and (not self.settings.loop or engine.can_loop(duration, pictures=1 + self.more_pictures))
            and (engine.durations is None or duration in engine.durations)
            and duration <= engine.max_duration_seconds
            and self.settings.resolution.short_side <= engine.max_short_side_pixels
            and (engine.ratios is None or self.settings.aspect_ratio in engine.ratios)
            and not self.exceeds(engine)
        )

    def exceeds(self, engine: Engine) -> bool:
        """Return whether the prompt with the camera's words is longer than the engine's provider accepts."""
        most = engine.max_prompt_units
        return most is not None and utf16_units(with_camera(self.prompt, self.move)) > most

    def step(self, engine: Engine) -> PlannedStep:
        """Return the engine's step with its price."""
        share = engine.draft_share if self.settings.draft else 1
        quantities = (1, self.settings.duration, self.more_pictures)
        prices = zip(engine.prices.items(), quantities, strict=True)
        lines = [PriceLine(unit, quantity, share * each) for (unit, each), quantity in prices]
        return PlannedStep(engine, tuple(line for line in lines if line.credits))


def _choose(stage: Stage, request: _Requirements, catalogue: Sequence[Engine]) -> Engine:
    """Return the engine that the creator names, or the first of the table that can do the step.

    An engine of a provider costs more, and the provider receives the creator's data. So without a name it is chosen
    only if the operator allows it.
    """
    named = request.settings.engines.get(stage)
    engines = {engine.name: engine for engine in catalogue if engine.stage is stage}
    if named is None:
        for engine in in_order(engines.values()):
            if not engine.only_if_named and request.allows(engine) and request.is_served_by(engine):
                return engine
    elif named in engines and request.fits(engines[named]):
        return _in_service(engines[named], request, engines)
    subject = f"This deployment has no engine {named}, or it does not make" if named else "No engine makes"
    settings = request.settings
    film = f"{settings.duration:g} s at {settings.resolution} in {settings.aspect_ratio}"
    film += f" from {request.more_pictures + 1} pictures" * (request.more_pictures > 0) + " in a loop" * settings.loop
    hint = ""
    if named in engines and request.exceeds(engines[named]):
        hint = f" The prompt with the camera's words has more than {engines[named].max_prompt_units} UTF-16 code units."
    raise NoEngine(f"{subject} {film} for {stage.folder}.{hint}")


def _in_service(named: Engine, request: _Requirements, engines: Mapping[str, Engine]) -> Engine:
    """Return the engine, or the first of its chain of fallbacks that can replace it at its price or lower."""
    engine, seen = named, {named.name}
    while not request.is_served_by(engine) or request.step(engine).credits > request.step(named).credits:
        fallback = engines.get(engine.fallback or "")
        if fallback is None or fallback.name in seen:
            raise NoEngine(
                f"The engine {named.name} is not offered since {named.sunset_at}, and there is no replacement here."
            )
        engine = fallback
        seen.add(engine.name)
    return engine


def _fallbacks(named: Engine, request: _Requirements, catalogue: Sequence[Engine]) -> list[Engine]:
    """Return the fallbacks of a remote engine that make the same film at its price or lower, in order."""
    engines = {engine.name: engine for engine in catalogue if engine.stage is named.stage}
    engine, found, seen = named, list[Engine](), {named.name}
    while named.runs is Runs.REMOTE and (after := engines.get(engine.fallback or "")) and after.name not in seen:
        engine = after
        seen.add(engine.name)
        if request.is_served_by(engine) and request.step(engine).credits <= request.step(named).credits:
            found.append(engine)
    return found


def _camera(chosen: Engine, request: _Requirements, catalogue: Sequence[Engine]) -> Engine | None:
    """Return the engine that renders the camera path, if a clip of the chosen one can miss it and the creator minds.

    It makes the same film at the price of the chosen engine or lower.
    """
    if not chosen.chooses_its_camera or request.settings.on_missed_move == "keep":
        return None
    for one in catalogue:
        renders = one.stage is chosen.stage and one.runs is Runs.IN_PROCESS and not one.trained
        if renders and request.is_served_by(one) and request.step(one).credits <= request.step(chosen).credits:
            return one
    return None
