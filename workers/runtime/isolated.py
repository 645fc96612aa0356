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
from workers.provenance.certificate import lent
from workers.runtime.attempt import Attempt
from workers.runtime.beat import StopReason
from workers.runtime.handler import Interrupted
from workers.runtime.isolation import STEP_TOO_LONG, End, Outcome, StepOrder
from workers.runtime.queue_loop import load_engines
from workers.runtime.step import Engines, StepRunner

RESERVE_SECONDS = 20  # between the stop of work that takes too long and the end that Lambda sets


class Context(Protocol):
    """What this function uses of Lambda's context."""

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
    """Do the work of a StepOrder and return its Outcome."""
    return perform(StepOrder.model_validate(event), context).model_dump(mode="json", by_alias=True, exclude_none=True)


def perform(order: StepOrder, context: Context) -> Outcome:
    task = order.task
    about(job_id=task.job_id, step_id=task.step_id, stage=task.stage.value, attempt=order.attempt)
    with lent(order.certificate):
        engines = _engines(task.stage)
    runner = StepRunner(engines, shutdown_requested=_time_limit(context))
    try:
        attempt = Attempt(order.attempt, task, jobs.get(task.job_id), token=None, lent=order.credentials)
        runner.perform(attempt, _NoDelivery())
    except Interrupted as interrupted:
        return Outcome.of(STEP_TOO_LONG if interrupted.reason is StopReason.SHUTDOWN else interrupted)
    except Exception as error:  # noqa: BLE001  # `of` raises an error that has no outcome
        return Outcome.of(error)
    return Outcome(end=End.DONE)


def _time_limit(context: Context) -> Callable[[], bool]:
    end = monotonic() + context.get_remaining_time_in_millis() / 1000 - RESERVE_SECONDS
    return lambda: monotonic() > end
