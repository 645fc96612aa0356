"""Keys of programs. A key is `kin_<id>_<secret>`, or `kin_test_<id>_<secret>` for tests.

Its user creates it, sees it once, and can revoke it.
"""

import hmac
import secrets
from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime
from hashlib import sha256

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound
from shared.core.ids import new_id
from shared.keys.record import ApiKeyRecord

PREFIX = "kin_"
TEST = "test_"  # after the prefix: the key's jobs get a fixed film and cost nothing. No id begins with it
MOST_KEYS = 50  # maximum number of a user's keys
_ID = "key"
_MOST_CHARACTERS = 200  # more than a key has


class KeyNotFound(NotFound):
    code = "key_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such key.")


class TooManyKeys(Conflict):
    code = "too_many_keys"

    def __init__(self) -> None:
        super().__init__(f"You have {MOST_KEYS} keys. Revoke one first.")


class _Revoked(Exception):
    """Another request has revoked the key."""


class ApiKeyStore:
    def create(
        self,
        user_id: str,
        *,
        name: str,
        scopes: Collection[str],
        monthly_cap: int | None,
        expires_at: datetime | None,
        test: bool = False,
        at: datetime,
    ) -> tuple[ApiKeyRecord, str]:
        """Write a key, and return it with its text. The table has the hash only. Raise TooManyKeys.

        Requests at the same time can exceed the number, by some keys.
        """
        if len(self.of_user(user_id)) >= MOST_KEYS:
            raise TooManyKeys
        key_id, secret = new_id(_ID), secrets.token_urlsafe(32)
        row = ApiKeyRecord(
            key_id,
            user_id=user_id,
            name=name,
            secret_hash=_hash(secret),
            scopes=sorted(set(scopes)),
            monthly_cap=monthly_cap,
            test=test or None,
            expires_at=expires_at,
            created_at=at,
        )
        row.save()  # without a condition, because the id is new
        return row, f"{PREFIX}{TEST * test}{key_id.removeprefix(f'{_ID}_')}_{secret}"

    def of_user(self, user_id: str) -> Sequence[ApiKeyRecord]:
        """Return the user's keys, newest first, also those that have expired. Eventually consistent."""
        return list(ApiKeyRecord.by_user.query(user_id, scan_index_forward=False))

    def find(self, key_id: str, *, at: datetime) -> ApiKeyRecord | None:
        """Return the key, or None if it does not exist or has expired."""
        with suppress(ApiKeyRecord.DoesNotExist):
            found = ApiKeyRecord.get(key_id, consistent_read=True)
            if found.expires_at is None or found.expires_at > at:
                return found
        return None

    def open(self, text: str, *, at: datetime) -> ApiKeyRecord | None:
        """Return the key with this text and note its use, or return None if it is not valid."""
        own = text.removeprefix(PREFIX)
        name, _, secret = own.removeprefix(TEST).partition("_")
        if len(text) > _MOST_CHARACTERS or not text.isascii():  # DynamoDB refuses such an id with an error
            return None
        row = self.find(f"{_ID}_{name}", at=at)
        if row is None or not hmac.compare_digest(row.secret_hash, _hash(secret)):
            return None
        if bool(row.test) != own.startswith(TEST):
            return None
        with suppress(_Revoked), on_refusal(_Revoked()):
            row.update([ApiKeyRecord.last_used_at.set(at)], ApiKeyRecord.key_id.exists(), returned=False)
            return row
        return None

    def revoke(self, key_id: str, *, user_id: str, tx: Transaction) -> None:
        """Delete the user's key. Fail the transaction with KeyNotFound."""
        tx.delete(ApiKeyRecord(key_id), ApiKeyRecord.user_id == user_id, otherwise=KeyNotFound())


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


api_keys = ApiKeyStore()
