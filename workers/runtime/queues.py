"""The consumption of queues: one delivery at a time, hidden from other receivers meanwhile, until SIGTERM."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic, sleep
from types import FrameType
from typing import Any, TypeVar

from shared.aws.clients import sqs
from shared.aws.queues import queue_url
from shared.aws.traces import TRACE
from shared.observability import logged, logger
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.protection import protected

WaitedFor = TypeVar("WaitedFor")

FIRST_PAUSE_SECONDS = 1.0  # pause after the first error of AWS
MAX_PAUSE_SECONDS = 60.0
# The long poll of the last queue. It is also the maximum delay of messages in earlier queues, and of SIGTERM.
WAIT_SECONDS = 1
# Each poll costs money, and a worker of four stages polls eight queues. So a worker without a task polls more slowly.
# Within the first minute the next step of the same job comes.
QUIET_AFTER_SECONDS = 60
QUIET_WAIT_SECONDS = 4


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a message. A stale receipt still deletes the message, so a fenced worker must not use it."""

    queue: str
    body: str
    receipt: str
    trace: str = ""  # the trace header of the message; the logger writes the trace id
    group: str = ""  # the message's group, for SQS fair queues

    def delete(self) -> None:
        sqs().delete_message(QueueUrl=queue_url(self.queue), ReceiptHandle=self.receipt)

    def hide(self, seconds: int) -> None:
        """Hide the message from other receivers for `seconds` from now. 0 makes it visible at once."""
        sqs().change_message_visibility(
            QueueUrl=queue_url(self.queue), ReceiptHandle=self.receipt, VisibilityTimeout=seconds
        )

    def hand_back(self) -> None:
        """Send the message again as a new one. A message that is only made visible keeps its number of receives."""
        self.send_again()
        self.delete()

    def send_again(self, *, delay_seconds: int = 0) -> None:
        more: dict[str, Any] = {"MessageGroupId": self.group} if self.group else {}
        if self.trace:
            more["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": self.trace}}
        sqs().send_message(QueueUrl=queue_url(self.queue), MessageBody=self.body, DelaySeconds=delay_seconds, **more)


class _Interrupted(BaseException):
    """A SIGTERM during an interruptible wait."""


class Shutdown:
    """The shutdown signal of this process. Handlers poll `requested`; SIGTERM interrupts `interruptible` waits."""

    def __init__(self) -> None:
        self.requested = False
        self._waiting = False

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C signals the whole group; the parent sends SIGTERM

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.requested = True
        if self._waiting:
            raise _Interrupted

    def interruptible(self, wait: Callable[[], WaitedFor]) -> WaitedFor | None:
        """Run `wait`. Return None if SIGTERM interrupts it.

        Do not use this for a poll of SQS: its message would stay hidden until the visibility ends.
        """
        try:
            self._waiting = True
            return None if self.requested else wait()
        except _Interrupted:
            return None
        finally:
            self._waiting = False


def consume(
    queues: Sequence[str],
    handle: Callable[[Delivery], None],
    shutdown: Shutdown,
    *,
    visibility_seconds: int,
    probe: Callable[[], object],
) -> None:
    """Pass each delivery to `handle` until shutdown. Log its exceptions; SQS delivers the message again.

    After an error of AWS, pause, twice as long after each error in sequence, then call `probe` until it does not raise
    such an error. Meanwhile receive nothing, because each receive brings a message nearer to the dead letters.

    A queue is polled when the queues before it are empty. Only the poll of the last queue waits. A poll is never
    interrupted, because SQS may already hide a message for it. A message of the last poll is handed back.
    """
    last_task = monotonic()

    def receive() -> list[Delivery]:
        for queue in queues[:-1]:
            if found := _receive(queue, visibility_seconds, wait_seconds=0):
                return found
        quiet = monotonic() - last_task > QUIET_AFTER_SECONDS
        return _receive(queues[-1], visibility_seconds, wait_seconds=QUIET_WAIT_SECONDS if quiet else WAIT_SECONDS)

    errors = 0
    while not shutdown.requested:
        with logged():
            try:
                for delivery in receive():
                    if shutdown.requested:
                        delivery.hand_back()
                        return
                    os.environ[TRACE] = delivery.trace
                    with protected():
                        handle(delivery)
                    last_task = monotonic()
                errors = 0
            except AWS_ERRORS:
                logger.exception("AWS did not answer; trying again", queues=queues)
                errors = wait_for_aws(probe, shutdown, errors, _interruptibly(shutdown))
            except Exception:  # noqa: BLE001  # a bad message must not end the worker: SQS moves it to the dead letters
                logger.exception("message not handled", queues=queues)


def _interruptibly(shutdown: Shutdown) -> Callable[[float], object]:
    return lambda seconds: shutdown.interruptible(partial(sleep, seconds))


def wait_for_aws(
    probe: Callable[[], object], shutdown: Shutdown, errors: int, wait: Callable[[float], object] = sleep
) -> int:
    """Pause and call `probe`, until it succeeds or SIGTERM arrives. Return the number of errors in sequence."""
    while not shutdown.requested:
        pause = min(MAX_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**errors)
        wait(pause)
        errors = min(errors + 1, 10)
        try:
            probe()
        except AWS_ERRORS:
            logger.warning("AWS does not answer yet", errors=errors)
        else:
            break
    return errors


def _receive(queue: str, visibility_seconds: int, *, wait_seconds: int) -> list[Delivery]:
    answer = sqs().receive_message(
        QueueUrl=queue_url(queue),
        MaxNumberOfMessages=1,
        WaitTimeSeconds=wait_seconds,
        VisibilityTimeout=visibility_seconds,
        MessageSystemAttributeNames=["AWSTraceHeader", "MessageGroupId"],
    )
    return [
        Delivery(queue, m["Body"], m["ReceiptHandle"], about.get("AWSTraceHeader", ""), about.get("MessageGroupId", ""))
        for m in answer.get("Messages", [])
        for about in [m.get("Attributes", {})]
    ]
