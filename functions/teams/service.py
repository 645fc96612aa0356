"""The requests of teams: organizations, their members, invites, credits and audit log.

Each change and its entry in the audit log are one transaction. The transaction checks that the caller still has the
role that the request relies on, so that of two owners who demote each other at the same time, one remains.
"""

from collections.abc import Sequence
from typing import TypeVar

from functions.teams.changes import (
    check_covers,
    check_number_of_organizations,
    count_owners,
    keep,
    member_below,
    note,
)
from functions.teams.schemas import (
    MemberUpdate,
    MemberView,
    OrganizationCreate,
    OrganizationDetailView,
    OrganizationView,
)
from shared.access.permissions import AccountRole
from shared.assets.store import assets
from shared.audit.record import AuditEntryRecord
from shared.audit.store import AuditAction, audit_log
from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.errors import Invalid
from shared.core.ids import ORGANIZATION, new_id
from shared.core.slices import Slice
from shared.core.versions import IfMatch
from shared.credits.store import credits
from shared.members.actor import Actor
from shared.members.record import MemberRecord
from shared.members.store import members
from shared.organizations.store import OrganizationNotEmpty, organizations
from shared.projects.store import projects
from shared.users.store import users
from shared.webhooks.store import webhooks

V = TypeVar("V")
Tagged = tuple[str, V]  # the ETag of a view, and the view

# --- organizations


def create(body: OrganizationCreate, caller: Actor, tx: Transaction) -> OrganizationView:
    """Add an organization to the transaction, with the caller as its owner."""
    check_number_of_organizations(caller)
    organization_id, at = new_id(ORGANIZATION), utc_now()
    record = organizations.create(organization_id, name=body.name, slug=body.slug, at=at, tx=tx)
    members.add(organization_id, caller.user_id, AccountRole.OWNER, at=at, tx=tx)
    credits.open_account(organization_id, opening=0, at=at, tx=tx)
    note(organization_id, AuditAction.ORGANIZATION_CREATED, caller, at, tx, name=body.name)
    return OrganizationView.of(record, AccountRole.OWNER)


def of_caller(caller: Actor) -> list[OrganizationView]:
    """Return the caller's organizations, newest first: one Query and one BatchGet."""
    found = members.of_user(caller.user_id)
    records = organizations.several(member.organization_id for member in found)
    return [
        OrganizationView.of(records[member.organization_id], AccountRole(member.role))
        for member in found
        if member.organization_id in records
    ]


def detail(organization_id: str, caller: Actor) -> Tagged[OrganizationDetailView]:
    member = caller.member(organization_id)
    record, account = organizations.get(organization_id), credits.account(organization_id)
    shown = OrganizationView.of(record, AccountRole(member.role)).model_dump()
    return record.etag, OrganizationDetailView(**shown, available=int(account.available), held=int(account.held))


def rename(organization_id: str, name: str, caller: Actor, expected: IfMatch) -> Tagged[OrganizationView]:
    member, at = caller.member(organization_id), utc_now()
    with transaction() as tx:
        members.keeps_role(member, tx=tx)
        organizations.rename(organization_id, name, at=at, tx=tx, expected=expected)
        note(organization_id, AuditAction.ORGANIZATION_RENAMED, caller, at, tx, name=name)
    record = organizations.get(organization_id)
    return record.etag, OrganizationView.of(record, AccountRole(member.role))


def delete(organization_id: str, caller: Actor) -> None:
    """Delete an organization whose last member is the caller. Its credits move to the caller.

    Raise OrganizationNotEmpty if it has other members, projects, assets or webhooks.
    """
    member, at = caller.member(organization_id), utc_now()
    record, left = organizations.get(organization_id), int(credits.account(organization_id).available)
    lists = projects.page, assets.page
    if any(page(account_id=organization_id, limit=1, after=None).items for page in lists):
        raise OrganizationNotEmpty
    if webhooks.of_account(organization_id):  # nobody could see or delete them afterwards
        raise OrganizationNotEmpty
    with transaction() as tx:
        organizations.delete(record, tx=tx)
        members.remove(member, tx=tx)
        if left:
            move = {"from_account": organization_id, "to_account": caller.user_id}
            credits.move(left, **move, operation_id=new_id("mov"), at=at, tx=tx)
        note(organization_id, AuditAction.ORGANIZATION_DELETED, caller, at, tx, name=record.name)


def transfer(organization_id: str, member_id: str, caller: Actor) -> OrganizationView:
    """Make another member the owner, and the caller an ADMIN."""
    member, at = caller.member(organization_id), utc_now()
    heir = members.get(organization_id, member_id)
    if members.is_same(heir, member):
        raise Invalid("Name another member.")
    with transaction() as tx:
        members.change(heir, AccountRole.OWNER, heir.monthly_cap, tx=tx)
        members.change(member, AccountRole.ADMIN, member.monthly_cap, tx=tx)
        if heir.role == AccountRole.OWNER:
            organizations.count(organization_id, owners=-1, tx=tx)
        note(organization_id, AuditAction.ORGANIZATION_TRANSFERRED, caller, at, tx, subject=member_id)
    return OrganizationView.of(organizations.get(organization_id), AccountRole.ADMIN)


def give(organization_id: str, amount: int, caller: Actor, tx: Transaction) -> OrganizationDetailView:
    """Add a move of credits from the caller's own account to the organization's to the transaction."""
    (_, before), at = detail(organization_id, caller), utc_now()
    caller.stays_member(organization_id, tx=tx)
    credits.move(
        amount, from_account=caller.user_id, to_account=organization_id, operation_id=new_id("mov"), at=at, tx=tx
    )
    note(organization_id, AuditAction.CREDITS_GIVEN, caller, at, tx, credits=amount)
    return before.model_copy(update={"available": before.available + amount})


# --- members


def list_members(organization_id: str, caller: Actor) -> list[MemberView]:
    caller.member(organization_id)
    return _member_views(organization_id, members.of_organization(organization_id))


def _member_views(organization_id: str, found: Sequence[MemberRecord]) -> list[MemberView]:
    ids = [member.user_id for member in found]
    known, spent = users.several(ids), credits.spent(organization_id, ids, at=utc_now())
    return [MemberView.of_user(member, known[member.user_id], spent[member.user_id]) for member in found]


def read_member(organization_id: str, member_id: str, caller: Actor) -> Tagged[MemberView]:
    caller.member(organization_id)
    return _tagged(members.get(organization_id, member_id))


def _tagged(member: MemberRecord) -> Tagged[MemberView]:
    [view] = _member_views(member.organization_id, [member])
    return member.etag, view


def change(
    organization_id: str, member_id: str, body: MemberUpdate, caller: Actor, expected: IfMatch
) -> Tagged[MemberView]:
    """Change a member's role or cap. Raise Forbidden if the member or the new role is above the caller."""
    own, member = member_below(organization_id, member_id, caller)
    expected.check(member.etag)
    role, at = body.role or AccountRole(member.role), utc_now()
    check_covers(own, role)
    cap = body.monthly_cap if "monthly_cap" in body.model_fields_set else member.monthly_cap
    with transaction() as tx:
        keep(own, member, tx)
        members.change(member, role, cap, tx=tx)
        count_owners(member, role, tx)
        note(
            organization_id, AuditAction.MEMBER_CHANGED, caller, at, tx, subject=member_id,
            role=role.value, monthlyCap=cap,
        )  # fmt: skip
    return _tagged(members.get(organization_id, member_id))


def remove(organization_id: str, member_id: str, caller: Actor) -> None:
    """Remove a member. Raise Forbidden if the member's role is above the caller's. The member's jobs go on."""
    own, member = member_below(organization_id, member_id, caller)
    _leave(member, AuditAction.MEMBER_REMOVED, caller, own)


def leave(organization_id: str, caller: Actor) -> None:
    """End the caller's membership. Raise LastOwner for the only owner."""
    own = caller.member(organization_id)
    _leave(own, AuditAction.MEMBER_LEFT, caller, own)


def _leave(member: MemberRecord, action: AuditAction, caller: Actor, own: MemberRecord) -> None:
    with transaction() as tx:
        keep(own, member, tx)
        members.remove(member, tx=tx)
        owners = -1 if member.role == AccountRole.OWNER else 0
        organizations.count(member.organization_id, members=-1, owners=owners, tx=tx)
        note(member.organization_id, action, caller, utc_now(), tx, subject=member.user_id)


# --- audit log


def audit_page(organization_id: str, caller: Actor, *, limit: int, after: str | None) -> Slice[AuditEntryRecord]:
    caller.member(organization_id)
    return audit_log.page(organization_id=organization_id, limit=limit, after=after)
