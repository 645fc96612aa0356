"""The metric of failed calls of stores: it counts each attempt that a store refuses, and no answer of a store."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError
from moto.core.botocore_stubber import MockRawResponse

from shared.aws import clients, media, secrets
from shared.aws.queues import queue_url
from shared.aws.records import connection
from shared.core.clock import utc_now
from shared.stages.queues import FAN_OUT_QUEUE
from shared.upkeep.record import PassRecord
from shared.upkeep.store import Overtaken, passes
from tests.support.studio import Studio

# The client of a store, and a call.
CALLS: dict[str, tuple[Callable[[], Any], Callable[[], object]]] = {
    "table": (lambda: connection().client, lambda: passes.newest("sweep")),
    "bucket": (clients.s3, lambda: media.exists("jobs/job_1/a")),
    "queue": (clients.sqs, lambda: clients.sqs().receive_message(QueueUrl=queue_url(FAN_OUT_QUEUE))),
    "secret": (clients.secretsmanager, lambda: secrets.has_value("refresh-token-key")),
}
S3_ERROR = "<Error><Code>{}</Code><Message>x</Message></Error>"


def error(code: str, *reasons: str) -> str:
    """Return the body of an error in JSON. A cancelled transaction has the reason of each write."""
    return json.dumps({"__type": code, "message": "x", "CancellationReasons": [{"Code": reason} for reason in reasons]})


def answer(status: int, body: str) -> Callable[[AWSPreparedRequest], AWSResponse]:
    """Return a fault that answers a request."""
    return lambda request: AWSResponse(str(request.url), status, HTTPHeaders(), MockRawResponse(body))


def lose(request: AWSPreparedRequest) -> AWSResponse:
    raise ConnectionClosedError(endpoint_url=request.url)


def not_reached(request: AWSPreparedRequest) -> AWSResponse:
    raise EndpointConnectionError(endpoint_url=request.url)


FAULTS = {
    "table throttles": ("table", answer(400, error("ThrottlingException"))),
    "transaction throttled": ("table", answer(400, error("TransactionCanceledException", "None", "ThrottlingError"))),
    "table denied": ("table", answer(400, error("AccessDeniedException"))),
    "table fails": ("table", answer(500, error("InternalServerError"))),
    "table lost": ("table", lose),
    "bucket not reached": ("bucket", not_reached),
    "bucket throttles": ("bucket", answer(503, S3_ERROR.format("SlowDown"))),
    "bucket denied": ("bucket", answer(403, S3_ERROR.format("AccessDenied"))),
    "key disabled": ("bucket", answer(400, S3_ERROR.format("KMS.DisabledException"))),
    "bucket deleted": ("bucket", answer(404, S3_ERROR.format("NoSuchBucket"))),
    "queue denied": ("queue", answer(403, error("AccessDeniedException"))),
    "queue throttles": ("queue", answer(400, error("RequestThrottled"))),
    "secret denied": ("secret", answer(400, error("AccessDeniedException"))),
    "secret not decrypted": ("secret", answer(400, error("DecryptionFailure"))),
}


@pytest.fixture
def failures(studio: Studio, capsys: pytest.CaptureFixture[str]) -> Callable[[], int]:
    """A function that returns the number of failures that were measured since its last call."""
    return lambda: capsys.readouterr().out.count('"StoreFailures":[')


@pytest.mark.parametrize(("store", "fault"), FAULTS.values(), ids=FAULTS.keys())
def test_an_attempt_that_a_store_refuses_is_counted(
    failures: Callable[[], int], store: str, fault: Callable[[AWSPreparedRequest], AWSResponse]
) -> None:
    make, use = CALLS[store]
    events, faults = make().meta.events, [fault]

    def first(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
        return faults.pop()(request) if faults else None

    events.register_first("before-send", first)
    try:
        with suppress(Exception):  # an error that is not retried
            use()
    finally:
        events.unregister("before-send", first)
    assert (failures(), faults) == (1, [])
    use()
    assert failures() == 0


def test_an_answer_of_a_store_is_not_counted(failures: Callable[[], int]) -> None:
    at = utc_now()
    stale = passes.current("sweep", "jobs", at=at)
    assert stale is not None
    passes.advance(PassRecord.get("sweep"), part="jobs", position=1, found=0)
    with pytest.raises(Overtaken):
        passes.advance(stale, part="jobs", position=2, found=0)
    assert media.read_text("jobs/job_1/a") is None
    assert not secrets.has_value("unknown")
    assert failures() == 0


def test_the_client_of_a_step_counts_too(failures: Callable[[], int]) -> None:
    """A worker reads media with the credentials of its task."""
    expiry = (utc_now() + timedelta(hours=1)).isoformat()
    denied = answer(403, S3_ERROR.format("AccessDenied"))
    client: Any = clients.s3_with(lambda: {"access_key": "a", "secret_key": "b", "token": "c", "expiry_time": expiry})
    client.meta.events.register_first("before-send", lambda request, **_: denied(request))
    with pytest.raises(ClientError):
        client.get_object(Bucket="kinora-test-media", Key="a")
    assert failures() == 1
