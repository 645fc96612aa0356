"""The second factor of a sign-in: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

The secret is encrypted by KMS for its user. A code works once, and so does a recovery code.
"""

import hmac
import secrets
from base64 import b32decode, b32encode
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from shared.aws.records import on_refusal
from shared.aws.sealing import seal, unseal
from shared.core.errors import Conflict, Forbidden
from shared.credentials.record import PasswordRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.twofactor.totp import TOTP

STEP_SECONDS = 30
DIGITS = 6
SECRET_BYTES = 20  # RFC 4226, section 4
CODES = 10  # number of recovery codes
_PURPOSE = "totp"


class WrongCode(Forbidden):
    code = "wrong_code"

    def __init__(self) -> None:
        super().__init__("The code is wrong, or it was used already.")


class TotpEnabled(Conflict):
    code = "totp_enabled"

    def __init__(self) -> None:
        super().__init__("The second factor is enabled already. Disable it first.")


class TotpNotEnabled(Conflict):
    """The absence of a second factor, or of one that waits for its first code."""

    code = "totp_not_enabled"

    def __init__(self) -> None:
        super().__init__("There is no second factor. Create one first.")


class TotpStore:
    def offer(self, user_id: str) -> bytes:
        """Store a new secret, which counts after its first code, and return it. Raise TotpEnabled."""
        secret, record = secrets.token_bytes(SECRET_BYTES), PasswordRecord
        sealed = seal(b32encode(secret).decode(), purpose=_PURPOSE, owner=user_id)
        with on_refusal(TotpEnabled()):
            unconfirmed = record.user_id.exists() & record.totp_confirmed.does_not_exist()
            record(user_id).update([record.totp_sealed.set(sealed)], unconfirmed)
        return secret

    def confirm(self, stored: PasswordRecord, code: str, *, at: datetime) -> Sequence[str]:
        """Enable the second factor with its first code. Return the recovery codes, which are stored as hashes.

        Raise TotpEnabled, TotpNotEnabled or WrongCode.
        """
        if stored.totp_confirmed:
            raise TotpEnabled
        step, codes, record = self._step(stored, code, at), [_recovery_code() for _ in range(CODES)], PasswordRecord
        hashes = {_hash(one) for one in codes}
        actions = [
            record.totp_confirmed.set(True),
            record.totp_step.set(step),
            record.recovery_hashes.set(hashes),
        ]
        with on_refusal(TotpEnabled()):
            same = (record.totp_sealed == stored.totp_sealed) & record.totp_confirmed.does_not_exist()
            record(stored.user_id).update(actions, same, done=lambda found: found.recovery_hashes == hashes)
        return codes

    def use(self, stored: PasswordRecord, code: str, *, at: datetime) -> None:
        """Use a code of the app, or a recovery code. Raise WrongCode, also if it was used before."""
        record, row = PasswordRecord, PasswordRecord(stored.user_id)
        used, mine = _hash(code.strip().lower()), secrets.token_hex(8)
        action: Action
        unused: Condition
        if used in (stored.recovery_hashes or ()):
            action, unused = record.recovery_hashes.delete({used}), record.recovery_hashes.contains(used)
        else:
            step = self._step(stored, code, at)
            action, unused = record.totp_step.set(step), record.totp_step < step
        with on_refusal(WrongCode()):
            row.update([action, record.totp_used_by.set(mine)], unused, done=lambda found: found.totp_used_by == mine)

    def remove(self, stored: PasswordRecord) -> None:
        """Remove the second factor and its recovery codes."""
        record = PasswordRecord
        names = (
            record.totp_sealed, record.totp_confirmed, record.totp_step, record.totp_used_by, record.recovery_hashes,
        )  # fmt: skip
        with suppress(TotpNotEnabled), on_refusal(TotpNotEnabled()):
            unchanged = record.totp_sealed == stored.totp_sealed
            record(stored.user_id).update([name.remove() for name in names], unchanged)

    @staticmethod
    def _step(stored: PasswordRecord, code: str, at: datetime) -> int:
        """Return the time step of the code: the current one, or one beside it. Raise WrongCode or TotpNotEnabled."""
        if not stored.totp_sealed:
            raise TotpNotEnabled
        app = totp(b32decode(unseal(stored.totp_sealed, purpose=_PURPOSE, owner=stored.user_id)))
        now = int(at.timestamp()) // STEP_SECONDS
        given = code.strip().encode("utf-8", "replace")
        matches = [
            step for step in (now - 1, now, now + 1) if hmac.compare_digest(app.generate(step * STEP_SECONDS), given)
        ]
        if not matches:
            raise WrongCode
        return matches[-1]


def totp(secret: bytes) -> "TOTP":
    """Return the generator of the app's codes."""
    from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415  # takes 60 ms, only for a second factor
    from cryptography.hazmat.primitives.twofactor.totp import TOTP  # noqa: PLC0415  # as above

    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303  # the only hash that all apps have


def _recovery_code() -> str:
    """Return a code of 50 random bits: "abcde-fgh23"."""
    letters = b32encode(secrets.token_bytes(8)).decode().lower()
    return f"{letters[:5]}-{letters[5:10]}"


def _hash(code: str) -> str:
    return sha256(code.encode("utf-8", "replace")).hexdigest()


second_factors = TotpStore()
