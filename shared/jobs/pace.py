"""The pace of steps: how many seconds past steps took. The seconds of a quote and the ends of jobs follow from it.

A step's seconds count from the end of the step before it, or from the job's admission. So they include the wait for a
worker and repeated attempts. `functions/upkeep/pace.py` learns them from finished jobs.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import ceil
from statistics import median

from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.spec import JobSettings, JobSpec
from shared.stages.stages import Stage
from shared.upkeep.store import passes

TASK = "pace"  # of its row in the table of passes
SAMPLES = 15  # newest steps of one kind that count
FRESH = timedelta(minutes=5)  # a process reads the pace again after this
_STEP_OF_SECONDS = 5  # films whose durations round up to the same multiple of this are of one kind


@dataclass(frozen=True, slots=True)
class StepPace:
    """The seconds of the newest steps of each kind, oldest first. `until` is the end of the newest job among them."""

    samples: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    until: float = 0.0  # seconds since 1970

    def seconds(self, stage: Stage, engine: str, settings: JobSettings) -> float | None:
        """Return the median of the newest steps of the same kind. Return None before the first one."""
        found = self.samples.get(_kind(stage, engine, settings))
        return round(median(found), 1) if found else None

    def end_of(self, job: JobRecord, settings: JobSettings, *, start: datetime, at: datetime) -> datetime | None:
        """Return the estimated end of a job that starts, or has started, at `start`.

        Return None if the seconds of one of its other steps are not known. The running step ends after `at`.
        """
        end = start
        for stage, step in job.planned():
            if step.status == JobStatus.COMPLETED and step.completed_at is not None:
                end = max(end, step.completed_at)
            elif (seconds := self.seconds(stage, step.engine, settings)) is None:
                return None
            else:
                end = max(end + timedelta(seconds=seconds), at)
        return end

    def after(self, finished: Iterable[tuple[JobRecord, JobSpec]]) -> "StepPace":
        """Return the pace with the steps of more jobs. Those that ended before `until` count already."""
        samples, until = dict(self.samples), self.until
        for job, spec in sorted(finished, key=lambda pair: pair[0].completed_at or pair[0].created_at):
            if not job.captured or job.completed_at is None or job.completed_at.timestamp() <= self.until:
                continue
            until, before = max(until, job.completed_at.timestamp()), job.admitted_at
            for stage, step in job.planned():
                if step.completed_at is None:
                    break
                if step.is_reused:
                    continue
                kind = _kind(stage, step.engine, spec.settings)
                seconds = max(0.0, (step.completed_at - before).total_seconds())
                samples[kind] = (*samples.get(kind, ()), round(seconds, 1))[-SAMPLES:]
                before = step.completed_at
        return StepPace(samples, until)


def _kind(stage: Stage, engine: str, settings: JobSettings) -> str:
    """Return the kind of the step. A picture takes the same time for each duration of the film."""
    duration = 0 if stage is Stage.IMAGE_GENERATION else _STEP_OF_SECONDS * ceil(settings.duration / _STEP_OF_SECONDS)
    size = "draft" if settings.draft and stage is not Stage.IMAGE_GENERATION else settings.resolution
    return f"{stage.folder}/{engine}/{size}/{duration}"


def stored() -> StepPace:
    """Return the pace that is stored, or an empty one before the first measurement."""
    found = passes.newest(TASK)
    if found is None:
        return StepPace()
    document = json.loads(found.position)
    return StepPace({kind: tuple(seconds) for kind, seconds in document["samples"].items()}, document["until"])


def store(learned: StepPace, *, found: int, at: datetime) -> None:
    """Store the pace, which has learned from `found` jobs. Raise Overtaken."""
    document = {"until": learned.until, "samples": learned.samples}
    passes.keep(TASK, json.dumps(document), found=found, at=at)


class PaceCache:
    """The stored pace, which a process reads again after `FRESH`."""

    def __init__(self) -> None:
        self._read_at: datetime | None = None
        self._pace = StepPace()

    def at(self, at: datetime) -> StepPace:
        if self._read_at is None or not timedelta() <= at - self._read_at < FRESH:
            self._pace, self._read_at = stored(), at
        return self._pace

    def forget(self) -> None:
        self._read_at = None


pace = PaceCache()
