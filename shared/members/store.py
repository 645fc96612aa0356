"""Reads and writes of members. The organization's counters change in the caller's transaction."""

from collections.abc import Collection, Sequence
from datetime import datetime

from shared.access.permissions import ROLES, AccountRole, Permission
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, Forbidden, NotFound
from shared.core.ids import organization_of
from shared.members.record import MemberRecord


class MemberNotFound(NotFound):
    code = "member_not_found"

    def __init__(self) -> None:
        super().__init__("This organization has no such member.")


class AlreadyMember(Conflict):
    code = "already_member"

    def __init__(self) -> None:
        super().__init__("This user is a member of the organization already.")


class MemberChanged(Conflict):
    """Another request has changed the member's role, or has removed the member."""

    code = "member_changed"

    def __init__(self) -> None:
        super().__init__("Another request has changed this member. Read the members again.")


class MemberStore:
    def find(self, organization_id: str, user_id: str) -> MemberRecord | None:
        try:
            return MemberRecord.get(organization_id, user_id, consistent_read=True)
        except MemberRecord.DoesNotExist:
            return None

    def get(self, organization_id: str, user_id: str) -> MemberRecord:
        """Return the member. Raise MemberNotFound."""
        if found := self.find(organization_id, user_id):
            return found
        raise MemberNotFound

    def of_organization(self, organization_id: str) -> Sequence[MemberRecord]:
        """Return all members. Their number is limited by `MOST_MEMBERS` of organizations."""
        return list(MemberRecord.query(organization_id, consistent_read=True))

    def of_user(self, user_id: str) -> Sequence[MemberRecord]:
        """Return the user's memberships, newest organization first. Eventually consistent."""
        return list(MemberRecord.by_user.query(user_id, scan_index_forward=False))

    def readers(self, account_id: str, user_ids: Collection[str], permission: Permission) -> Collection[str]:
        """Return those of the users who may act on the account with the permission, with at most one BatchGet."""
        if organization_of(account_id) is None or not user_ids:
            return {account_id}
        keys = [(account_id, user_id) for user_id in set(user_ids)]
        found = MemberRecord.batch_get(keys, consistent_read=True)
        return {member.user_id for member in found if permission in ROLES[AccountRole(member.role)]}

    def add(self, organization_id: str, user_id: str, role: AccountRole, *, at: datetime, tx: Transaction) -> None:
        """Fail the transaction with AlreadyMember."""
        record = MemberRecord(organization_id, user_id, role=role.value, created_at=at)
        tx.put(record, MemberRecord.user_id.does_not_exist(), otherwise=AlreadyMember())

    def change(self, member: MemberRecord, role: AccountRole, monthly_cap: float | None, *, tx: Transaction) -> None:
        """Set the role and the cap. Fail the transaction with MemberChanged if they are not those of `member`."""
        record = MemberRecord
        same_cap = (
            record.monthly_cap.does_not_exist()
            if member.monthly_cap is None
            else record.monthly_cap == member.monthly_cap
        )
        cap = record.monthly_cap.remove() if monthly_cap is None else record.monthly_cap.set(monthly_cap)
        key = record(member.organization_id, member.user_id)
        unchanged = (record.role == member.role) & same_cap
        tx.update(key, [record.role.set(role.value), cap], unchanged, otherwise=MemberChanged())

    def remove(self, member: MemberRecord, *, tx: Transaction) -> None:
        """Fail the transaction with MemberChanged."""
        key = MemberRecord(member.organization_id, member.user_id)
        tx.delete(key, MemberRecord.role == member.role, otherwise=MemberChanged())

    @staticmethod
    def is_same(one: MemberRecord, other: MemberRecord) -> bool:
        """Return whether the two records of one organization are of the same user."""
        return bool(one.user_id == other.user_id)

    def keeps_role(self, member: MemberRecord, *, otherwise: Exception | None = None, tx: Transaction) -> None:
        """Fail the transaction if the member no longer has this role. The default is Forbidden."""
        refusal = otherwise or Forbidden("Your role in the organization has changed.")
        tx.check(
            MemberRecord, member.organization_id, MemberRecord.role == member.role, sort=member.user_id,
            otherwise=refusal,
        )  # fmt: skip


members = MemberStore()
