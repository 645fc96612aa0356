"""The requests of auth: create accounts; begin, renew and end sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from functions.auth.passwords import is_outdated, opens, password_hash, refuse_weak
from shared.access import tokens
from shared.aws import queues
from shared.aws.secrets import secret
from shared.aws.transactions import transaction
from shared.connections.messages import SessionOver
from shared.core.clock import utc_now
from shared.core.errors import Unauthorized
from shared.core.ids import new_id
from shared.credentials.device_tokens import device_token, read_device_token
from shared.credentials.refresh_tokens import RefreshToken, read_refresh_token
from shared.credentials.store import SessionEnded, credentials
from shared.credits.store import credits
from shared.guesses.store import Delay, guesses
from shared.observability import Metric, measure
from shared.stages.queues import FAN_OUT_QUEUE
from shared.users.record import UserRecord
from shared.users.store import EmailTaken, users

OPENING_CREDITS = 100  # credits of a new account

# The delays of guesses, by what the failed guesses have in common (docs/adr/0032). One client delays nobody else: the
# account's own delay begins after more failed guesses than one client has in an hour.
DELAYS = {
    "pair": Delay(free=5, longest=timedelta(minutes=15)),  # one account from one address of a client
    "client": Delay(free=20, longest=timedelta(minutes=15)),  # all accounts from one address of a client
    "account": Delay(free=50, longest=timedelta(seconds=30)),  # one account from all unknown devices
    "device": Delay(free=5, longest=timedelta(seconds=30)),  # one account from a known device
}
_NO_USER = "usr_none"


class WrongCredentials(Unauthorized):
    code = "wrong_credentials"


@dataclass(frozen=True, slots=True)
class Session:
    user_id: str
    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class SignIn:
    session: Session
    device_token: str


def register(email: str, password: str, name: str | None) -> None:
    """Create the user, the password and the credits in one transaction.

    A taken address changes neither the response nor its duration: the hash is computed before the address is checked.
    Raise WeakPassword.
    """
    refuse_weak(password, email)
    user_id, at = new_id("usr"), utc_now()
    argon2_hash = password_hash(password)
    try:
        with transaction() as tx:
            users.create(user_id, email=email, name=name, at=at, tx=tx)
            credentials.set_password(user_id, argon2_hash, at=at, tx=tx)
            credits.open_account(user_id, opening=OPENING_CREDITS, at=at, tx=tx)
    except EmailTaken:
        return
    measure(Metric.SIGN_UPS)
    measure(Metric.CREDITS_GRANTED, OPENING_CREDITS)


def login(email: str, password: str, *, client: str, device: str, at: datetime | None = None) -> SignIn:
    """Return a new session from the client's address, and the token with which its device is known from then on.

    Raise TooManyGuesses, or WrongCredentials. Neither depends on the existence of the account, nor does the time.
    """
    at = at or utc_now()
    device_id = _known_device(device, email)
    guess = guesses.begin(_counters(email, client, device_id), at=at)
    user_id = users.id_by_email(email)
    stored = credentials.password(user_id or _NO_USER)
    if not opens(stored, password) or user_id is None or stored is None:
        raise WrongCredentials("The address or the password is wrong.")
    guesses.succeed(guess)
    if is_outdated(stored):
        credentials.hash_again(stored, password_hash(password), at=at)
    session = _session(user_id, credentials.begin_family(user_id, at=at))
    return SignIn(session, device_token(device_id or new_id("dev"), email=email, key=_refresh_keys()[0]))


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


def _known_device(text: str, email: str) -> str | None:
    """Return the id of a device with which the owner of this address has signed in, or None."""
    known = (read_device_token(text, email=email, key=key) for key in _refresh_keys())
    return next((device_id for device_id in known if device_id), None)


def _counters(email: str, client: str, device_id: str | None) -> Mapping[str, Delay]:
    """Return the counters of a guess. Guesses of strangers do not delay a known device."""
    named = {"device": device_id} if device_id else {"pair": f"{client} {email}", "client": client, "account": email}
    return {f"{kind}:{sha256(text.encode()).hexdigest()}": DELAYS[kind] for kind, text in named.items()}


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
