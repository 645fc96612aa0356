"""The requests of auth: create accounts; begin, renew and end sessions."""

from dataclasses import dataclass
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

from shared.access import tokens
from shared.aws import queues
from shared.aws.secrets import secret
from shared.aws.transactions import transaction
from shared.connections.messages import SessionOver
from shared.core.clock import utc_now
from shared.core.errors import Unauthorized
from shared.core.ids import new_id
from shared.credentials.refresh_tokens import RefreshToken, read_refresh_token
from shared.credentials.store import SessionEnded, credentials
from shared.credits.store import credits
from shared.observability import Metric, measure
from shared.stages.queues import FAN_OUT_QUEUE
from shared.users.record import UserRecord
from shared.users.store import EmailTaken, users

OPENING_CREDITS = 100  # credits of a new account


class WrongCredentials(Unauthorized):
    code = "wrong_credentials"


@dataclass(frozen=True, slots=True)
class Session:
    user_id: str
    access_token: str
    refresh_token: str


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


def register(email: str, password: str, name: str | None) -> None:
    """Create the user, the password and the credits in one transaction.

    A taken address changes neither the response nor its duration: the hash is computed before the address is checked.
    """
    user_id, at = new_id("usr"), utc_now()
    argon2_hash = _hasher().hash(password)
    try:
        with transaction() as tx:
            users.create(user_id, email=email, name=name, at=at, tx=tx)
            credentials.set_password(user_id, argon2_hash, at=at, tx=tx)
            credits.open_account(user_id, opening=OPENING_CREDITS, at=at, tx=tx)
    except EmailTaken:
        return
    measure(Metric.SIGN_UPS)
    measure(Metric.CREDITS_GRANTED, OPENING_CREDITS)


def login(email: str, password: str) -> Session:
    """Return a new session. Raise WrongCredentials, after the same time for an unknown address and a wrong password."""
    user_id = users.id_by_email(email)
    known_hash = credentials.password_hash(user_id) if user_id else None
    if not _matches(known_hash, password) or user_id is None:
        raise WrongCredentials("The address or the password is wrong.")
    return _session(user_id, credentials.begin_family(user_id, at=utc_now()))


def refresh(text: str) -> Session:
    """Return the session with the token's only successor. A forged token changes nothing.

    Raise SessionEnded. A reused token ends the session and closes its sockets.
    """
    token = _authentic(text)
    if token is None:
        raise SessionEnded("This session has ended. Sign in again.")
    try:
        user_id, successor = credentials.rotate(token, at=utc_now())
    except SessionEnded:
        _close_sockets(token)
        raise
    return _session(user_id, successor)


def logout(text: str) -> None:
    """End the session and close its sockets, if the token is authentic."""
    if token := _authentic(text):
        credentials.revoke(token, at=utc_now())
        _close_sockets(token)


def user(user_id: str) -> UserRecord:
    return users.get(user_id)


def _matches(known_hash: str | None, password: str) -> bool:
    """Return whether the password has this hash. Without a hash, take the same time and return False."""
    if known_hash is None:
        _hasher().hash(password)
        return False
    try:
        return _hasher().verify(known_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def _close_sockets(token: RefreshToken) -> None:
    """Request that all sockets of the session are closed. The request is repeated with each use of an ended session."""
    queues.send(FAN_OUT_QUEUE, SessionOver(session_id=token.family_id), group=token.family_id)


def _session(user_id: str, token: RefreshToken) -> Session:
    signing_key = secret("access-token-signing-key")
    access = tokens.issue(user_id, signing_key=signing_key, at=utc_now(), session_id=token.family_id)
    return Session(user_id, access, token.text(_refresh_keys()[0]))


def _authentic(text: str) -> RefreshToken | None:
    """Return the token, or None if none of the deployment's keys made it."""
    return next((token for key in _refresh_keys() if (token := read_refresh_token(text, key))), None)


def _refresh_keys() -> list[bytes]:
    """Return the current key, the next key and, after a rotation, the previous key.

    The current key makes tokens. A token of each key is accepted.
    """
    return [bytes.fromhex(key) for key in secret("refresh-token-key").split()]
