"""The table of engines: the order in which a step gets one if its job names none (docs/adr/0068). Pure."""

from collections.abc import Collection, Iterable, Mapping
from functools import cache

from shared.core.config import Config
from shared.stages.engines import ALL_ENGINES, Engine, Runs
from shared.stages.stages import Stage

_SECONDS = 5  # duration of the film whose price orders the table


class ChoiceConfig(Config):
    """The engines of providers that a job may get without naming them, by name, separated by commas."""

    default_engines: str = ""


def in_order(engines: Iterable[Engine]) -> list[Engine]:
    """Return the engines in the order of the table. Equal ones keep their order.

    An engine with a measured motion score comes before those without one, and the highest score comes first. Then a
    trained model comes first, because it makes what the prompt says. Then the lowest price in credits comes first, and
    then the lowest list price of the provider.
    """
    return sorted(engines, key=_rank)


def _rank(entry: Engine) -> tuple[float, bool, float, float]:
    measured = 0.0 if entry.motion_score is None else entry.motion_score
    return -measured, not entry.trained, entry.credits_for(_SECONDS), entry.charge_cents(_SECONDS)


@cache
def _rows() -> Mapping[tuple[Stage, str], int]:
    """Return the number of each row by stage and engine. An engine that a job has to name has no row."""
    rows = [one for one in in_order(ALL_ENGINES) if not one.only_if_named]
    stages = [[one for one in rows if one.stage is stage] for stage in Stage]
    return {(one.stage, one.name): number for of_stage in stages for number, one in enumerate(of_stage, start=1)}


def row_of(entry: Engine) -> int | None:
    """Return the number of the engine's row among those of its stage, or None without a row."""
    return _rows().get((entry.stage, entry.name))


def default_engines(names: Collection[str]) -> frozenset[str]:
    """Return the names of engines that a job may get by default. Raise ValueError for other names."""
    known = {one.name for one in ALL_ENGINES if one.runs is Runs.REMOTE and row_of(one)}
    if unknown := set(names) - known:
        raise ValueError(f"no engine of a provider that has a row is called {', '.join(sorted(unknown))}")
    return frozenset(names)


def configured() -> frozenset[str]:
    """Return the engines of providers that the operator lets jobs have without naming them."""
    return default_engines([name for name in ChoiceConfig().default_engines.split(",") if name])
