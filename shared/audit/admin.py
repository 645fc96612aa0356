"""A platform admin, with the entries in the log of the deployment."""

from dataclasses import dataclass
from datetime import datetime

from shared.audit.store import DEPLOYMENT, AuditAction, audit_log
from shared.aws.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Admin:
    """A platform admin, and the address from which the request came."""

    user_id: str
    source: str

    def note(
        self, action: AuditAction, at: datetime, tx: Transaction, *, subject: str | None, **details: object
    ) -> None:
        """Add an entry to the transaction of the change."""
        audit_log.add(
            DEPLOYMENT, action, user_id=self.user_id, source=self.source, at=at, tx=tx, subject=subject, **details
        )
