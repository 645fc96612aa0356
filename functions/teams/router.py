"""`/api/teams`: organizations, their members, invites, credits and audit log."""

from typing import Annotated

from fastapi import APIRouter, Response, status

from functions.teams import invitations, service
from functions.teams.changes import TooManyOrganizations
from functions.teams.schemas import (
    AuditEntryView,
    CreditsGift,
    InviteAccept,
    InviteView,
    MemberInvite,
    MembershipView,
    MemberUpdate,
    MemberView,
    OrganizationCreate,
    OrganizationDetailView,
    OrganizationTransfer,
    OrganizationUpdate,
    OrganizationView,
)
from shared.access.permissions import Permission
from shared.core.versions import PreconditionFailed
from shared.core.wire import Id
from shared.credits.store import NotEnoughCredits
from shared.idempotency.store import KeyReused
from shared.mail.mail import MailUnavailable
from shared.members.actor import Actor, OrganizationNotFound
from shared.members.store import AlreadyMember, MemberChanged, MemberNotFound
from shared.organizations.invites import InviteNotFound, InviteNotValid, TooManyInvites
from shared.organizations.store import (
    LastOwner,
    OrganizationGone,
    OrganizationNotEmpty,
    SlugTaken,
    TooManyMembers,
)
from shared.rest.actor import acting
from shared.rest.etags import Change, Tag
from shared.rest.inline import Inline
from shared.rest.once import Once
from shared.rest.pagination import BadCursor, Page, Paged, whole
from shared.rest.problem import problems

router = APIRouter(prefix="/api/teams", tags=["teams"], route_class=Inline)

Read = Annotated[Actor, acting(Permission.TEAMS_READ)]
Join = Annotated[Actor, acting(Permission.TEAMS_JOIN)]
Write = Annotated[Actor, acting(Permission.TEAMS_WRITE)]
Own = Annotated[Actor, acting(Permission.TEAMS_OWN)]
Manage = Annotated[Actor, acting(Permission.MEMBERS_WRITE)]
Audit = Annotated[Actor, acting(Permission.AUDIT_READ)]


@router.post(
    "",
    status_code=status.HTTP_201_CREATED,
    response_model=OrganizationView,
    operation_id="createOrganization",
    responses=problems(SlugTaken, TooManyOrganizations, KeyReused),
)
def create_organization(body: OrganizationCreate, caller: Join, once: Once) -> Response:
    """Create an organization. The caller is its owner."""
    return once.respond(lambda tx: service.create(body, caller, tx), status=status.HTTP_201_CREATED)


@router.get("", operation_id="listOrganizations")
def list_organizations(caller: Read) -> Page[OrganizationView]:
    """List the organizations of which the caller is a member, newest first."""
    return whole(service.of_caller(caller))


@router.post(
    "/accept",
    operation_id="acceptInvite",
    responses=problems(InviteNotValid, AlreadyMember, TooManyOrganizations, TooManyMembers),
)
def accept_invite(body: InviteAccept, caller: Join) -> MembershipView:
    """Join an organization with the token of an invite. A token works once."""
    return invitations.accept(body.token, caller)


@router.get("/{organization_id}", operation_id="getOrganization", responses=problems(OrganizationGone))
def get_organization(organization_id: Id, caller: Read, tag: Tag) -> OrganizationDetailView:
    """Read an organization and its credits."""
    return tag.on(*service.detail(organization_id, caller))


@router.patch(
    "/{organization_id}",
    operation_id="updateOrganization",
    responses=problems(OrganizationGone, PreconditionFailed),
)
def update_organization(
    organization_id: Id, body: OrganizationUpdate, caller: Write, change: Change
) -> OrganizationView:
    """Rename an organization."""
    return change.on(*service.rename(organization_id, body.name, caller, change.expected))


@router.delete(
    "/{organization_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="deleteOrganization",
    responses=problems(OrganizationNotEmpty, OrganizationGone),
)
def delete_organization(organization_id: Id, caller: Own) -> None:
    """Delete an organization without projects, assets, webhooks and other members. Its credits move to the caller.

    Its subscription ends within an hour. Its presets and invites are deleted.
    """
    service.delete(organization_id, caller)


@router.post(
    "/{organization_id}/transfer",
    operation_id="transferOrganization",
    responses=problems(MemberNotFound, MemberChanged),
)
def transfer_organization(organization_id: Id, body: OrganizationTransfer, caller: Own) -> OrganizationView:
    """Make another member an owner. The caller becomes an ADMIN."""
    return service.transfer(organization_id, body.member_id, caller)


@router.post(
    "/{organization_id}/leave",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="leaveOrganization",
    responses=problems(LastOwner, MemberChanged),
)
def leave_organization(organization_id: Id, caller: Join) -> None:
    """End the caller's membership. The only owner cannot leave."""
    service.leave(organization_id, caller)


@router.post(
    "/{organization_id}/credits",
    response_model=OrganizationDetailView,
    operation_id="giveCredits",
    responses=problems(NotEnoughCredits, KeyReused),
)
def give_credits(organization_id: Id, body: CreditsGift, caller: Write, once: Once) -> Response:
    """Move credits from the caller's own account to the organization's."""
    return once.respond(
        lambda tx: service.give(organization_id, body.credits, caller, tx), status=status.HTTP_200_OK
    )  # fmt: skip


@router.get("/{organization_id}/members", operation_id="listMembers", responses=problems(OrganizationNotFound))
def list_members(organization_id: Id, caller: Read) -> Page[MemberView]:
    """List the members of an organization."""
    return whole(service.list_members(organization_id, caller))


@router.post(
    "/{organization_id}/members/invite",
    status_code=status.HTTP_201_CREATED,
    response_model=InviteView,
    operation_id="inviteMember",
    responses=problems(TooManyInvites, MailUnavailable, KeyReused),
)
def invite_member(organization_id: Id, body: MemberInvite, caller: Manage, once: Once) -> Response:
    """Send an invite to an address. Its token works once, within seven days. The role is at most the caller's."""
    return once.respond(
        lambda tx: invitations.invite(organization_id, body.email, body.role, caller, tx),
        status=status.HTTP_201_CREATED,
    )


@router.get("/{organization_id}/members/{member_id}", operation_id="getMember", responses=problems(MemberNotFound))
def get_member(organization_id: Id, member_id: Id, caller: Read, tag: Tag) -> MemberView:
    """Read one member of an organization."""
    return tag.on(*service.read_member(organization_id, member_id, caller))


@router.patch(
    "/{organization_id}/members/{member_id}",
    operation_id="updateMember",
    responses=problems(MemberNotFound, MemberChanged, LastOwner, PreconditionFailed),
)
def update_member(organization_id: Id, member_id: Id, body: MemberUpdate, caller: Manage, change: Change) -> MemberView:
    """Change a member's role or monthly cap. Neither the member's role nor the new one is above the caller's."""
    return change.on(*service.change(organization_id, member_id, body, caller, change.expected))


@router.delete(
    "/{organization_id}/members/{member_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="removeMember",
    responses=problems(MemberNotFound, MemberChanged, LastOwner),
)
def remove_member(organization_id: Id, member_id: Id, caller: Manage) -> None:
    """Remove a member, who is out at the next request. The member's jobs go on."""
    service.remove(organization_id, member_id, caller)


@router.get("/{organization_id}/invites", operation_id="listInvites")
def list_invites(organization_id: Id, caller: Manage) -> Page[InviteView]:
    """List the invites that have not expired, newest first."""
    return whole(InviteView.model_validate(invite) for invite in invitations.list_invites(organization_id, caller))


@router.delete(
    "/{organization_id}/invites/{invite_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="withdrawInvite",
    responses=problems(InviteNotFound),
)
def withdraw_invite(organization_id: Id, invite_id: Id, caller: Manage) -> None:
    """Withdraw an invite that nobody has accepted."""
    invitations.withdraw(organization_id, invite_id, caller)


@router.get("/{organization_id}/audit", operation_id="listAuditEntries", responses=problems(BadCursor))
def list_audit_entries(organization_id: Id, caller: Audit, paging: Paged) -> Page[AuditEntryView]:
    """List the changes of an organization of the last 400 days, newest first."""
    found = service.audit_page(organization_id, caller, limit=paging.limit, after=paging.after)
    return paging.page(found, AuditEntryView.model_validate)
