"""Reads and writes of users."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pynamodb.expressions.update import Action

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, Invalid, NotFound
from shared.core.slices import Slice, first_of
from shared.core.versions import ANY_VERSION, IfMatch, PreconditionFailed
from shared.users.record import EmailClaimRecord, UserRecord

SCANNED_PAGES, SCANNED_USERS = 10, 200  # maximum pages of a search, and users of a page


class EmailTaken(Conflict):
    code = "email_taken"


class UserNotFound(NotFound):
    code = "user_not_found"


class UserStore:
    def create(self, user_id: str, *, email: str, name: str | None, at: datetime, tx: Transaction) -> None:
        """Write the user and the claim on the normalised address, which the user has proved to own.

        Fail the transaction with EmailTaken.
        """
        taken = EmailTaken("This address already has an account.")
        tx.put(EmailClaimRecord(email, user_id=user_id), EmailClaimRecord.email.does_not_exist(), otherwise=taken)
        record = UserRecord(user_id, email=email, name=name, email_verified=at, created_at=at, updated_at=at)
        tx.put(record, UserRecord.user_id.does_not_exist(), otherwise=taken)

    def change(
        self, user: UserRecord, values: Mapping[str, object], *, at: datetime, expected: IfMatch = ANY_VERSION
    ) -> UserRecord:
        """Set these attributes, or remove those that are None. Return the user.

        Raise UserNotFound, or PreconditionFailed for another version.
        """
        expected.check(user.etag)
        attributes = [(getattr(UserRecord, name), value) for name, value in values.items()]
        actions = [name.remove() if value is None else name.set(value) for name, value in attributes]
        same = UserRecord.updated_at == user.updated_at if expected.given else UserRecord.user_id.exists()
        with on_refusal(PreconditionFailed() if expected.given else UserNotFound("There is no such user.")):
            user.update([*actions, UserRecord.updated_at.set(at)], same)
        return user

    def move(self, user_id: str, email: str, *, otherwise: Exception, at: datetime, tx: Transaction) -> None:
        """Give the user the new address that the user has asked for and proved, and release the old one.

        Fail the transaction with EmailTaken, or with `otherwise` if the user has withdrawn the address.
        """
        record, claim = UserRecord, EmailClaimRecord
        try:
            old = self.get(user_id).email
        except UserNotFound:
            raise otherwise from None
        taken = EmailTaken("This address already has an account.")
        tx.put(claim(email, user_id=user_id), claim.email.does_not_exist(), otherwise=taken)
        tx.delete(claim(old), claim.user_id == user_id, otherwise=otherwise)
        actions = [
            record.email.set(email),
            record.email_verified.set(at),
            record.updated_at.set(at),
            record.new_email.remove(),
            record.new_email_until.remove(),
        ]
        wanted = (record.new_email == email) & (record.email == old)
        tx.update(record(user_id), actions, wanted, otherwise=otherwise)

    def remove(self, user: UserRecord, *, tx: Transaction) -> None:
        """Delete the user and the claim on the address. Fail the transaction with Conflict if the address changed."""
        changed = Conflict("The address of the account has changed. Try again.")
        tx.delete(UserRecord(user.user_id), UserRecord.email == user.email, otherwise=changed)
        tx.delete(EmailClaimRecord(user.email), EmailClaimRecord.user_id == user.user_id, otherwise=changed)

    def get(self, user_id: str) -> UserRecord:
        try:
            return UserRecord.get(user_id)
        except UserRecord.DoesNotExist:
            raise UserNotFound("There is no such user.") from None

    def is_platform_admin(self, user_id: str) -> bool:
        """Return whether the user operates the deployment. A deleted user does not."""
        try:
            return bool(UserRecord.get(user_id, consistent_read=True).platform_admin)
        except UserRecord.DoesNotExist:
            return False

    def appoint(self, user_id: str, *, admin: bool, at: datetime, tx: Transaction) -> None:
        """Make the user a platform admin, or dismiss this one. Fail the transaction with UserNotFound."""
        tx.update(
            UserRecord(user_id),
            [UserRecord.platform_admin.set(admin), UserRecord.updated_at.set(at)],
            UserRecord.user_id.exists(),
            otherwise=UserNotFound("There is no such user."),
        )

    def suspend(self, user_id: str, because: str | None, *, by: str, at: datetime, tx: Transaction) -> None:
        """Note that the user is suspended, or with None that the user is not. Fail the transaction with UserNotFound.

        `by` is the admin, who cannot suspend oneself: raise Invalid. `shared/quotas/store.py` refuses the requests of a
        suspended user.
        """
        if user_id == by:
            raise Invalid("You cannot suspend yourself.")
        record, actions = UserRecord, list[Action]()
        if because is None:
            actions = [record.suspended_at.remove(), record.suspended_because.remove()]
        else:
            actions = [record.suspended_at.set(at), record.suspended_because.set(because)]
        missing = UserNotFound("There is no such user.")
        tx.update(record(user_id), [*actions, record.updated_at.set(at)], record.user_id.exists(), otherwise=missing)

    def page(self, part: str, *, limit: int, after: str | None) -> Slice[UserRecord]:
        """Return at most `limit` users whose address contains `part`, from some pages of the whole table.

        The order is that of the table. A page can have fewer users, although the list goes on.
        """
        found: list[UserRecord] = []
        position: Any = {"user_id": {"S": after}} if after else None
        for _ in range(SCANNED_PAGES):
            rows, position = UserRecord.scan_page(position, SCANNED_USERS)
            found += [row for row in rows if part in row.email]
            if len(found) > limit:
                return first_of(found, limit, lambda row: row.user_id)
            if position is None:
                return Slice(found, None)
        return Slice(found, str(position["user_id"]["S"]))

    def several(self, user_ids: Iterable[str]) -> dict[str, UserRecord]:
        """Return those of the users that exist, by id."""
        return {user.user_id: user for user in UserRecord.batch_get(list(user_ids), consistent_read=True)}

    def id_by_email(self, email: str) -> str | None:
        try:
            return EmailClaimRecord.get(email, consistent_read=True).user_id
        except EmailClaimRecord.DoesNotExist:
            return None


users = UserStore()
