"""The description of engines for creators."""

from collections.abc import Iterator
from datetime import datetime

from functions.engines.schemas import EngineLimitsView, EnginePriceView, EngineView, LicenceView, Obstacle
from shared.aws.secrets import has_value
from shared.jobs.pace import pace
from shared.jobs.spec import JobSettings
from shared.stages.choice import configured, in_order, row_of
from shared.stages.engines import ALL_ENGINES, ENGINES, Engine, Runs
from shared.stages.stages import Stage
from shared.stages.weights import WEIGHTS
from shared.switches.store import switches


def described(at: datetime) -> Iterator[EngineView]:
    """Yield all engines by stage, in the order of the table. Those without a row come last."""
    here = {(entry.stage, entry.name): entry for entry in ENGINES}
    default, known = configured(), pace.at(at)
    entries = [here.get((entry.stage, entry.name), entry) for entry in in_order(ALL_ENGINES)]
    for stage in Stage:
        for entry in sorted((one for one in entries if one.stage is stage), key=lambda one: row_of(one) is None):
            reason = _obstacle(entry, at) if (stage, entry.name) in here else Obstacle.NO_GPU
            may_get = entry.runs is Runs.IN_PROCESS or entry.name in default
            yield _view(entry, reason, by_default=may_get, seconds=known.seconds(stage, entry.name, JobSettings()))


def _view(entry: Engine, reason: Obstacle | None, *, by_default: bool, seconds: float | None) -> EngineView:
    return EngineView(
        step_type=entry.stage,
        name=entry.name,
        row=row_of(entry),
        by_default=by_default,
        motion_score=entry.motion_score,
        motion_source=entry.motion_source,
        motion_promise=entry.motion_promise if entry.chooses_its_camera else None,
        seconds=seconds,
        about=entry.about,
        runs=entry.runs,
        family=entry.family if entry.runs is Runs.IN_PROCESS else None,
        licence=_licence(entry),
        trained=entry.trained,
        price=[EnginePriceView(unit=unit, credits=credits) for unit, credits in entry.prices.items() if credits],
        draft_share=entry.draft_share,
        limits=EngineLimitsView(
            max_duration_seconds=entry.max_duration_seconds,
            durations=sorted(entry.durations) if entry.durations else None,
            max_short_side_pixels=entry.max_short_side_pixels,
            max_pictures=entry.max_pictures,
            loops=entry.loops,
        ),
        axes=sorted(entry.axes),
        deprecated_at=entry.deprecated_at,
        sunset_at=entry.sunset_at,
        fallback=entry.fallback,
        available=reason is None,
        reason=reason,
    )


def _licence(entry: Engine) -> LicenceView:
    """Return the licence of the weights, or else that of the catalogue's entry."""
    if entry.weights is None:
        return LicenceView(name=entry.licence, url=entry.licence_url, condition=None)
    weights = WEIGHTS[entry.weights]
    return LicenceView(name=weights.licence, url=weights.licence_url, condition=weights.condition)


def _obstacle(entry: Engine, at: datetime) -> Obstacle | None:
    if entry.is_past(at):
        return Obstacle.PAST_SUNSET
    if entry.name in switches.disabled(at=at):
        return Obstacle.DISABLED
    if entry.key is not None and not has_value(entry.key):
        return Obstacle.NO_KEY
    return None
