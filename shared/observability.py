"""What a process tells its operators: structured logs, metrics and errors; the only instances of each."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, StrEnum
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

SERVICE = "kinora"
NAMESPACE = "Kinora"
ENVIRONMENT = os.environ.get("KINORA_ENVIRONMENT", "local")
FLUSH_SECONDS = (
    2  # that a call may last longer because its error is being told: Lambda freezes what is still on its way
)

logger = Logger(service=SERVICE)

Answer = TypeVar("Answer")


class Panel(Enum):
    """A graph of a dashboard: its board and its title."""

    OPEN_JOBS = ("operations", "Open jobs")
    RESCUED = ("operations", "Rescued by reconcile")
    SIGN_UPS = ("business", "Sign-ups")
    JOBS = ("business", "Jobs")
    CREDITS = ("business", "Credits")
    CANARY = ("business", "The canary's film, s")

    def __init__(self, board: str, title: str) -> None:
        self.board, self.title = board, title


class Metric(StrEnum):
    """A number that our code reports to CloudWatch, which charges for each; dashboards draw every one on its panel.

    Counts are summed over a period. A metric without `summed` is a state, such as a length of time: its maximum counts.
    """

    panel: Panel
    unit: str  # CloudWatch's word
    summed: bool

    def __new__(
        cls, name: str, panel: Panel, unit: str = "Count", summed: bool | None = None
    ) -> "Metric":  # members are rows
        metric = str.__new__(cls, name)
        metric._value_ = name
        metric.panel, metric.unit = panel, unit
        metric.summed = unit == "Count" if summed is None else summed
        return metric

    SIGN_UPS = "SignUps", Panel.SIGN_UPS
    JOBS_CREATED = "JobsCreated", Panel.JOBS
    JOBS_COMPLETED = "JobsCompleted", Panel.JOBS
    JOBS_FAILED = "JobsFailed", Panel.JOBS
    JOBS_CANCELLED = "JobsCancelled", Panel.JOBS
    JOBS_RECONCILED = "JobsReconciled", Panel.RESCUED
    OPEN_JOBS = "OpenJobs", Panel.OPEN_JOBS, "Count", False
    OLDEST_OPEN_JOB_SECONDS = "OldestOpenJobSeconds", Panel.OPEN_JOBS, "Seconds"
    CREDITS_GRANTED = "CreditsGranted", Panel.CREDITS
    CREDITS_HELD = "CreditsHeld", Panel.CREDITS
    CREDITS_CAPTURED = "CreditsCaptured", Panel.CREDITS
    PAID_CREDITS_CAPTURED = "PaidCreditsCaptured", Panel.CREDITS  # those of accounts that paid for their plan at submit
    CANARY_FILM_SECONDS = "CanaryFilmSeconds", Panel.CANARY, "Seconds"


def measure(metric: Metric, value: float = 1) -> None:
    """Write one number for CloudWatch as a line of the log (EMF): no call, no wait, nothing shared between threads."""
    dimensions = {"service": SERVICE, "environment": ENVIRONMENT}
    with single_metric(
        name=metric.value,
        unit=MetricUnit(metric.unit),
        value=value,
        namespace=NAMESPACE,
        default_dimensions=dimensions,
    ):
        pass  # the line is written when the block ends


# --- what each line is about


def about(**ids: str) -> None:
    """From here to the end of the `logged` block at hand, each line of this thread bears these ids."""
    logger.thread_safe_append_keys(**ids)


@contextmanager
def logged(**ids: str) -> Iterator[None]:
    """Lines of this thread bear these ids, and what `about` adds; when the block ends all are as before.

    One block for each piece of work (a request, a message, a record of a batch), around whoever logs that it failed.
    """
    before = dict(logger.thread_safe_get_current_keys())
    about(**ids)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()
        about(**before)


class Expected(Exception):
    """What a handler raises because its caller reads it: no fault of ours."""


def observed(
    handler: Callable[[dict[str, Any], object], Answer],
) -> Callable[[dict[str, Any], object], Answer]:
    """A Lambda handler whose faults are told, and whose lines bear ids.

    `function_request_id` is Lambda's, of the call; `request_id` is API Gateway's, as in every error that a creator is
    shown.
    """

    @wraps(handler)
    def call(event: dict[str, Any], context: object) -> Answer:
        ids = {
            "function_request_id": getattr(context, "aws_request_id", None),  # None outside Lambda
            "request_id": event.get("requestContext", {}).get("requestId"),
        }
        with logged(**{name: value for name, value in ids.items() if value}):
            try:
                return handler(event, context)
            except Expected:
                raise
            except Exception:
                logger.exception("call failed")
                raise
            finally:
                _flush()

    return call


# --- errors


def _report_errors(dsn: str) -> Callable[[], object]:
    """To Sentry: what our logger calls an error, and nothing besides. Answers how to wait until it is told.

    No integrations: they would read requests, environments and command lines. The SDK lies in a layer of its own, which
    functions have where there is a DSN; without one it is not imported.
    """
    if not dsn:
        return lambda: None
    sentry = import_module("sentry_sdk")
    sentry.init(
        dsn=dsn,
        environment=ENVIRONMENT,
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        send_client_reports=False,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        before_send=_without_words,
    )
    logger.addHandler(import_module("sentry_sdk.integrations.logging").EventHandler(level=logging.ERROR))

    def flush() -> None:
        sentry.flush(timeout=FLUSH_SECONDS)

    return flush


def _without_words(event: dict[str, Any], _hint: object) -> dict[str, Any]:
    """An exception's kind and place, not its text, which may quote a creator; our log has it, under the same ids."""
    for exception in event.get("exception", {}).get("values", ()):
        exception["value"] = ""
    event["tags"] = dict(logger.thread_safe_get_current_keys())
    return event


_flush = _report_errors(os.environ.get("KINORA_SENTRY_DSN", ""))
