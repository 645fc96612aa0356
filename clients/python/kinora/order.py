"""The order of a job's events."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from .models import Event, Job, JobCompleted, JobFailed, JobProgress, JobSnapshot, Step, StepCompleted

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def _events() -> TypeAdapter[Event]:
    return TypeAdapter(Event)


def event_of(message: dict[str, Any]) -> Event | None:
    """Return the event of a message, or None for one that only a newer client knows."""
    try:
        return _events().validate_python(message)
    except ValidationError:
        return None


ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


class Order:
    """The events of one job that were received so far, from several connections and from REST."""

    def __init__(self) -> None:
        self.ended = False
        self._last = -1
        self._early: list[Event] | None = None

    def connected(self) -> None:
        """Expect a snapshot: events that arrive before it are older or newer than it."""
        self._early = []

    def take(self, event: Event) -> Iterator[Event]:
        """Yield the events that can follow now, each once, by increasing `seq`, and nothing after the end."""
        waiting = [event]
        if self._early is not None:
            if not isinstance(event, JobSnapshot):
                self._early.append(event)
                return
            waiting += sorted(self._early, key=lambda early: early.seq)
            self._early = None
        for one in waiting:
            if one.seq > self._last and not self.ended:
                self._last = one.seq
                self.ended = _ends(one)
                yield one


def _ends(event: Event) -> bool:
    match event:
        case JobSnapshot():
            return event.job.status in ENDED
        case JobProgress():
            return event.status in ENDED
        case StepCompleted():
            return False
    return True


def applied(job: Job, event: Event) -> Job:
    """Return the job as it is after the event."""
    changed: dict[str, object]
    match event:
        case JobSnapshot():
            return event.job
        case JobProgress():
            changed = {"status": event.status, "progress": event.progress, "current_step": event.current_step}
        case StepCompleted():
            changed = {"steps": [_completed(step, event) for step in job.steps]}
        case JobCompleted():
            changed = {"status": "COMPLETED", "progress": 100, "video_url": event.video_url}
        case JobFailed():
            changed = {"status": "FAILED", "error": event.error}
    return job.model_copy(update={**changed, "seq": event.seq})


def _completed(step: Step, event: StepCompleted) -> Step:
    if step.id != event.step_id:
        return step
    return step.model_copy(update={"status": "COMPLETED", "progress": 100, "result_url": event.result_url})
