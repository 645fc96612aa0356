"""The report of a benchmark, and interleaved timing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

ROUNDS = 5

# The target of each metric: a ratio if the metric has a peer, otherwise our own value.
AT_LEAST = {
    "render_vs_moviepy": 5.0,
    "render_vs_zoompan": 1.2,
    "encode_vs_ffmpeg": 1.0,
    "encode_ssim": 0.98,
    "encode_bytes": 0.98,
}
AT_MOST = {
    "cloud_ready_seconds": 3.0,
    "demo_clip_seconds": 7.0,
    "camera_path_ms": 5.0,
    "worker_memory_60s_over_5s": 1.1,
    # The import of a handler and its first event, in times of the stock stack's.
    "cold_authorizer": 0.35,
    **dict.fromkeys(("cold_dispatch", "cold_settle", "cold_signal"), 0.6),
    **dict.fromkeys(("cold_push", "cold_connect", "cold_subscribe"), 0.6),
    **dict.fromkeys(("cold_create_job", "cold_list_jobs", "cold_read_job"), 0.9),
    "cold_sign_in": 1.2,
    # The first event after the import: what a snapshot leaves.
    **dict.fromkeys(("cold_first_list_jobs", "cold_first_read_job"), 0.12),
    "cold_first_create_job": 0.25,
    # Later events, in times of a stock handler that makes the same calls.
    "cold_warm_create_job": 1.5,
    **dict.fromkeys(("cold_warm_list_jobs", "cold_warm_read_job"), 1.2),
}
AT_LEAST_OURS = {
    "warp_1080p_fps": 150.0
}  # on the machine of the first measurement; the peer's value shows how fast this machine is


@dataclass(frozen=True, slots=True)
class Measure:
    """One line of the report. `ratio` is ours / peer; without a peer it is null. The target says which is better."""

    metric: str
    ours: float
    peer: float | None
    peer_name: str | None
    ratio: float | None
    unit: str

    @property
    def missed(self) -> bool:
        """True if the value does not meet its target."""
        value = self.ours if self.ratio is None else self.ratio
        least, most = AT_LEAST.get(self.metric, 0.0), AT_MOST.get(self.metric, float("inf"))
        return not least <= value <= most or self.ours < AT_LEAST_OURS.get(self.metric, 0.0)

    @property
    def target(self) -> str:
        """The target as text."""
        if self.metric in AT_MOST:
            return f"<= {AT_MOST[self.metric]:g}"
        least = AT_LEAST.get(self.metric) or AT_LEAST_OURS.get(self.metric)
        return f">= {least:g}" if least else "-"


def alone(metric: str, ours: float, unit: str) -> Measure:
    return Measure(metric, round(ours, 3), None, None, None, unit)


def faster(metric: str, ours_seconds: float, peer_seconds: float, peer_name: str, *, frames: int) -> Measure:
    """Return the measure of frames per second of both."""
    ours, peer = frames / ours_seconds, frames / peer_seconds
    return Measure(metric, round(ours, 1), round(peer, 1), peer_name, round(ours / peer, 2), "frames/s")


def cheaper(metric: str, ours_ms: float, peer_ms: float, peer_name: str) -> Measure:
    """Return the measure of the processor time of both."""
    return Measure(metric, round(ours_ms, 1), round(peer_ms, 1), peer_name, round(ours_ms / peer_ms, 2), "ms")


def interleaved(works: Mapping[str, Callable[[], float | None]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median seconds of each work. Each round runs all works once, so that load on the machine affects all.

    A work that returns seconds has measured itself, to exclude a peer's start-up.
    """
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            began = perf_counter()
            answer = work()
            taken[name].append(perf_counter() - began if answer is None else answer)
    return {name: median(seconds) for name, seconds in taken.items()}
