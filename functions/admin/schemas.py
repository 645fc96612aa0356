"""The bodies and views of `/api/admin`."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from shared.audit.record import AuditEntryRecord
from shared.core.wire import Id, Integer, Name, View, Wire
from shared.stages.stages import Stage
from shared.users.record import UserRecord

Reason = Annotated[Name, Field(min_length=1, max_length=200, examples=["Reported for abuse"])]


class Suspension(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "Reported for abuse"}]})

    reason: Reason


class CreditsGrant(Wire):
    """Credits for an account. With a job, they are its refund, once and at most as many as it cost."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"credits": 50, "reason": "The film was faulty"}]})

    credits: Integer = Field(ge=1, le=1_000_000, examples=[50])
    reason: Reason
    refunds: Id | None = Field(default=None, examples=[None], description="The id of a completed job of the account.")


class EngineDisabling(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "The provider is out of order"}]})

    reason: Reason


class AdminUserView(View):
    """A user of the deployment."""

    id: str
    email: str
    name: str | None
    platform_admin: bool
    suspended_at: datetime | None
    suspended_because: str | None
    created_at: datetime

    @classmethod
    def of(cls, user: UserRecord) -> "AdminUserView":
        return cls(
            id=user.user_id,
            email=user.email,
            name=user.name,
            platform_admin=bool(user.platform_admin),
            suspended_at=user.suspended_at,
            suspended_because=user.suspended_because,
            created_at=user.created_at,
        )


class GrantedView(View):
    """The account after the grant."""

    available: int
    held: int
    operation_id: str = Field(description="The entry of the ledger.")


class EngineSwitchView(View):
    """An engine of the deployment."""

    name: str
    stage: Stage
    enabled: bool
    disabled_because: str | None
    disabled_by: str | None
    disabled_at: datetime | None


class AdminEntryView(View):
    """One action of a platform admin."""

    id: str
    user_id: str = Field(description="The admin; `operator` for a command of the operator.")
    action: str
    subject: str | None
    details: dict[str, Any] | None
    source: str = Field(description="The address from which the request came.")
    created_at: datetime

    @classmethod
    def of(cls, entry: AuditEntryRecord) -> "AdminEntryView":
        return cls(
            id=entry.entry_id,
            user_id=entry.user_id,
            action=entry.action,
            subject=entry.subject,
            details=entry.details,
            source=entry.source,
            created_at=entry.created_at,
        )
