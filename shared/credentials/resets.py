"""Tokens that set a new password. A token works once, for an hour, and until the password changes in another way."""

import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256

from shared.credentials.record import PasswordResetRecord

RESET_LIFE = timedelta(hours=1)


class ResetStore:
    def create(self, user_id: str, generation: int, *, at: datetime) -> str:
        """Write a reset of the password with this generation, and return its token. The table has the hash only."""
        token = secrets.token_urlsafe(32)
        # Without a condition, because the token is new.
        PasswordResetRecord(_hash(token), user_id=user_id, generation=generation, expires_at=at + RESET_LIFE).save()
        return token

    def find(self, token: str, *, at: datetime) -> PasswordResetRecord | None:
        """Return the reset of the token, or None without one that is valid. It may be used: its generation tells."""
        with suppress(PasswordResetRecord.DoesNotExist):
            found = PasswordResetRecord.get(_hash(token), consistent_read=True)
            if found.expires_at > at:
                return found
        return None


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


resets = ResetStore()
