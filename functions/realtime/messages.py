"""The messages of the socket: what clients send, and what the server sends."""

import json
from typing import Any, Literal

from pydantic import Field, ValidationError

from shared.aws.clients import sockets
from shared.core.errors import AppError, Invalid
from shared.core.wire import View, Wire


class ChannelMessage(Wire):
    channel: str = Field(description="`job:` and the job's id", examples=["job:job_01K0M3T5V7X9Z1B3D5F7H9K1M3"])


class Subscribe(ChannelMessage):
    """A request for the job's snapshot and its later events."""

    type: Literal["subscribe"]


class Unsubscribe(ChannelMessage):
    """A request to stop the job's events."""

    type: Literal["unsubscribe"]


class SocketError(View):
    """The server's refusal of a client message. The socket stays open."""

    type: Literal["error"] = "error"
    code: str
    detail: str


ClientMessage = Subscribe | Unsubscribe


def channel_of(job_id: str) -> str:
    return f"job:{job_id}"


def read_channel(event: dict[str, Any], expected: type[ClientMessage]) -> str:
    """Return the job's id in the message's channel. Raise Invalid."""
    try:
        message = expected.model_validate_json(event.get("body") or "")
    except ValidationError as error:
        raise Invalid('Send {"type": "subscribe", "channel": "job:<id>"}.') from error
    kind, _, job_id = message.channel.partition(":")
    if kind != "job" or not job_id.isascii() or not 0 < len(job_id) <= 64:
        raise Invalid("The only channels are job:<id>.")
    return job_id


def send(connection_id: str, message: View) -> bool:
    """Send to one socket. Return False if the client has disconnected."""
    client = sockets()
    data = json.dumps(message.model_dump(mode="json", by_alias=True)).encode()
    try:
        client.post_to_connection(ConnectionId=connection_id, Data=data)
    except client.exceptions.GoneException:
        return False
    return True


def refuse(connection_id: str, error: AppError) -> dict[str, int]:
    """Send the error to the client. The socket stays open."""
    send(connection_id, SocketError(code=error.code, detail=error.detail))
    return {"statusCode": error.status}
