"""What a benchmark reports, and how things are timed against each other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the report; `ratio` > 1 means that ours is better, and is null where there is no peer."""

    metric: str
    ours: float
    peer: float | None
    peer_name: str | None
    ratio: float | None
    unit: str


def alone(metric: str, ours: float, unit: str) -> Measure:
    return Measure(metric, round(ours, 3), None, None, None, unit)


def faster(metric: str, ours_seconds: float, peer_seconds: float, peer_name: str, *, frames: int) -> Measure:
    """Frames a second of both."""
    ours, peer = frames / ours_seconds, frames / peer_seconds
    return Measure(metric, round(ours, 1), round(peer, 1), peer_name, round(ours / peer, 2), "frames/s")


def interleaved(works: Mapping[str, Callable[[], float | None]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median seconds of each work, all of them once in each round, so that a busy moment falls on all.

    A work that answers seconds has timed itself (a peer's start-up is not its speed).
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            began = perf_counter()
            answer = work()
            taken[name].append(perf_counter() - began if answer is None else answer)
    return {name: median(seconds) for name, seconds in taken.items()}
