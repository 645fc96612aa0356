"""What clients send over the socket, and how they are answered."""

import json
from typing import Any, Literal

from pydantic import ValidationError

from shared.aws.clients import sockets
from shared.core.errors import AppError, Invalid
from shared.core.wire import Wire


class ChannelMessage(Wire):
    """`{"type": "subscribe", "channel": "job:<id>"}`."""

    type: Literal["subscribe", "unsubscribe"]
    channel: str


def channel_of(job_id: str) -> str:
    return f"job:{job_id}"


def read_channel(event: dict[str, Any]) -> str:
    """The job's id in the message's channel. Raises Invalid."""
    try:
        message = ChannelMessage.model_validate_json(event.get("body") or "")
    except ValidationError as error:
        raise Invalid('Send {"type": "subscribe", "channel": "job:<id>"}.') from error
    kind, _, job_id = message.channel.partition(":")
    if kind != "job" or not job_id.isascii() or not 0 < len(job_id) <= 64:
        raise Invalid("The only channels are job:<id>.")
    return job_id


def send(connection_id: str, message: dict[str, Any]) -> bool:
    """Send to one socket; False when it is gone."""
    client = sockets()
    try:
        client.post_to_connection(ConnectionId=connection_id, Data=json.dumps(message, default=str).encode())
    except client.exceptions.GoneException:
        return False
    return True


def refuse(connection_id: str, error: AppError) -> dict[str, int]:
    """Tell the client what was wrong with its message; the socket stays open."""
    send(connection_id, {"type": "error", "code": error.code, "detail": error.detail})
    return {"statusCode": error.status}
