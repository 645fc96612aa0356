"""Repeated proofs of the password, for requests after which a stolen session could take the account over."""

from datetime import datetime, timedelta

from shared.core.errors import Forbidden
from shared.credentials.passwords import opens
from shared.credentials.record import PasswordRecord
from shared.credentials.store import credentials
from shared.guesses.store import Delay, guesses

_CHANGES = Delay(free=5, longest=timedelta(minutes=15))  # guesses of the password by somebody with a session


class WrongPassword(Forbidden):
    code = "wrong_password"


def prove_password(user_id: str, password: str, *, at: datetime) -> PasswordRecord:
    """Return the record of the user's password. Raise WrongPassword or TooManyGuesses."""
    guess = guesses.begin({f"change:{user_id}": _CHANGES}, at=at)
    stored = credentials.password(user_id)
    if not opens(stored, password) or stored is None:
        raise WrongPassword("The current password is wrong.")
    guesses.succeed(guess)
    return stored
