"""The bodies of `/api/teams`."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, EmailStr, Field, field_validator, model_validator

from shared.access.permissions import AccountRole
from shared.audit.store import AuditAction
from shared.core.wire import Change, Id, Integer, Name, View, Wire, number
from shared.members.record import MemberRecord
from shared.organizations.record import OrganizationRecord
from shared.users.record import UserRecord

OrganizationName = Annotated[Name, Field(min_length=1, max_length=120)]
MOST_CREDITS = 10**9  # maximum of one amount


def _examples(**example: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]})


class OrganizationCreate(Wire):
    """A new organization. Its `slug` is unique and does not change."""

    model_config = _examples(name="Harbour Films", slug="harbour-films")

    name: OrganizationName
    slug: str = Field(pattern=r"^[a-z0-9](-?[a-z0-9]){2,39}$", max_length=40, examples=["harbour-films"])


class OrganizationUpdate(Wire):
    model_config = _examples(name="Harbour Films")

    name: OrganizationName


class OrganizationTransfer(Wire):
    """The member who becomes the owner. The caller becomes an ADMIN."""

    model_config = _examples(memberId="usr_01K0M3T5V7X9Z1B3D5F7H9K1M3")

    member_id: Id


class CreditsGift(Wire):
    """Credits that move from the caller's own account to the organization's."""

    model_config = _examples(credits=50)

    credits: Integer = Field(ge=1, le=MOST_CREDITS)


class MemberInvite(Wire):
    model_config = _examples(email="bob@example.com", role="MEMBER")

    email: EmailStr = Field(max_length=254)
    role: AccountRole = AccountRole.MEMBER

    @field_validator("email")
    @classmethod
    def _lower_case(cls, email: str) -> str:
        return email.lower()


class InviteAccept(Wire):
    model_config = _examples(token="org_01K0M3T5V7X9Z1B3D5F7H9K1M3.inv_01K0M3T5V7X9Z1B3D5F7H9K1M3.secret")  # noqa: S106  # an example

    token: str = Field(min_length=1, max_length=250, examples=["org_1.inv_1.secret"])


class MemberUpdate(Wire):
    """A member's new role, or the credits that the member may spend in a calendar month (UTC). null: all of them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"role": "ADMIN", "monthlyCap": 100}], "minProperties": 1}
    )

    role: Change[AccountRole] = Field(default=None, examples=["MEMBER"])
    monthly_cap: Annotated[int, Field(ge=0, le=MOST_CREDITS), BeforeValidator(number)] | None = None

    @model_validator(mode="after")
    def _changes_something(self) -> "MemberUpdate":
        if not self.model_fields_set or (self.role is None and "role" in self.model_fields_set):
            raise ValueError("name a role or a monthlyCap")
        return self


class OrganizationView(View):
    organization_id: str = Field(serialization_alias="id")
    name: str
    slug: str
    role: AccountRole = Field(description="The caller's role.")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: OrganizationRecord, role: AccountRole) -> "OrganizationView":
        return cls(
            organization_id=record.organization_id,
            name=record.name,
            slug=record.slug,
            role=role,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )


class OrganizationDetailView(OrganizationView):
    """An organization with its credits: `available` to spend, and `held` for jobs that have not ended."""

    available: int
    held: int


class MembershipView(View):
    """One user's membership of an organization."""

    id: str = Field(description="The id of the member: the user's.")
    user_id: str
    organization_id: str
    role: AccountRole
    created_at: datetime

    @classmethod
    def of(cls, member: MemberRecord) -> "MembershipView":
        return cls(
            id=member.user_id,
            user_id=member.user_id,
            organization_id=member.organization_id,
            role=AccountRole(member.role),
            created_at=member.created_at,
        )


class MemberView(MembershipView):
    """A member, with the user's name and address."""

    name: str | None
    email: str
    monthly_cap: int | None
    spent: int = Field(description="Credits that the member has spent or holds for open jobs in this month.")

    @classmethod
    def of_user(cls, member: MemberRecord, user: UserRecord, spent: int) -> "MemberView":
        return cls(
            **MembershipView.of(member).model_dump(),
            name=user.name,
            email=user.email,
            monthly_cap=None if member.monthly_cap is None else int(member.monthly_cap),
            spent=spent,
        )


class InviteView(View):
    invite_id: str = Field(serialization_alias="id")
    organization_id: str
    email: str
    role: AccountRole
    invited_by: str
    accepted_by: str | None
    created_at: datetime
    expires_at: datetime


class AuditEntryView(View):
    """A change of the organization. `subject` is the id of the member or of the invite that changed."""

    entry_id: str = Field(serialization_alias="id")
    user_id: str
    action: AuditAction
    subject: str | None
    details: dict[str, Any] | None
    source: str = Field(description="The IP address of the request.")
    created_at: datetime
