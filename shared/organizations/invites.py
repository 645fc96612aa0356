"""Invites to organizations. An invite's token works once, until the invite expires.

A token is `organization.invite.secret`. It is sent to the address of the invite, and works for the user who has it.
"""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from shared.access.permissions import AccountRole
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict, NotFound
from shared.organizations.record import InviteRecord

INVITE_LIFE = timedelta(days=7)
MOST_INVITES = 50  # maximum number of an organization's invites that have not expired


class InviteNotFound(NotFound):
    code = "invite_not_found"

    def __init__(self) -> None:
        super().__init__("This organization has no such invite.")


class InviteNotValid(Conflict):
    """The invite does not exist, is used, or has expired. Or its sender may no longer invite."""

    code = "invite_not_valid"

    def __init__(self) -> None:
        super().__init__("This invite is used, expired or withdrawn. Ask for a new one.")


class TooManyInvites(Conflict):
    code = "too_many_invites"

    def __init__(self) -> None:
        super().__init__(f"This organization has {MOST_INVITES} invites. Withdraw one, or wait until one expires.")


class InviteStore:
    def create(
        self,
        invite_id: str,
        *,
        organization_id: str,
        email: str,
        role: AccountRole,
        invited_by: str,
        at: datetime,
        tx: Transaction,
    ) -> tuple[InviteRecord, str]:
        """Write the invite, and return it with its token."""
        secret = secrets.token_urlsafe(32)
        record = InviteRecord(
            organization_id,
            invite_id,
            token_hash=_hash(secret),
            email=email,
            role=role.value,
            invited_by=invited_by,
            created_at=at,
            expires_at=at + INVITE_LIFE,
        )
        exists = Conflict("This invite already exists.")
        tx.put(record, InviteRecord.invite_id.does_not_exist(), otherwise=exists)
        return record, f"{organization_id}.{invite_id}.{secret}"

    def of_organization(self, organization_id: str, *, at: datetime) -> Sequence[InviteRecord]:
        """Return the invites that have not expired, newest first, also the accepted ones."""
        found = InviteRecord.query(organization_id, consistent_read=True, scan_index_forward=False)
        return [invite for invite in found if invite.expires_at > at]

    def read(self, token: str, *, at: datetime) -> InviteRecord:
        """Return the invite of the token, also if it was accepted. Raise InviteNotValid."""
        organization_id, _, rest = token.partition(".")
        invite_id, _, secret = rest.partition(".")
        if not (organization_id and invite_id):
            raise InviteNotValid
        try:
            invite = InviteRecord.get(organization_id, invite_id, consistent_read=True)
        except InviteRecord.DoesNotExist:
            raise InviteNotValid from None
        if not hmac.compare_digest(invite.token_hash, _hash(secret)) or invite.expires_at <= at:
            raise InviteNotValid
        return invite

    @staticmethod
    def is_accepted_by(invite: InviteRecord, user_id: str) -> bool:
        return bool(invite.accepted_by == user_id)

    def accept(self, invite: InviteRecord, user_id: str, *, at: datetime, tx: Transaction) -> None:
        """Use the invite. Fail the transaction with InviteNotValid."""
        record = InviteRecord
        unused = record.accepted_by.does_not_exist() & (record.expires_at > at)
        key = record(invite.organization_id, invite.invite_id)
        tx.update(key, [record.accepted_by.set(user_id)], unused, otherwise=InviteNotValid())

    def withdraw(self, organization_id: str, invite_id: str, *, tx: Transaction) -> None:
        """Delete an invite that nobody has accepted. Fail the transaction with InviteNotFound."""
        open_ = InviteRecord.invite_id.exists() & InviteRecord.accepted_by.does_not_exist()
        tx.delete(InviteRecord(organization_id, invite_id), open_, otherwise=InviteNotFound())


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


invites = InviteStore()
