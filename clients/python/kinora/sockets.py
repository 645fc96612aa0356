"""One connection for the events of a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .errors import ConnectionFailed
from .settings import Settings

OPEN_SECONDS = 5.0


class Socket:
    """An open connection that is subscribed to one job."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def send(self, message: dict[str, str]) -> None:
        self._connection.send(json.dumps(message))

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message, or None after `seconds` without one."""
        try:
            message: dict[str, Any] = json.loads(self._connection.recv(timeout=seconds))
        except TimeoutError:
            return None
        return message


@contextmanager
def subscribed(settings: Settings, job_id: str) -> Iterator[Socket]:
    """Open a connection that is subscribed to the job. Raise ConnectionFailed when it fails or ends."""
    from websockets.exceptions import WebSocketException  # noqa: PLC0415  # only streams need it
    from websockets.sync.client import connect  # noqa: PLC0415  # the same

    try:
        with connect(
            settings.socket_url,
            additional_headers={"Authorization": f"Bearer {settings.api_key}"},
            proxy=settings.proxy or True,  # True: that of the environment
            open_timeout=OPEN_SECONDS,
            close_timeout=1,
        ) as connection:
            socket = Socket(connection)
            socket.send({"type": "subscribe", "channel": f"job:{job_id}"})
            yield socket
    except (WebSocketException, OSError, ValueError) as error:
        raise ConnectionFailed(f"The events at {settings.socket_url} cannot be received: {error}.") from error
