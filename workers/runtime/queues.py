"""Consuming a queue: one delivery at a time, hidden from others while it is worked on, until told to stop."""

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import sleep
from types import FrameType
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from shared.aws.clients import sqs
from shared.aws.queues import queue_url
from shared.aws.traces import TRACE
from shared.observability import logged, logger
from workers.runtime.protection import protected

WaitedFor = TypeVar("WaitedFor")

WAIT_SECONDS = 1  # for the last queue: so long may a signal, or a queue that goes first, wait for an idle worker


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a message. The receipt is no fence: a stale one deletes too, so a fenced worker leaves it be."""

    queue: str
    body: str
    receipt: str
    trace: str = ""  # which the message belongs to: the logger writes its id

    def delete(self) -> None:
        sqs().delete_message(QueueUrl=queue_url(self.queue), ReceiptHandle=self.receipt)

    def hide(self, seconds: int) -> None:
        """Invisible to other receivers for so long from now; 0 hands it back at once."""
        sqs().change_message_visibility(
            QueueUrl=queue_url(self.queue), ReceiptHandle=self.receipt, VisibilityTimeout=seconds
        )


class _Interrupted(BaseException):
    """SIGTERM came while nothing was being done."""


class Shutdown:
    """Whether this process has been told to stop: whoever works looks at `asked`, a server's wait is broken off."""

    def __init__(self) -> None:
        self.asked = False
        self._waiting = False

    def listen(self) -> None:
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; whoever started us decides

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if self._waiting:
            raise _Interrupted

    def interruptible(self, wait: Callable[[], WaitedFor]) -> WaitedFor | None:
        """Run `wait`; None when the signal broke it off. Not for a poll: its message would be lost for a while."""
        try:
            self._waiting = True
            return None if self.asked else wait()
        except _Interrupted:
            return None
        finally:
            self._waiting = False


def consume(
    queues: Sequence[str], handle: Callable[[Delivery], None], shutdown: Shutdown, *, visibility_seconds: int
) -> None:
    """Hand each delivery to `handle`, until shutdown; what it raises is logged, and the queue delivers again.

    A queue is asked when those before it are empty; the last one is waited for. A poll is never broken off, for the
    queue may hide a message on behalf of a receiver that is gone: what the last poll brings is handed back.
    """

    def receive() -> list[Delivery]:
        for queue in queues[:-1]:
            if found := _receive(queue, visibility_seconds, wait_seconds=0):
                return found
        return _receive(queues[-1], visibility_seconds, wait_seconds=WAIT_SECONDS)

    while not shutdown.asked:
        with logged():
            try:
                for delivery in receive():
                    if shutdown.asked:
                        delivery.hide(0)
                        return
                    os.environ[TRACE] = delivery.trace
                    with protected():
                        handle(delivery)
            except (ClientError, BotoCoreError):
                logger.exception("AWS did not answer; trying again", queues=queues)
                sleep(1)
            except Exception:  # noqa: BLE001  # the worker outlives a bad message: in the end its queue gives it up
                logger.exception("message not handled", queues=queues)


def _receive(queue: str, visibility_seconds: int, *, wait_seconds: int) -> list[Delivery]:
    answer = sqs().receive_message(
        QueueUrl=queue_url(queue),
        MaxNumberOfMessages=1,
        WaitTimeSeconds=wait_seconds,
        VisibilityTimeout=visibility_seconds,
        MessageSystemAttributeNames=["AWSTraceHeader"],
    )
    return [
        Delivery(queue, m["Body"], m["ReceiptHandle"], m.get("Attributes", {}).get("AWSTraceHeader", ""))
        for m in answer.get("Messages", [])
    ]
