"""What a process tells its operators: structured logs, metrics and errors; the only instances of each.

Without `sentry-sdk`, which not everyone ships, or a `KINORA_SENTRY_DSN` nothing is reported.
"""

import os
from importlib import import_module
from importlib.util import find_spec

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

SERVICE = "kinora"
NAMESPACE = "Kinora"
ENVIRONMENT = os.environ.get("KINORA_ENVIRONMENT", "local")

logger = Logger(service=SERVICE)


def measure(name: str, value: float = 1, *, unit: str = "Count") -> None:
    """One number for CloudWatch, as a line of the log (EMF): no call, no wait, nothing shared between threads."""
    dimensions = {"service": SERVICE, "environment": ENVIRONMENT}
    with single_metric(
        name=name, unit=MetricUnit(unit), value=value, namespace=NAMESPACE, default_dimensions=dimensions
    ):
        pass  # the line is written when the block ends


def _report_errors(dsn: str) -> None:
    """To Sentry: what a logger calls an error, without bodies, addresses or local variables."""
    if dsn and find_spec("sentry_sdk") is not None:
        import_module("sentry_sdk").init(
            dsn=dsn,
            environment=ENVIRONMENT,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",
            traces_sample_rate=0,
        )


_report_errors(os.environ.get("KINORA_SENTRY_DSN", ""))
