"""The messages of the socket: what clients send, and what the server sends."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field, ValidationError

from functions.realtime.posting import hang_up, reply
from shared.connections.record import ConnectionRecord
from shared.connections.store import ConnectionExpired, connections
from shared.core.clock import utc_now
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


class Ping(Wire):
    """A sign that the client is connected. API Gateway closes a connection after ten minutes without a message."""

    type: Literal["ping"]


class Pong(View):
    """The answer to a ping."""

    type: Literal["pong"] = "pong"


class SocketError(View):
    """The server's refusal of a client message. After the code `connection_expired` the server closes the socket."""

    type: Literal["error"] = "error"
    code: str
    detail: str


ClientMessage = Subscribe | Unsubscribe | Ping


def channel_of(job_id: str) -> str:
    return f"job:{job_id}"


def read_channel(event: dict[str, Any], expected: type[Subscribe | Unsubscribe]) -> str:
    """Return the job's id in the message's channel. Raise Invalid."""
    try:
        message = expected.model_validate_json(event.get("body") or "")
    except ValidationError as error:
        raise Invalid('Send {"type": "subscribe", "channel": "job:<id>"}.') from error
    kind, _, job_id = message.channel.partition(":")
    if kind != "job" or not job_id.isascii() or not 0 < len(job_id) <= 64:
        raise Invalid("The only channels are job:<id>.")
    return job_id


def answer(event: dict[str, Any], handle: Callable[[ConnectionRecord], View | None]) -> dict[str, int]:
    """Handle a client's message: send what `handle` returns, or the AppError that it raises.

    Close the socket if its token has expired. After other errors it stays open.
    """
    connection_id = event["requestContext"]["connectionId"]
    try:
        message = handle(connections.get(connection_id, at=utc_now()))
    except AppError as error:
        reply(connection_id, SocketError(code=error.code, detail=error.detail))
        if isinstance(error, ConnectionExpired):
            hang_up(connection_id)
        return {"statusCode": error.status}
    if message is not None:
        reply(connection_id, message)
    return {"statusCode": 200}
