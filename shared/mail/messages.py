"""The messages on the queue of notices. They are versioned, because a new version of the code reads older messages."""

from typing import Literal

from shared.core.wire import Wire


class FilmEnded(Wire):
    """A job is COMPLETED or FAILED. Its creator may want to know."""

    version: Literal[1] = 1
    job_id: str


class AccountErased(Wire):
    """An account is deleted. `address` gets the receipt, the last message to it."""

    version: Literal[1] = 1
    erasure_id: str
    address: str
