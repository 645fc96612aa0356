"""The requests that open accounts and set passwords (docs/adr/0039).

No answer, and no duration, tells whether an address has an account: only a message to the address does.
"""

from contextlib import suppress
from datetime import datetime

from functions.auth.service import NO_USER, close_sockets
from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.credentials.passwords import password_hash, refuse_weak
from shared.credentials.resets import resets
from shared.credentials.store import credentials, generation_of
from shared.credits.store import credits
from shared.mail import mail
from shared.observability import Metric, measure
from shared.proofs.mailing import not_often
from shared.proofs.proof import WrongPassword, prove_password
from shared.users.registrations import LinkNotValid, registrations
from shared.users.store import EmailTaken, users

OPENING_CREDITS = 100  # credits of a new account


def register(email: str, password: str, name: str | None) -> None:
    """Store the registration and send its link to the address. There is no account before `verify`.

    The owner of a taken address gets another message. Without email there is nobody to prove an address to, so the
    account exists at once. Raise WeakPassword or MailUnavailable.
    """
    refuse_weak(password, email)
    at, argon2_hash = utc_now(), password_hash(password)
    if not mail.sends():
        with suppress(EmailTaken):
            _open(email, argon2_hash, name, at)
        return

    def send() -> None:
        user_id, generation = _account(email)
        if user_id is None:
            mail.send_verification(email, token=registrations.create(email, argon2_hash, name, at=at))
        else:
            mail.send_taken(email, token=resets.create(user_id, generation, at=at))

    not_often(email, send, at)


def verify(token: str) -> None:
    """Open the account of a registration, or give an account its new address.

    Raise LinkNotValid, also if the address has an account now.
    """
    at = utc_now()
    pending = registrations.read(token, at=at)
    try:
        with transaction() as tx:
            registrations.use(pending, tx=tx)
            if pending.user_id:
                users.move(pending.user_id, pending.email, otherwise=LinkNotValid(), at=at, tx=tx)
            else:
                _add_account(pending.email, pending.argon2_hash, pending.name, at, tx)
    except EmailTaken:
        raise LinkNotValid from None
    if not pending.user_id:
        _count_sign_up()


def forget(email: str) -> None:
    """Send a link to the address that sets a new password. Raise MailUnavailable."""
    at = utc_now()

    def send() -> None:
        user_id, generation = _account(email)
        token = resets.create(user_id or NO_USER, generation, at=at)
        if user_id is None:
            mail.send_unknown(email)
        else:
            mail.send_reset(email, token=token)

    not_often(email, send, at)


def reset(token: str, password: str) -> None:
    """Set a new password and end all sessions. Raise WeakPassword or LinkNotValid."""
    at = utc_now()
    found = resets.find(token, at=at)
    user = users.several([found.user_id]).get(found.user_id) if found else None
    if found is None or user is None:  # the link of an unknown address has no user
        raise LinkNotValid
    refuse_weak(password, user.email)
    argon2_hash = password_hash(password)
    with transaction() as tx:
        credentials.replace_password(
            user.user_id, argon2_hash, generation=int(found.generation), otherwise=LinkNotValid(), at=at, tx=tx
        )
    end_all(user.user_id, at)


def change(user_id: str, session_id: str | None, *, old: str, new: str) -> None:
    """Set a new password and end all other sessions. Raise WrongPassword, TooManyGuesses or WeakPassword."""
    at = utc_now()
    stored = prove_password(user_id, old, at=at)
    refuse_weak(new, users.get(user_id).email)
    generation, argon2_hash = generation_of(stored), password_hash(new)
    with transaction() as tx:
        changed = WrongPassword("Another request has changed the password.")
        credentials.replace_password(
            user_id, argon2_hash, generation=generation, otherwise=changed, at=at, tx=tx
        )  # fmt: skip
        if session_id:
            credentials.keep_family(session_id, user_id=user_id, generation=generation + 1, tx=tx)
    end_all(user_id, at, but=session_id)


def sign_out_everywhere(user_id: str) -> None:
    """End all sessions. Links that set a new password are void too. A user without a password has no sessions."""
    if stored := credentials.password(user_id):
        with transaction() as tx:
            credentials.end_sessions(user_id, generation=generation_of(stored), tx=tx)
    end_all(user_id, utc_now())


def end_all(user_id: str, at: datetime, *, but: str | None = None) -> None:
    """Close the sockets of the user's sessions, except those of the session `but`. The sessions are void already."""
    for family in credentials.families(user_id, at=at):
        if family.family_id != but:
            credentials.end(family.family_id, user_id=user_id, at=at)
            close_sockets(family.family_id)


def _account(email: str) -> tuple[str | None, int]:
    """Return the user who has the address, and the generation of the password, with two reads in any case."""
    user_id = users.id_by_email(email)
    return user_id, generation_of(credentials.password(user_id or NO_USER))


def _open(email: str, argon2_hash: str, name: str | None, at: datetime) -> None:
    with transaction() as tx:
        _add_account(email, argon2_hash, name, at, tx)
    _count_sign_up()


def _add_account(email: str, argon2_hash: str, name: str | None, at: datetime, tx: Transaction) -> None:
    """Add the user, the password and the opening credits to the transaction. It fails with EmailTaken."""
    user_id = new_id("usr")
    users.create(user_id, email=email, name=name, at=at, tx=tx)
    credentials.set_password(user_id, argon2_hash, at=at, tx=tx)
    credits.open_account(user_id, opening=OPENING_CREDITS, at=at, tx=tx)


def _count_sign_up() -> None:
    measure(Metric.SIGN_UPS)
    measure(Metric.CREDITS_GRANTED, OPENING_CREDITS)
