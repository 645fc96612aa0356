"""Failed calls of stores: tables, buckets, queues and secrets, with the keys that encrypt them."""

import re
from typing import Any, TypeVar

from shared.observability import Metric, logger, measure

Client = TypeVar("Client")

# Error codes of a store that does not work. Other codes are answers: a false condition, a missing object, a deleted
# message.
_FAILURE = re.compile(r"Throttl|Throughput|LimitExceeded|SlowDown|TooManyRequests|Denied|Kms|KMS|Decrypt|NoSuchBucket")


def counted(client: Client) -> Client:
    """Measure each attempt of the client's calls that fails because of the store. Return the client."""
    client.meta.events.register("response-received", _count)  # type: ignore[attr-defined]  # of every botocore client
    return client


def _count(event_name: str, parsed_response: Any, exception: Exception | None, **_: Any) -> None:
    code = type(exception).__name__ if exception else _code(parsed_response or {})
    if code:
        service, operation = event_name.split(".")[1:]
        count_failure(service, operation, code)


def count_failure(service: str, operation: str, code: str) -> None:
    """Measure and log one attempt that has failed."""
    measure(Metric.STORE_FAILURES)
    logger.warning("store call failed", service_called=service, operation=operation, error_code=code)


def _code(response: dict[str, Any]) -> str | None:
    """Return the code of the failure. Return None if the store works."""
    if "Error" not in response:
        return None
    # A throttled transaction names the reason of each of its writes.
    codes = [response["Error"]["Code"], *(reason.get("Code") for reason in response.get("CancellationReasons", ()))]
    status = response["ResponseMetadata"]["HTTPStatusCode"]
    if status == 403 or status >= 500:
        return str(codes[0])
    return next((code for code in codes if code and _FAILURE.search(code)), None)
