"""Reads and writes of users."""

from collections.abc import Iterable
from datetime import datetime

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound
from shared.users.record import EmailClaimRecord, UserRecord


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

    def appoint(self, user_id: str, *, admin: bool, at: datetime) -> None:
        """Make the user a platform admin, or dismiss this one. Raise UserNotFound."""
        with on_refusal(UserNotFound("There is no such user.")):
            UserRecord(user_id).update(
                [UserRecord.platform_admin.set(admin), UserRecord.updated_at.set(at)], UserRecord.user_id.exists()
            )

    def several(self, user_ids: Iterable[str]) -> dict[str, UserRecord]:
        """Return those of the users that exist, by id."""
        return {user.user_id: user for user in UserRecord.batch_get(list(user_ids), consistent_read=True)}

    def id_by_email(self, email: str) -> str | None:
        try:
            return EmailClaimRecord.get(email, consistent_read=True).user_id
        except EmailClaimRecord.DoesNotExist:
            return None


users = UserStore()
