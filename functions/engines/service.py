"""The description of engines for creators."""

from collections.abc import Iterator
from datetime import datetime

from functions.engines.schemas import EngineLimitsView, EnginePriceView, EngineView, LicenceView, Obstacle
from shared.aws.secrets import has_value
from shared.stages.engines import ALL_ENGINES, ENGINES, Engine, Runs
from shared.stages.stages import Stage
from shared.stages.weights import WEIGHTS
from shared.switches.store import switches


def described(at: datetime) -> Iterator[EngineView]:
    """Yield all engines by stage. Those of this deployment come first, in the order in which a job gets them."""
    offered = {(entry.stage, entry.name) for entry in ENGINES}
    others = [entry for entry in ALL_ENGINES if (entry.stage, entry.name) not in offered]
    for stage in Stage:
        yield from (_view(entry, _obstacle(entry, at)) for entry in ENGINES if entry.stage is stage)
        yield from (_view(entry, Obstacle.NO_GPU) for entry in others if entry.stage is stage)


def _view(entry: Engine, reason: Obstacle | None) -> EngineView:
    return EngineView(
        step_type=entry.stage,
        name=entry.name,
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
