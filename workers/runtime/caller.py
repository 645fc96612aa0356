"""The Lambda that receives tasks and lets a function without a network do their work (docs/adr/0076).

It claims, asks for access, reports and deletes. The other function decodes files of strangers and can do none of these.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from threading import Event, Thread
from typing import Any

from shared.aws.clients import patient_functions
from shared.aws.queues import QueueConfig
from shared.core.config import Config
from shared.core.wire import Wire
from shared.observability import logged, logger, observed
from shared.stages.failures import StageFailure
from shared.stages.stages import Stage
from workers.provenance.certificate import certificate
from workers.runtime.attempt import Attempt
from workers.runtime.granted import granted
from workers.runtime.handler import StepHandler
from workers.runtime.isolation import STEP_TOO_LONG, Outcome, StepOrder
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.queues import Delivery
from workers.runtime.receipt import Receipt

HIDDEN_SECONDS = 60  # a message is visible again after this, if its function dies
HIDE_EVERY_SECONDS = 20
START_SECONDS = 90  # maximum time from a claim to the first beat: the other function may start from its image
OUTAGE_PAUSE_SECONDS = 30  # delay of a task that is handed back
CRASHED = StageFailure("engine_crashed", "This step ended unexpectedly.", retryable=True)


class CallerConfig(Config):
    isolated_function: str = ""  # name of the function that does the work


class Crashed(Exception):
    """The function that does the work has ended without an outcome."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(error_type, message)
        self.is_timeout = "Timedout" in error_type or "timed out" in message


class Received:
    """A message that Lambda has received. Lambda deletes it at the end of the function if it is `done`."""

    def __init__(self, record: Mapping[str, Any]) -> None:
        prefix = QueueConfig().queue_url_prefix.rpartition("/")[2]
        about = record["attributes"]
        self.done = False
        self._delivery = Delivery(
            record["eventSourceARN"].rpartition(":")[2].removeprefix(prefix),
            record["body"],
            record["receiptHandle"],
            about.get("AWSTraceHeader", ""),
            about.get("MessageGroupId", ""),
        )

    @property
    def body(self) -> str:
        return self._delivery.body

    def delete(self) -> None:
        self.done = True

    def hide(self, seconds: int) -> None:
        self._delivery.hide(seconds)

    def hand_back(self) -> None:
        """Send the task again after a pause: a service does not answer, and Lambda receives without pauses."""
        self._delivery.send_again(delay_seconds=OUTAGE_PAUSE_SECONDS)
        self.done = True


def each_task(event: Mapping[str, Any], handle: Callable[[Receipt], None]) -> dict[str, list[dict[str, str]]]:
    """Handle the messages of the event. Return those that are not done, which stay in the queue."""
    left = []
    for record in event["Records"]:
        received = Received(record)
        with logged(), _hidden(received):
            try:
                handle(received)
            except AWS_ERRORS:
                logger.exception("AWS did not answer")
        if not received.done:
            left.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": left}


def call(order: Wire) -> Outcome:
    """Let the other function do the work, and return its outcome. Raise Crashed, or one of `AWS_ERRORS`."""
    answer = patient_functions().invoke(FunctionName=CallerConfig().isolated_function, Payload=order.encoded())
    body = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise Crashed(str(body.get("errorType")), str(body.get("errorMessage")))
    return Outcome.model_validate(body)


@contextmanager
def _hidden(received: Received) -> Iterator[None]:
    """Hide the message from other receivers while the block lasts."""
    over = Event()

    def hide() -> None:
        while not over.is_set():
            try:
                received.hide(HIDDEN_SECONDS)
            except AWS_ERRORS:
                logger.exception("message not hidden")
            over.wait(HIDE_EVERY_SECONDS)

    thread = Thread(target=hide, name="hide", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class CalledSteps(StepHandler):
    """A handler whose work the other function does."""

    def __init__(self) -> None:
        super().__init__(timedelta(seconds=START_SECONDS))

    def perform(self, attempt: Attempt, delivery: Receipt) -> None:  # noqa: ARG002  # `each_task` hides the message
        signs = attempt.task.stage is Stage.POST_PROCESSING
        order = StepOrder(
            task=attempt.task,
            attempt=attempt.id,
            credentials=granted(attempt.media_request),
            certificate=certificate() if signs else None,
        )
        try:
            outcome = call(order)
        except Crashed as crashed:
            logger.exception("isolated function crashed")
            raise (STEP_TOO_LONG if crashed.is_timeout else CRASHED) from crashed
        outcome.raise_again()


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, list[dict[str, str]]]:
    """Handle tasks of the stages. The event sources have batches of one message."""
    return each_task(event, CalledSteps().handle)
