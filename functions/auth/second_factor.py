"""The requests of second factors (docs/adr/0043), and the check of a code."""

from base64 import b32encode
from collections.abc import Sequence
from datetime import datetime, timedelta

from functions.auth.schemas import TotpSecretView, TotpView
from shared.core.clock import utc_now
from shared.core.errors import Forbidden
from shared.credentials.record import PasswordRecord
from shared.credentials.store import credentials
from shared.credentials.totp import TotpEnabled, TotpNotEnabled, second_factors, totp
from shared.guesses.store import Delay, guesses
from shared.proofs.proof import prove_password
from shared.users.store import users

ISSUER = "Kinora"
# Only somebody who knows the password can guess codes. 100 guesses a day find one of three codes in 1,000,000 rarely.
_CODES = Delay(free=5, longest=timedelta(minutes=15))


class CodeNeeded(Forbidden):
    code = "code_needed"

    def __init__(self) -> None:
        super().__init__("This account has a second factor. Send its code, or a recovery code, as `code`.")


def state(user_id: str) -> TotpView:
    stored = credentials.password(user_id)
    enabled = bool(stored and stored.totp_confirmed)
    left = len(stored.recovery_hashes or ()) if stored else 0
    return TotpView(enabled=enabled, recovery_codes_left=left)


def begin(user_id: str, password: str) -> TotpSecretView:
    """Offer a secret. It replaces an earlier one that was not confirmed. Raise WrongPassword or TotpEnabled."""
    if prove_password(user_id, password, at=utc_now()).totp_confirmed:
        raise TotpEnabled
    email, secret = users.get(user_id).email, second_factors.offer(user_id)
    uri = totp(secret).get_provisioning_uri(email, ISSUER)
    return TotpSecretView(secret=b32encode(secret).decode(), uri=uri)


def enable(user_id: str, code: str) -> Sequence[str]:
    """Return the recovery codes. Raise WrongCode, TotpEnabled or TotpNotEnabled."""
    stored, at = credentials.password(user_id), utc_now()
    if stored is None or not stored.totp_sealed:
        raise TotpNotEnabled
    return second_factors.confirm(stored, code, at=at)


def disable(user_id: str, password: str, code: str) -> None:
    """Remove the second factor. Raise WrongPassword, WrongCode or TotpNotEnabled."""
    at = utc_now()
    stored = prove_password(user_id, password, at=at)
    if not stored.totp_confirmed:
        raise TotpNotEnabled
    check_code(stored, code, at=at)
    second_factors.remove(stored)


def check_code(stored: PasswordRecord, code: str | None, *, at: datetime) -> None:
    """Use the code, if the account has a second factor. Raise CodeNeeded, WrongCode or TooManyGuesses."""
    if not stored.totp_confirmed:
        return
    if code is None:
        raise CodeNeeded
    guess = guesses.begin({f"code:{stored.user_id}": _CODES}, at=at)
    second_factors.use(stored, code, at=at)
    guesses.succeed(guess)
