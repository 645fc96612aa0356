"""The caller of a request that acts on accounts."""

from collections.abc import Container, Iterable

from shared.access.permissions import ROLES, AccountRole, Permission
from shared.aws.transactions import Transaction
from shared.core.errors import Forbidden, NotFound
from shared.core.ids import organization_of
from shared.members.record import MemberRecord
from shared.members.store import members


class OrganizationNotFound(NotFound):
    code = "organization_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such organization.")


class Actor(Container[str]):
    """A user who acts with one permission, and the accounts on which the user may do so.

    These are the user's own account, and each organization in which the user has a role. The role is read from the
    table when the request names the account, once for each request. So a removed member is out at the next request.
    `account_id in actor` raises Forbidden for a member whose role lacks the permission.
    """

    def __init__(self, user_id: str, permission: Permission, *, source: str = "", key_id: str | None = None) -> None:
        """`source` is the address from which the request came, `key_id` the key of the program that sent it."""
        self.user_id, self.source, self.key_id = user_id, source, key_id
        self._permission = permission
        self._memberships: dict[str, MemberRecord | None] = {}

    def __contains__(self, account_id: object) -> bool:
        if not isinstance(account_id, str) or organization_of(account_id) is None:
            return account_id == self.user_id
        member = self._membership(account_id)
        if member is None:
            return False
        if self._permission not in ROLES[AccountRole(member.role)]:
            raise Forbidden(f"This needs the permission {self._permission}. Your role {member.role} does not have it.")
        return True

    def account(self, organization_id: str | None) -> str:
        """Return the account that a request names: an organization's, or the user's own. Raise OrganizationNotFound."""
        return self.user_id if organization_id is None else self.member(organization_id).organization_id

    def member(self, organization_id: str) -> MemberRecord:
        """Return the user's membership. Raise OrganizationNotFound, or Forbidden if its role lacks the permission."""
        if organization_id not in self or not (member := self._membership(organization_id)):
            raise OrganizationNotFound
        return member

    def unread(self, account_id: str) -> list[tuple[str, str]]:
        """Return the key of the membership that a check of the account will read, for a read with other items."""
        if organization_of(account_id) is None or account_id in self._memberships:
            return []
        return [(account_id, self.user_id)]

    def remember(self, keys: Iterable[tuple[str, str]], found: Iterable[MemberRecord]) -> None:
        """Use the memberships that were read with these keys of `unread`."""
        self._memberships |= {organization_id: None for organization_id, _ in keys}
        self._memberships |= {member.organization_id: member for member in found}

    def stays_member(self, account_id: str, *, tx: Transaction) -> None:
        """Fail the transaction with Forbidden if the user's role in the organization has changed since it was read."""
        if organization_of(account_id) is not None:
            members.keeps_role(self.member(account_id), tx=tx)

    def _membership(self, organization_id: str) -> MemberRecord | None:
        if organization_of(organization_id) is None:
            return None
        if organization_id not in self._memberships:
            self._memberships[organization_id] = members.find(organization_id, self.user_id)
        return self._memberships[organization_id]
