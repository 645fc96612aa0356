"""Registrations that wait for the proof of their address. An address has no account before.

A token is `address.secret`, with the hash of the address. It works once, for a day. Several registrations of one
address can wait at the same time: the first proof decides.
"""

import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from shared.aws.transactions import Transaction
from shared.core.errors import Conflict
from shared.users.record import RegistrationRecord

REGISTRATION_LIFE = timedelta(days=1)


class LinkNotValid(Conflict):
    """The token in a link does not exist, is used, or has expired."""

    code = "link_not_valid"

    def __init__(self) -> None:
        super().__init__("This link is used or expired. Sign in, or request a new link.")


class RegistrationStore:
    def create(self, email: str, argon2_hash: str, name: str | None, *, at: datetime) -> str:
        """Write the registration and return its token."""
        return self._write(email, at, argon2_hash=argon2_hash, name=name)

    def new_address(self, email: str, user_id: str, *, at: datetime) -> str:
        """Write the user's new address, and return the token that proves it."""
        return self._write(email, at, user_id=user_id)

    @staticmethod
    def _write(email: str, at: datetime, **facts: Any) -> str:
        secret, address = secrets.token_urlsafe(32), digest(email)
        # Without a condition, because the secret is new.
        RegistrationRecord(address, digest(secret), email=email, expires_at=at + REGISTRATION_LIFE, **facts).save()
        return f"{address}.{secret}"

    def read(self, token: str, *, at: datetime) -> RegistrationRecord:
        """Return the registration of the token. Raise LinkNotValid."""
        address, _, secret = token.partition(".")
        if not address:  # DynamoDB refuses an empty key
            raise LinkNotValid
        with suppress(RegistrationRecord.DoesNotExist):
            found = RegistrationRecord.get(address, digest(secret), consistent_read=True)
            if found.expires_at > at:
                return found
        raise LinkNotValid

    def use(self, registration: RegistrationRecord, *, tx: Transaction) -> None:
        """Delete the registration. Fail the transaction with LinkNotValid if another request has used it."""
        record = RegistrationRecord
        key = record(registration.address_hash, registration.secret_hash)
        tx.delete(key, record.secret_hash.exists(), otherwise=LinkNotValid())

    def renew(self, email: str, *, at: datetime) -> str:
        """Give the newest registration of the address another token, and return it. Raise LinkNotValid without one.

        The canary does this, because it receives no email.
        """
        rows = RegistrationRecord.query(digest(email), consistent_read=True)
        found = [row for row in rows if row.expires_at > at and row.argon2_hash]
        if not found:
            raise LinkNotValid
        row = max(found, key=lambda one: one.expires_at)
        return self.create(email, row.argon2_hash, row.name, at=at)


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


registrations = RegistrationStore()
