"""The Lambda that does the work of an attempt. It is in a network without internet access, and has no other rights.

It has the task, the credentials for its media and the certificate from `workers/runtime/caller.py`.
"""

from collections.abc import Callable
from functools import cache
from time import monotonic
from typing import Any, Protocol

from shared.jobs.store import jobs
from shared.observability import about, observed
from shared.stages.stages import Stage
from workers.provenance.certificate import given
from workers.runtime.attempt import Attempt
from workers.runtime.beat import StopReason
from workers.runtime.handler import WorkStopped
from workers.runtime.isolation import End, StepOrder, StepOutcome, step_too_long
from workers.runtime.queue_loop import load_engines
from workers.runtime.step import Engines, StepRunner

RESERVE_SECONDS = 20  # between the stop of work that takes too long and the end that Lambda sets


class Context(Protocol):
    """The part of Lambda's context that this function uses."""

    def get_remaining_time_in_millis(self) -> int: ...


class _NoDelivery:
    """The delivery of a task whose message the caller handles."""

    body = ""

    def delete(self) -> None: ...

    def hide(self, seconds: int) -> None: ...

    def hand_back(self) -> None: ...


@cache
def _engines(stage: Stage) -> Engines:
    return load_engines([stage])


@observed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Do the work of a StepOrder and return its StepOutcome."""
    return perform(StepOrder.model_validate(event), context).model_dump(mode="json", by_alias=True, exclude_none=True)


def perform(order: StepOrder, context: Context) -> StepOutcome:
    task = order.task
    about(job_id=task.job_id, step_id=task.step_id, stage=task.stage.value, attempt=order.attempt)
    with given(order.certificate):
        engines = _engines(task.stage)
    runner = StepRunner(engines, shutdown_requested=_time_limit(context))
    try:
        attempt = Attempt(order.attempt, task, jobs.get(task.job_id), token=None, given=order.credentials)
        runner.perform(attempt, _NoDelivery())
    except WorkStopped as interrupted:
        return StepOutcome.of(step_too_long() if interrupted.reason is StopReason.SHUTDOWN else interrupted)
    except Exception as error:  # noqa: BLE001  # raised again if it has no outcome
        return StepOutcome.of(error)
    return StepOutcome(end=End.DONE)


def _time_limit(context: Context) -> Callable[[], bool]:
    end = monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
    return lambda: monotonic() > end
