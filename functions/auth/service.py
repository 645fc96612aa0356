"""The requests of auth that begin, renew and end sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from functions.auth.second_factor import check_code
from shared.access import tokens
from shared.aws import queues
from shared.aws.secrets import secret
from shared.connections.messages import SessionOver
from shared.core.clock import utc_now
from shared.core.errors import NotFound, Unauthorized
from shared.core.ids import new_id
from shared.credentials.device_tokens import device_token, read_device_token
from shared.credentials.passwords import is_outdated, opens, password_hash
from shared.credentials.record import RefreshFamilyRecord
from shared.credentials.refresh_tokens import RefreshToken, read_refresh_token
from shared.credentials.store import SessionEnded, credentials, generation_of
from shared.guesses.store import Delay, guesses
from shared.quotas.store import quotas
from shared.stages.queues import FAN_OUT_QUEUE
from shared.users.store import users

# The delays of guesses, by what the failed guesses have in common (docs/adr/0032). One client delays nobody else: the
# account's own delay begins after more failed guesses than one client has in an hour.
DELAYS = {
    "pair": Delay(free=5, longest=timedelta(minutes=15)),  # one account from one address of a client
    "client": Delay(free=20, longest=timedelta(minutes=15)),  # all accounts from one address of a client
    "account": Delay(free=50, longest=timedelta(seconds=30)),  # one account from all unknown devices
    "device": Delay(free=5, longest=timedelta(seconds=30)),  # one account from a known device
}
NO_USER = "usr_none"  # addresses without an account get the reads of this user


class WrongCredentials(Unauthorized):
    code = "wrong_credentials"


class SessionNotFound(NotFound):
    code = "session_not_found"


@dataclass(frozen=True, slots=True)
class Session:
    user_id: str
    access_token: str
    refresh_token: str


@dataclass(frozen=True, slots=True)
class SignIn:
    session: Session
    device_token: str


def login(
    email: str,
    password: str,
    *,
    client: str,
    device: str,
    user_agent: str | None = None,
    code: str | None = None,
    at: datetime | None = None,
) -> SignIn:
    """Return a new session from the client's address, and the token with which its device is known from then on.

    Raise TooManyGuesses or WrongCredentials. Neither depends on the existence of the account, nor does the time. After
    the right password, raise Suspended for a suspended user, and CodeNeeded or WrongCode for an account with a second
    factor.
    """
    at = at or utc_now()
    device_id = _known_device(device, email)
    guess = guesses.begin(_counters(email, client, device_id), at=at)
    user_id = users.id_by_email(email)
    stored = credentials.password(user_id or NO_USER)
    if not opens(stored, password) or user_id is None or stored is None:
        raise WrongCredentials("The address or the password is wrong.")
    guesses.succeed(guess)
    quotas.check(user_id)
    check_code(stored, code, at=at)
    if is_outdated(stored):
        credentials.hash_again(stored, password_hash(password), at=at)
    # With the generation of the password that was checked: if it has changed meanwhile, the session is void.
    token = credentials.begin_family(user_id, at=at, generation=generation_of(stored), user_agent=user_agent)
    session = _session(user_id, token)
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
        close_sockets(token.family_id)
        raise
    return _session(user_id, successor)


def logout(text: str) -> None:
    """End the session and close its sockets, if the token is authentic."""
    if token := _authentic(text):
        credentials.revoke(token, at=utc_now())
        close_sockets(token.family_id)


def sessions(user_id: str) -> list[RefreshFamilyRecord]:
    """Return the user's sessions, newest first."""
    generation = generation_of(credentials.password(user_id))
    families = credentials.families(user_id, at=utc_now())
    return [family for family in families if int(family.generation or 0) == generation]


def end(session_id: str, user_id: str) -> None:
    """End a session of the user and close its sockets. Raise SessionNotFound."""
    if not credentials.end(session_id, user_id=user_id, at=utc_now()):
        raise SessionNotFound("There is no such session.")
    close_sockets(session_id)


def _known_device(text: str, email: str) -> str | None:
    """Return the id of a device with which the owner of this address has signed in, or None."""
    known = (read_device_token(text, email=email, key=key) for key in _refresh_keys())
    return next((device_id for device_id in known if device_id), None)


def _counters(email: str, client: str, device_id: str | None) -> Mapping[str, Delay]:
    """Return the counters of a guess. Guesses of strangers do not delay a known device."""
    named = {"device": device_id} if device_id else {"pair": f"{client} {email}", "client": client, "account": email}
    return {f"{kind}:{sha256(text.encode()).hexdigest()}": DELAYS[kind] for kind, text in named.items()}


def close_sockets(session_id: str) -> None:
    """Request that all sockets of the session are closed. The request is repeated with each use of an ended session."""
    queues.send(FAN_OUT_QUEUE, SessionOver(session_id=session_id), group=session_id)


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
