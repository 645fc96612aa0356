"""The section "Workers" of docs/cost.md: a simulation of one fleet from the first job to the last worker's end.

It has the rules of `infra/constructs/scaling.py` and steps of one second. All times are the slow ends of the ranges in
docs/starts.toml. The minutes of the measurements begin with the submit.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

from infra.constructs.scaling import QUIET_MINUTES
from local.environment import ROOT

RANGES = tomllib.loads((ROOT / "docs" / "starts.toml").read_text())["time"]
SLOW: Mapping[str, float] = {one["key"]: one["slow"] for one in RANGES}
ARRIVALS = (1, 10, 100)  # jobs at a time
HIGH_MINUTES = 3  # points above the target before tracking adds workers, as AWS documents


@dataclass
class _Worker:
    ready_at: float
    free_at: float = 0
    seconds: float = 0  # billed


@dataclass
class Course:
    """The course of a burst of jobs: times, workers and their bill."""

    first_seconds: float = 0  # from the submit to the first film
    last_seconds: float = 0
    boots: int = 0
    worker_seconds: float = 0  # billed
    ends: list[float] = field(default_factory=list)


def course(jobs: int, steps: Sequence[float], *, target: int, most: int, times: Mapping[str, float] = SLOW) -> Course:
    """Return the course of `jobs` jobs that arrive at once at a fleet without workers. `steps` are seconds of work."""
    made = Course()
    workers: list[_Worker] = []
    waiting = [(times["submit"], 0)] * jobs  # when the message of a step is in the queue, and the number of the step
    points: list[tuple[float, int, int]] = []  # when an alarm sees the point, tasks, running
    now, scaled_at = 0.0, 0.0

    def boot() -> None:
        made.boots += 1
        ready = now + times["boot"] + times["load"]
        workers.append(_Worker(ready, ready))

    while len(made.ends) < jobs or workers:
        now += 1
        if not workers and any(at <= now for at, _ in waiting):
            boot()  # `pipeline-dispatch` starts the first worker
        for worker in workers:
            ready = [each for each in waiting if each[0] <= now]
            if worker.free_at <= now and ready:
                step = max(ready, key=lambda each: each[1])
                waiting.remove(step)
                worker.free_at = now + steps[step[1]]
                if step[1] + 1 < len(steps):
                    waiting.append((worker.free_at + times["hand_over"], step[1] + 1))
                else:
                    made.ends.append(worker.free_at)
        if now % 60 == 0:
            busy = sum(worker.free_at > now >= worker.ready_at for worker in workers)
            running = sum(worker.ready_at <= now for worker in workers)
            points.append((now + times["metric"], len([each for each in waiting if each[0] <= now]) + busy, running))
        seen = [(tasks, running) for at, tasks, running in points if at <= now]
        if len(seen) >= HIGH_MINUTES and now - scaled_at >= 60:
            high = seen[-HIGH_MINUTES:]
            if all(running and tasks / running > target for tasks, running in high):
                tasks, running = high[-1]
                wanted = min(most, ceil(tasks / target))
                for _ in range(wanted - len(workers)):
                    boot()
                    scaled_at = now
        if len(seen) >= QUIET_MINUTES and all(running and not tasks for tasks, running in seen[-QUIET_MINUTES:]):
            made.worker_seconds += len(workers) * times["stop"]
            workers.clear()
        made.worker_seconds += len(workers)
    made.first_seconds, made.last_seconds = min(made.ends), max(made.ends)
    return made
