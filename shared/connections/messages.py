"""The messages on the fan-out queue. They are versioned, because a new version of the code reads older messages."""

from typing import Literal

from shared.core.wire import Wire


class FanOut(Wire):
    """A request to send the job's newest state to all subscribers, because the change with `seq` happened.

    The first message of a pass has no `pass_id`. The later ones continue after the connection `after`.
    """

    version: Literal[1] = 1
    job_id: str
    seq: int
    pass_id: str | None = None
    after: str | None = None


class CatchUp(Wire):
    """A request to send the job's newest state to connections that did not accept a message."""

    version: Literal[1] = 1
    job_id: str
    connection_ids: tuple[str, ...]
    tries: int = 0  # number of earlier requests for the same connections


class AccountOver(Wire):
    """A request to close all connections of a user whose account is suspended."""

    version: Literal[1] = 1
    account_id: str
    tries: int = 0  # number of earlier requests for the same account


class SessionOver(Wire):
    """A request to close all connections of a session that has ended."""

    version: Literal[1] = 1
    session_id: str
    tries: int = 0  # number of earlier requests for the same session
