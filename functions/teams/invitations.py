"""Invites: the requests that send, withdraw and accept them."""

from collections.abc import Sequence
from datetime import datetime

from functions.teams.changes import check_covers, check_number_of_organizations, note
from functions.teams.schemas import InviteView, MembershipView
from shared.access.permissions import ROLES, AccountRole, Permission
from shared.audit.store import AuditAction
from shared.aws.transactions import Transaction, transaction
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.mail import mail
from shared.members.actor import Actor
from shared.members.record import MemberRecord
from shared.members.store import AlreadyMember, members
from shared.organizations.invites import MOST_INVITES, InviteNotValid, TooManyInvites, invites
from shared.organizations.record import InviteRecord
from shared.organizations.store import organizations


def invite(organization_id: str, email: str, role: AccountRole, caller: Actor, tx: Transaction) -> InviteView:
    """Add an invite to the transaction, and send its token. The answer is the same for each address.

    The email is sent before the commit, so that the answer reports a failure. If the commit fails, the token in the
    email is void.
    """
    own, at = caller.member(organization_id), utc_now()
    check_covers(own, role)
    if len(invites.of_organization(organization_id, at=at)) >= MOST_INVITES:
        raise TooManyInvites
    organization = organizations.get(organization_id)
    members.keeps_role(own, tx=tx)
    invite_id = new_id("inv")
    record, token = invites.create(
        invite_id, organization_id=organization_id, email=email, role=role, invited_by=caller.user_id, at=at, tx=tx
    )
    note(organization_id, AuditAction.MEMBER_INVITED, caller, at, tx, subject=invite_id, role=role.value)
    mail.send_invite(email, token=token, organization=organization.name)
    return InviteView.model_validate(record)


def list_invites(organization_id: str, caller: Actor) -> Sequence[InviteRecord]:
    caller.member(organization_id)
    return invites.of_organization(organization_id, at=utc_now())


def withdraw(organization_id: str, invite_id: str, caller: Actor) -> None:
    own, at = caller.member(organization_id), utc_now()
    with transaction() as tx:
        members.keeps_role(own, tx=tx)
        invites.withdraw(organization_id, invite_id, tx=tx)
        note(organization_id, AuditAction.INVITE_WITHDRAWN, caller, at, tx, subject=invite_id)


def accept(token: str, caller: Actor) -> MembershipView:
    """Make the caller a member, with the role of the invite. Raise InviteNotValid, or AlreadyMember.

    A repeated request of the caller has the same answer.
    """
    at = utc_now()
    found = invites.read(token, at=at)
    if member := _accepted(found, caller):
        return member
    try:
        return _join(found, caller, at)
    except (InviteNotValid, AlreadyMember):
        if member := _accepted(invites.read(token, at=at), caller):  # by another request at the same time
            return member
        raise


def _join(invite_: InviteRecord, caller: Actor, at: datetime) -> MembershipView:
    """Use the invite.

    Its sender must still have a role that may invite to this role. Otherwise a removed member could come back through
    an invite to another address of this member's.
    """
    organization_id, role = invite_.organization_id, AccountRole(invite_.role)
    check_number_of_organizations(caller)
    sender = members.find(organization_id, invite_.invited_by)
    if sender is None or not _may_invite(sender, role):
        raise InviteNotValid
    if members.find(organization_id, caller.user_id):
        raise AlreadyMember
    with transaction() as tx:
        members.keeps_role(sender, otherwise=InviteNotValid(), tx=tx)
        invites.accept(invite_, caller.user_id, at=at, tx=tx)
        members.add(organization_id, caller.user_id, role, at=at, tx=tx)
        organizations.count(organization_id, members=1, owners=int(role is AccountRole.OWNER), tx=tx)
        subject = invite_.invite_id
        note(organization_id, AuditAction.MEMBER_JOINED, caller, at, tx, subject=subject, role=role.value)
    return MembershipView.of(members.get(organization_id, caller.user_id))


def _accepted(invite_: InviteRecord, caller: Actor) -> MembershipView | None:
    """Return the membership that the caller has through the used invite. Raise InviteNotValid if there is none.

    Return None if nobody has used the invite.
    """
    if invite_.accepted_by is None:
        return None
    member = members.find(invite_.organization_id, caller.user_id)
    if member is None or not invites.is_accepted_by(invite_, caller.user_id):
        raise InviteNotValid
    return MembershipView.of(member)


def _may_invite(sender: MemberRecord, role: AccountRole) -> bool:
    senders = AccountRole(sender.role)
    return Permission.MEMBERS_WRITE in ROLES[senders] and senders.covers(role)
