"""Reads and writes of credentials."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from pynamodb.expressions.update import Action

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, Unauthorized
from shared.core.ids import new_id
from shared.credentials.record import PasswordRecord, RefreshFamilyRecord
from shared.credentials.refresh_tokens import RefreshToken

FAMILY_LIFE = timedelta(days=7)
_ENDED = "This session has ended. Sign in again."
REISSUE_WITHIN = timedelta(seconds=10)  # time after a rotation in which a retry receives the same new token


class SessionEnded(Unauthorized):
    code = "session_ended"


class _Refused(Exception):
    """Another write changed the family first."""


class CredentialStore:
    def set_password(self, user_id: str, argon2_hash: str, *, at: datetime, tx: Transaction) -> None:
        record = PasswordRecord(user_id, argon2_hash=argon2_hash, exact=True, updated_at=at)
        tx.put(record, PasswordRecord.user_id.does_not_exist(), otherwise=Conflict("The user has a password."))

    def password(self, user_id: str) -> PasswordRecord | None:
        try:
            return PasswordRecord.get(user_id, consistent_read=True)
        except PasswordRecord.DoesNotExist:
            return None

    def replace_password(
        self, user_id: str, argon2_hash: str, *, generation: int, otherwise: Exception, at: datetime, tx: Transaction
    ) -> None:
        """Set another password, which makes sessions and resets of this generation void.

        Fail the transaction with `otherwise` if the password has another generation.
        """
        record = PasswordRecord
        actions = [record.argon2_hash.set(argon2_hash), record.exact.set(True), record.updated_at.set(at)]
        self._next_generation(user_id, generation, actions, otherwise, tx)

    def end_sessions(self, user_id: str, *, generation: int, tx: Transaction) -> None:
        """Make all sessions and resets of this generation void. Fail the transaction with Conflict."""
        self._next_generation(user_id, generation, [], Conflict("Another request has changed this. Try again."), tx)

    @staticmethod
    def _next_generation(
        user_id: str, generation: int, actions: Sequence[Action], otherwise: Exception, tx: Transaction
    ) -> None:
        record = PasswordRecord
        same = record.generation == generation if generation else record.generation.does_not_exist()
        tx.update(
            record(user_id), [*actions, record.generation.set(generation + 1)], same & record.user_id.exists(),
            otherwise=otherwise,
        )  # fmt: skip

    def hash_again(self, stored: PasswordRecord, argon2_hash: str, *, at: datetime) -> None:
        """Replace the hash by another one of the same password, unless the password has changed."""
        record = PasswordRecord
        renewed = [record.argon2_hash.set(argon2_hash), record.exact.set(True), record.updated_at.set(at)]
        with suppress(_Refused), on_refusal(_Refused()):
            record(stored.user_id).update(renewed, record.argon2_hash == stored.argon2_hash)

    def begin_family(
        self, user_id: str, *, at: datetime, generation: int = 0, user_agent: str | None = None
    ) -> RefreshToken:
        """Write a new family and return its first refresh token. `generation` is the one of the checked password."""
        family_id = new_id("rft")
        # Without a condition, because the id is new. A condition would refuse this write when botocore sends it again.
        RefreshFamilyRecord(
            family_id,
            user_id=user_id,
            seq=0,
            generation=generation,
            user_agent=user_agent,
            created_at=at,
            rotated_at=at,
            expires_at=at + FAMILY_LIFE,
        ).save()
        return RefreshToken(family_id, 0)

    def families(self, user_id: str, *, at: datetime) -> list[RefreshFamilyRecord]:
        """Return the user's families that have not been ended, newest first. Eventually consistent."""
        found = RefreshFamilyRecord.by_user.query(user_id, scan_index_forward=False)
        return [family for family in found if _lives(family, at)]

    def keep_family(self, family_id: str, *, user_id: str, generation: int, tx: Transaction) -> None:
        """Give the user's session this generation of the password. Fail the transaction with SessionEnded."""
        record = RefreshFamilyRecord
        lives = (record.user_id == user_id) & record.revoked_at.does_not_exist()
        tx.update(record(family_id), [record.generation.set(generation)], lives, otherwise=SessionEnded(_ENDED))

    def end(self, family_id: str, *, user_id: str, at: datetime) -> bool:
        """End a session of the user. Return False if the user has no such session."""
        record = RefreshFamilyRecord
        with suppress(_Refused), on_refusal(_Refused()):
            record(family_id).update([record.revoked_at.set(at)], record.user_id == user_id)
            return True
        return False

    def rotate(self, token: RefreshToken, *, at: datetime) -> tuple[str, RefreshToken]:
        """Return the user's id and the token that replaces `token`, which must come from `read_refresh_token`.

        A retry within 10 s receives the same new token. A later reuse ends the family. Raise SessionEnded if the
        family has ended.
        """
        family = self._live_family(token.family_id, at)
        if int(family.generation or 0) != generation_of(self.password(family.user_id)):
            raise SessionEnded(_ENDED)
        if token.seq == family.seq:
            if self._advance(token, at):
                return family.user_id, RefreshToken(token.family_id, token.seq + 1)
            family = self._live_family(token.family_id, at)  # another request rotated it, or the session has ended
        if token.seq == family.seq - 1 and at - family.rotated_at <= REISSUE_WITHIN:
            return family.user_id, RefreshToken(token.family_id, int(family.seq))
        self.revoke(token, at=at)
        raise SessionEnded("This session was used from two places and has been ended. Sign in again.")

    def revoke(self, token: RefreshToken, *, at: datetime) -> None:
        """End the family. If it does not exist, do nothing."""
        record = RefreshFamilyRecord
        with suppress(_Refused), on_refusal(_Refused()):
            record(token.family_id).update([record.revoked_at.set(at)], record.family_id.exists())

    def has_ended(self, family_id: str, *, at: datetime) -> bool:
        try:
            self._live_family(family_id, at)
        except SessionEnded:
            return True
        return False

    def _advance(self, token: RefreshToken, at: datetime) -> bool:
        family = RefreshFamilyRecord
        with suppress(_Refused), on_refusal(_Refused()):
            family(token.family_id).update(
                [family.seq.set(token.seq + 1), family.rotated_at.set(at)],
                (family.seq == token.seq) & family.revoked_at.does_not_exist(),
            )
            return True
        return False

    def _live_family(self, family_id: str, at: datetime) -> RefreshFamilyRecord:
        with suppress(RefreshFamilyRecord.DoesNotExist):
            family = RefreshFamilyRecord.get(family_id, consistent_read=True)
            if _lives(family, at):
                return family
        raise SessionEnded(_ENDED)


def generation_of(password: PasswordRecord | None) -> int:
    return int(password.generation or 0) if password else 0


def _lives(family: RefreshFamilyRecord, at: datetime) -> bool:
    return family.revoked_at is None and bool(family.expires_at > at)


credentials = CredentialStore()
