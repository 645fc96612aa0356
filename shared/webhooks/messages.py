"""The messages on the queue of deliveries. They are versioned: a new version of the code reads older messages."""

from typing import Literal

from shared.core.wire import Wire


class DeliverWebhook(Wire):
    """The next try of a delivery. `attempt` is the number of tries before it."""

    version: Literal[1] = 1
    webhook_id: str
    event_id: str
    attempt: int
