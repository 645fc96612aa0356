"""Messages to addresses that a request names: nobody can send many of them to somebody else."""

from collections.abc import Callable
from datetime import datetime, timedelta

from shared.guesses.store import Delay, TooManyGuesses, guesses
from shared.mail.mail import MailUnavailable
from shared.users.registrations import digest

# Messages to one address that strangers can request: three at once, then with growing pauses, in which none is sent.
_MAILS = Delay(free=3, longest=timedelta(hours=1))


def not_often(email: str, send: Callable[[], None], at: datetime) -> None:
    """Call `send`, which sends a message to the address, unless the address had some just before."""
    try:
        message = guesses.begin({f"mail:{digest(email)}": _MAILS}, at=at)
    except TooManyGuesses:
        return
    try:
        send()
    except MailUnavailable:
        guesses.succeed(message)  # a message that was not sent does not count
        raise
