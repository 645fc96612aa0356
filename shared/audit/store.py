"""The audit log of organizations. An entry is written in the transaction of its change, and never changes."""

from datetime import datetime, timedelta
from enum import StrEnum

from shared.audit.record import AuditEntryRecord
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict
from shared.core.ids import new_id
from shared.core.slices import Slice, first_of

DEPLOYMENT = "deployment"  # in the place of the organization: the changes of platform admins
ENTRY_LIFE = timedelta(days=400)


class AuditAction(StrEnum):
    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_RENAMED = "organization.renamed"
    ORGANIZATION_TRANSFERRED = "organization.transferred"
    ORGANIZATION_DELETED = "organization.deleted"
    CREDITS_GIVEN = "credits.given"
    MEMBER_INVITED = "member.invited"
    INVITE_WITHDRAWN = "invite.withdrawn"
    MEMBER_JOINED = "member.joined"
    MEMBER_CHANGED = "member.changed"
    MEMBER_REMOVED = "member.removed"
    MEMBER_LEFT = "member.left"
    ADMIN_APPOINTED = "admin.appointed"  # this one and the next ones are in the log of the deployment
    ADMIN_DISMISSED = "admin.dismissed"
    USER_SUSPENDED = "user.suspended"
    USER_RESUMED = "user.resumed"
    CREDITS_GRANTED = "credits.granted"
    ENGINE_DISABLED = "engine.disabled"
    ENGINE_ENABLED = "engine.enabled"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_SECRET_REPLACED = "webhook.secret_replaced"  # noqa: S105  # an action, not a secret
    WEBHOOK_DELETED = "webhook.deleted"


class AuditStore:
    def add(
        self,
        organization_id: str,
        action: AuditAction,
        *,
        user_id: str,
        source: str,
        at: datetime,
        tx: Transaction,
        subject: str | None = None,
        **details: object,
    ) -> None:
        record = AuditEntryRecord(
            organization_id,
            new_id("log"),
            user_id=user_id,
            action=action.value,
            subject=subject,
            details=details or None,
            source=source,
            created_at=at,
            expires_at=at + ENTRY_LIFE,
        )
        exists = Conflict("This entry already exists.")
        tx.put(record, AuditEntryRecord.entry_id.does_not_exist(), otherwise=exists)

    def page(self, *, organization_id: str, limit: int, after: str | None) -> Slice[AuditEntryRecord]:
        """Return at most `limit` entries older than `after`, newest first, with one Query."""
        older, more = AuditEntryRecord.entry_id < after if after else None, limit + 1
        found = AuditEntryRecord.query(organization_id, older, scan_index_forward=False, limit=more, page_size=more)
        return first_of(list(found), limit, lambda entry: entry.entry_id)


audit_log = AuditStore()
