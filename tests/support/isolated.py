"""Tasks as Lambda receives them from a queue, and the isolated functions that do their work."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from infra.functions import Function
from infra.workers import ISOLATED, STEPS
from shared.assets.record import ASSETS, QUARANTINE
from shared.aws.queues import QueueConfig
from shared.jobs.keys import JOBS, WORK
from tests.support.cloud import answered
from tests.support.grants import attributed
from tests.support.studio import Studio
from workers.engines.contract import InProcessEngine
from workers.runtime import isolated as steps
from workers.runtime.queues import Delivery
from workers.verification import isolated as verification

WORK_SECONDS = 870
# The credentials in an order open the media of its task. `test_worker_rights` tests how far.
LENT: dict[str, Any] = {
    "media_reads": (JOBS, WORK, ASSETS, QUARANTINE),
    "media_writes": (JOBS, WORK, ASSETS),
    "media_deletes": (QUARANTINE, ASSETS),
}


@dataclass
class FunctionContext:
    """Lambda's context of a function with this time left."""

    seconds: float = WORK_SECONDS

    def get_remaining_time_in_millis(self) -> int:
        return int(1000 * self.seconds)


def event_of(delivery: Delivery) -> dict[str, Any]:
    """Return the event of one message, as Lambda makes it."""
    prefix = QueueConfig().queue_url_prefix.rpartition("/")[2]
    return {
        "Records": [
            {
                "messageId": "message-1",
                "receiptHandle": delivery.receipt,
                "body": delivery.body,
                "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "usr_1"},
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{prefix}{delivery.queue}",
                "awsRegion": "us-east-1",
            }
        ]
    }


def receive(studio: Studio, queue: str, handler: Callable[[dict[str, Any], object], Any]) -> bool:
    """Let the caller handle the next message of the queue. Delete it if the caller says so, and return whether."""
    delivery = studio.deliver(queue)
    assert delivery is not None
    left = handler(event_of(delivery), FunctionContext())["batchItemFailures"]
    if not left:
        delivery.delete()
    return not left


def run_here(
    studio: Studio,
    patch: pytest.MonkeyPatch,
    engines: Mapping[str, InProcessEngine[Any]] | None = None,
    *,
    context: FunctionContext | None = None,
) -> list[dict[str, Any]]:
    """Run the isolated functions in this process, and compare their calls with `ISOLATED`. Return their orders.

    Without `engines` they load those of the catalogue.
    """
    orders: list[dict[str, Any]] = []
    patch.setenv("KINORA_ISOLATED_FUNCTION", "kinora-test-isolated-steps:live")
    steps._engines.cache_clear()
    if engines is not None:
        patch.setattr(steps, "load_engines", lambda _stages: engines)

    def call(name: str, order: dict[str, Any]) -> Any:
        orders.append(order)
        handler = steps.handler if name == STEPS else verification.handler
        row = Function(name=name, handler=handler.__module__, may=replace(ISOLATED[name], **LENT))
        with pytest.MonkeyPatch.context() as variables:
            variables.setenv("KINORA_SIGNS_FILMS", "false")  # it cannot read the certificate
            return answered(attributed(row, handler)(order, context or FunctionContext()))

    studio.cloud.isolated = call
    return orders


def crash(error_type: str, message: str) -> Callable[[str, Any], Any]:
    """Return a call that ends as Lambda ends a function without an answer."""

    def call(_name: str, _order: Any) -> Any:
        return answered({"errorType": error_type, "errorMessage": message}, FunctionError="Unhandled")

    return call
