"""Calls of `@connections`: send to one socket, and close one. One socket's error is an outcome, not an exception."""

import json
from collections.abc import Callable
from enum import Enum

from botocore.exceptions import BotoCoreError, ClientError

from shared.aws.clients import sockets
from shared.core.wire import View

REPLY_TRIES = 3


class Outcome(Enum):
    DONE = "done"
    GONE = "gone"  # the client has disconnected
    LATER = "later"  # a timeout, a throttle or an error of API Gateway: the same call can succeed later
    REFUSED = "refused"  # the same call fails again: the message is too large, or the permission is missing


class NoAnswer(Exception):
    """The reply to a client's message could not be sent. API Gateway then reports an error to the client."""


def encoded(message: View) -> bytes:
    return json.dumps(message.model_dump(mode="json", by_alias=True)).encode()


def post(connection_id: str, data: bytes) -> Outcome:
    """Send to one socket."""
    client = sockets()
    return _outcome(lambda: client.post_to_connection(ConnectionId=connection_id, Data=data))


def hang_up(connection_id: str) -> Outcome:
    """Close one socket."""
    client = sockets()
    return _outcome(lambda: client.delete_connection(ConnectionId=connection_id))


def reply(connection_id: str, message: View) -> None:
    """Send to the socket whose message the function handles. Raise NoAnswer."""
    data = encoded(message)
    for _ in range(REPLY_TRIES):
        outcome = post(connection_id, data)
        if outcome in {Outcome.DONE, Outcome.GONE}:
            return
    raise NoAnswer(outcome.value)


def _outcome(call: Callable[[], object]) -> Outcome:
    try:
        call()
    except ClientError as error:
        status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        if status == 410 or error.response["Error"]["Code"] == "GoneException":
            return Outcome.GONE
        return Outcome.LATER if status == 429 or status >= 500 else Outcome.REFUSED
    except BotoCoreError:
        return Outcome.LATER
    return Outcome.DONE
