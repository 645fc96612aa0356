"""Every queue, as data: the CDK app and the laptop cloud both build from it."""

from dataclasses import dataclass

from infra.functions import REMOTE_ENGINE_SECONDS
from shared.stages.messages import REMOTE_QUEUE
from shared.stages.stages import Stage


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and, when `max_receives` deliveries did not end a message, its dead-letter queue `{name}-dlq`."""

    name: str
    visibility_seconds: int
    max_receives: int = 5  # not fewer: a worker that is told to stop hands its task back, which is a delivery too


QUEUES: tuple[Queue, ...] = (
    *(Queue(name, visibility_seconds=60) for stage in Stage for name in (stage.queue, stage.priority_queue)),
    Queue("asset-verification", visibility_seconds=120),
    Queue(REMOTE_QUEUE, visibility_seconds=6 * REMOTE_ENGINE_SECONDS),  # a function reads it: Lambda asks for six times
)
