"""Structured logs, metrics and error reports."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import wraps
from importlib import import_module
from typing import Any, TypeVar

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

SERVICE = "kinora"
NAMESPACE = "Kinora"
ENVIRONMENT = os.environ.get("KINORA_ENVIRONMENT", "local")
FLUSH_SECONDS = 2  # maximum wait for Sentry to send; Lambda freezes the process when the handler returns

logger = Logger(service=SERVICE)

Answer = TypeVar("Answer")


class Panel(Enum):
    """A graph of a dashboard: its board and its title."""

    OPEN_JOBS = ("operations", "Open jobs")
    WAITING_JOBS = ("operations", "Waiting jobs")
    RESCUED = ("operations", "Rescued by reconcile")
    WORKERS = ("operations", "Workers")
    UPKEEP = ("operations", "Sweep and audit")
    STORES = ("operations", "Failed calls of stores")
    SIGN_UPS = ("business", "Sign-ups")
    JOBS = ("business", "Jobs")
    CREDITS = ("business", "Credits")
    REVENUE = ("business", "Paid invoices, refunds and charges of providers, cents")
    CANARY = ("business", "The canary's film, s")

    def __init__(self, board: str, title: str) -> None:
        self.board, self.title = board, title


class Metric(StrEnum):
    """A metric that the code reports to CloudWatch, with its panel in a dashboard. CloudWatch charges for each metric.

    If `summed`, the dashboard shows the sum over a period, as for counts. Otherwise it shows the maximum.
    """

    panel: Panel
    unit: str  # CloudWatch's name of the unit
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
    SWEEPS = "Sweeps", Panel.RESCUED  # of reconcile, without those that failed for every job
    OPEN_JOBS = "OpenJobs", Panel.OPEN_JOBS, "Count", False
    OLDEST_OPEN_JOB_SECONDS = "OldestOpenJobSeconds", Panel.OPEN_JOBS, "Seconds"  # since its admission
    WAITING_JOBS = "WaitingJobs", Panel.WAITING_JOBS, "Count", False  # for a slot
    OLDEST_WAITING_JOB_SECONDS = "OldestWaitingJobSeconds", Panel.WAITING_JOBS, "Seconds"
    # Of each service of workers, with the dimension `fleet`. Scaling and its alarms read them.
    WORKER_TASKS = "WorkerTasks", Panel.WORKERS, "Count", False  # that wait in the queues, or that workers do
    RUNNING_WORKERS = "RunningWorkers", Panel.WORKERS, "Count", False
    ORPHANS_DELETED = "OrphansDeleted", Panel.UPKEEP  # objects and rows that no record named
    AUDIT_FINDINGS = "AuditFindings", Panel.UPKEEP
    STORE_FAILURES = "StoreFailures", Panel.STORES  # each attempt: throttled, denied, no answer or 5xx
    CREDITS_GRANTED = "CreditsGranted", Panel.CREDITS
    CREDITS_HELD = "CreditsHeld", Panel.CREDITS
    CREDITS_CAPTURED = "CreditsCaptured", Panel.CREDITS
    PAID_CREDITS_CAPTURED = "PaidCreditsCaptured", Panel.CREDITS  # of jobs submitted on a paid plan
    REVENUE_CENTS = "RevenueCents", Panel.REVENUE  # of paid invoices and packs
    REFUNDED_CENTS = "RefundedCents", Panel.REVENUE  # refunds, and amounts that disputes withdrew
    PROVIDER_CENTS = "ProviderCents", Panel.REVENUE  # of requests to remote engines, at list prices
    CANARY_FILM_SECONDS = "CanaryFilmSeconds", Panel.CANARY, "Seconds"


# The line in the log of `rest-jobs` about a submitted job, and its fields that the business dashboard counts, by the
# titles of their tables.
JOB_ACCEPTED = "job accepted"
JOBS_BY = {
    "preset": "preset_id",
    "engine of the clip": "engines.video_synthesis",
    "engine of the picture": "engines.image_generation",
    "plan": "plan",
}


def measure(metric: Metric, value: float = 1, **more_dimensions: str) -> None:
    """Write one value as a log line in CloudWatch's embedded metric format. This calls no API and is thread-safe."""
    dimensions = {"service": SERVICE, "environment": ENVIRONMENT, **more_dimensions}
    with single_metric(
        name=metric.value,
        unit=MetricUnit(metric.unit),
        value=value,
        namespace=NAMESPACE,
        default_dimensions=dimensions,
    ):
        pass  # the line is written when the block ends


# --- fields of log lines


def about(**ids: str) -> None:
    """Add these fields to the thread's log lines until the enclosing `logged` block ends."""
    logger.thread_safe_append_keys(**ids)


@contextmanager
def logged(**ids: str) -> Iterator[None]:
    """Add these fields to the thread's log lines inside the block, and restore the earlier fields after it.

    Use one block for each piece of work (a request, a message, a record of a batch). The code that logs a failure must
    be inside the block.
    """
    before = dict(logger.thread_safe_get_current_keys())
    about(**ids)
    try:
        yield
    finally:
        logger.thread_safe_clear_keys()
        about(**before)


class Expected(Exception):
    """An exception that the caller of a Lambda function handles. It is not reported as an error."""


def observed(
    handler: Callable[[dict[str, Any], object], Answer],
) -> Callable[[dict[str, Any], object], Answer]:
    """Wrap a Lambda handler: report uncaught exceptions and add request ids to its log lines.

    `function_request_id` is the id of Lambda's invocation, `function_version` the number of the published version.
    `request_id` is API Gateway's id, which is in every problem response.
    """

    @wraps(handler)
    def call(event: dict[str, Any], context: object) -> Answer:
        ids = {
            "function_request_id": getattr(context, "aws_request_id", None),  # None outside Lambda
            "function_version": getattr(context, "function_version", None),  # alarms of a release count its errors
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
                if _sentry is not None:
                    _sentry.flush(timeout=FLUSH_SECONDS)

    return call


# --- errors


@dataclass(frozen=True, slots=True)
class StackFrame:
    """One call of a stack."""

    file: str
    function: str
    line: int


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception of another process: its class and its stack, with the innermost call last. It has no text (I15)."""

    name: str
    frames: tuple[StackFrame, ...]


def report(message: str, raised: Raised | None = None, **ids: str) -> None:
    """Send an error of another process to Sentry, if the environment has a DSN."""
    if _sentry is None:
        return
    event: dict[str, Any] = {"level": "error", "logger": SERVICE, "logentry": {"message": message}}
    if raised is not None:
        frames = [{"filename": at.file, "function": at.function, "lineno": at.line} for at in raised.frames]
        event["exception"] = {"values": [{"type": raised.name, "stacktrace": {"frames": frames}}]}
    with logged(**ids):
        _sentry.capture_event(event)


def _connect_sentry(dsn: str) -> Any:
    """Send the logger's errors to Sentry. Return the SDK, or None without a DSN.

    Sentry's integrations are off, because they read requests, environments and command lines. The SDK is in its own
    layer. Functions have that layer, and import the SDK, only if the environment has a DSN.
    """
    if not dsn:
        return None
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
        before_send=_without_texts,
    )
    logger.addHandler(import_module("sentry_sdk.integrations.logging").EventHandler(level=logging.ERROR))
    return sentry


def _without_texts(event: dict[str, Any], _hint: object) -> dict[str, Any]:
    """Remove exception texts, which may quote a creator. The log has the texts under the same ids."""
    for exception in event.get("exception", {}).get("values", ()):
        exception["value"] = ""
    event["tags"] = dict(logger.thread_safe_get_current_keys())
    return event


_sentry = _connect_sentry(os.environ.get("KINORA_SENTRY_DSN", ""))
