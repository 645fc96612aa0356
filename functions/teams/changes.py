"""The parts that the changes of organizations share: checks of roles, counters, and the audit log."""

from datetime import datetime

from shared.access.permissions import AccountRole
from shared.audit.store import AuditAction, audit_log
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, Forbidden
from shared.members.actor import Actor
from shared.members.record import MemberRecord
from shared.members.store import members
from shared.organizations.store import organizations

MOST_ORGANIZATIONS = 20  # maximum number of a user's organizations


class TooManyOrganizations(Conflict):
    code = "too_many_organizations"

    def __init__(self) -> None:
        super().__init__(f"You are a member of {MOST_ORGANIZATIONS} organizations. Leave one first.")


def note(
    organization_id: str,
    action: AuditAction,
    caller: Actor,
    at: datetime,
    tx: Transaction,
    subject: str | None = None,
    **details: object,
) -> None:
    """Add an entry of the audit log to the transaction."""
    audit_log.add(
        organization_id, action, user_id=caller.user_id, source=caller.source, at=at, tx=tx, subject=subject, **details
    )


def member_below(organization_id: str, member_id: str, caller: Actor) -> tuple[MemberRecord, MemberRecord]:
    """Return the caller's membership and the member. Raise MemberNotFound, or Forbidden for a higher role."""
    own = caller.member(organization_id)
    member = members.get(organization_id, member_id)
    check_covers(own, AccountRole(member.role))
    return own, member


def check_covers(own: MemberRecord, role: AccountRole) -> None:
    if not AccountRole(own.role).covers(role):
        raise Forbidden(f"The role {role} is above your role {own.role}.")


def keep(own: MemberRecord, member: MemberRecord, tx: Transaction) -> None:
    """Fail the transaction if the caller's role has changed. A transaction writes an item once, so not for oneself."""
    if not members.is_same(own, member):
        members.keeps_role(own, tx=tx)


def count_owners(member: MemberRecord, role: AccountRole, tx: Transaction) -> None:
    change_ = int(role is AccountRole.OWNER) - int(member.role == AccountRole.OWNER)
    if change_:
        organizations.count(member.organization_id, owners=change_, tx=tx)


def check_number_of_organizations(caller: Actor) -> None:
    """Raise TooManyOrganizations. Requests at the same time can exceed the number, by some organizations."""
    if len(members.of_user(caller.user_id)) >= MOST_ORGANIZATIONS:
        raise TooManyOrganizations
