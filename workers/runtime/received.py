"""Tasks that Lambda receives, and the call of the function that does their work (docs/adr/0076)."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

from shared.aws.clients import patient_functions
from shared.aws.queues import QueueConfig
from shared.core.config import Config
from shared.core.wire import Wire
from shared.observability import logged, logger
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.queues import Delivery
from workers.runtime.receipt import Receipt

HIDDEN_SECONDS = 60  # a message is visible again after this, if its function dies
HIDE_EVERY_SECONDS = 20
OUTAGE_PAUSE_SECONDS = 30  # delay of a task that is handed back


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


def call(order: Wire) -> Any:
    """Let the other function do the work, and return its answer. Raise Crashed, or one of `AWS_ERRORS`."""
    answer = patient_functions().invoke(FunctionName=CallerConfig().isolated_function, Payload=order.encoded())
    body = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise Crashed(str(body.get("errorType")), str(body.get("errorMessage")))
    return body


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
