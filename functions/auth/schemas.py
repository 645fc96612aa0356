"""The bodies and views of `/api/auth`."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    EmailStr,
    Field,
    SecretStr,
    StrictBool,
    field_validator,
)
from pydantic.config import JsonDict

from shared.access.permissions import KEY_SCOPES, AccountRole, Permission
from shared.access.principal import LIFE_SECONDS
from shared.core.clock import utc_now
from shared.core.wire import Name, View, Wire, number
from shared.credentials.passwords import MIN_CHARACTERS
from shared.credentials.record import RefreshFamilyRecord
from shared.credentials.socket_tickets import TICKET_LIFE
from shared.keys.record import ApiKeyRecord
from shared.subscriptions.record import PlanType

EXAMPLE: JsonDict = {"email": "ada@example.com", "password": "correct horse battery"}


Address = Annotated[EmailStr, Field(max_length=254), AfterValidator(str.lower)]
Password = Annotated[SecretStr, Field(min_length=MIN_CHARACTERS, max_length=200)]
LinkToken = Annotated[
    SecretStr, Field(min_length=1, max_length=200, description="The part of the link after `token=`.")
]


Code = Annotated[SecretStr, Field(max_length=40)]


class AddressAndPassword(Wire):
    # Whitespace is a part of a password. EmailStr removes it from the address.
    model_config = ConfigDict(str_strip_whitespace=False, json_schema_extra={"examples": [EXAMPLE]})

    email: Address
    password: Password


class Login(AddressAndPassword):
    code: Code | None = Field(
        default=None,
        examples=[None],
        description="Of an account with a second factor: the code of the app, or a recovery code.",
    )


class Register(AddressAndPassword):
    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "name": "Ada"}]})

    name: Name | None = Field(default=None, min_length=1, max_length=120)

    @field_validator("name", mode="before")
    @classmethod
    def _without_whitespace(cls, name: object) -> object:
        return name.strip() if isinstance(name, str) else name


class Accepted(View):
    detail: str = "A message is on its way to this address, unless several were sent to it just before."


class SessionView(View):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105  # the scheme's name
    expires_in: int = LIFE_SECONDS


class Verification(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"token": "4f1c...7a.kX9..."}]})

    token: LinkToken


class Forgotten(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com"}]})

    email: Address


class Reset(Wire):
    model_config = ConfigDict(
        str_strip_whitespace=False,
        json_schema_extra={"examples": [{"token": "kX9...", "password": "another horse battery"}]},
    )

    token: LinkToken
    password: Password


class PasswordChange(Wire):
    model_config = ConfigDict(
        str_strip_whitespace=False,
        json_schema_extra={
            "examples": [{"currentPassword": "correct horse battery", "newPassword": "another horse battery"}]
        },
    )

    current_password: Password = Field(examples=["correct horse battery"])
    new_password: Password = Field(examples=["another horse battery"])


class TotpCreate(Wire):
    model_config = ConfigDict(
        str_strip_whitespace=False, json_schema_extra={"examples": [{"password": "correct horse battery"}]}
    )

    password: Password = Field(examples=["correct horse battery"])


class Erasure(TotpCreate):
    code: Code | None = Field(
        default=None, examples=[None], description="Of an account with a second factor: a code, as in `login`."
    )


class TotpEnable(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"code": "123456"}]})

    code: Code = Field(examples=["123456"], description="The code that the app shows.")


class TotpDelete(TotpCreate):
    model_config = ConfigDict(json_schema_extra={"examples": [{"password": "correct horse battery", "code": "123456"}]})

    code: Code = Field(examples=["123456"], description="The code of the app, or a recovery code.")


class TotpView(View):
    enabled: bool
    recovery_codes_left: int


class TotpSecretView(View):
    secret: str = Field(description="The secret in base32, for an app without a camera. It is shown here only.")
    uri: str = Field(description="The `otpauth:` URI. An app reads it as a QR code.")


class RecoveryCodesView(View):
    recovery_codes: list[str] = Field(
        description="Each of them replaces one code, for example without the device. They are shown here only."
    )


class ErasureView(View):
    detail: str = "The account is closed. Its data is deleted within two days, and then its address gets a receipt."


class SignInView(View):
    """A session: a sign-in that can be renewed."""

    id: str
    current: bool = Field(description="True for the session of this request.")
    user_agent: str | None = Field(description="The program that signed in, in its own words.")
    created_at: datetime | None
    last_used_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, family: RefreshFamilyRecord, current_id: str | None) -> "SignInView":
        return cls(
            id=family.family_id,
            current=family.family_id == current_id,
            user_agent=family.user_agent,
            created_at=family.created_at,
            last_used_at=family.rotated_at,
            expires_at=family.expires_at,
        )


class BalanceView(View):
    available: int = Field(description="Credits that can be spent.")
    held: int = Field(description="Credits that open jobs hold.")


class OwnOrganizationView(View):
    id: str
    name: str
    slug: str
    role: AccountRole


class MeView(View):
    user_id: str = Field(serialization_alias="id")
    email: str
    name: str | None
    avatar: str | None
    email_verified: datetime | None
    created_at: datetime
    updated_at: datetime
    balance: BalanceView
    plan: PlanType
    platform_admin: bool = Field(description="Whether the user operates this studio, and may use `/api/admin`.")
    organizations: list[OwnOrganizationView]


class SocketTicketView(View):
    ticket: str
    expires_in: int = int(TICKET_LIFE.total_seconds())


class KeyCreate(Wire):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Nightly films", "scopes": ["jobs:read", "jobs:write"]}]}
    )

    name: Name = Field(min_length=1, max_length=120)
    scopes: list[Permission] = Field(
        min_length=1,
        max_length=len(KEY_SCOPES),
        examples=[["jobs:read"]],
        description="What the key may do. It never has `account:read` and `account:write`.",
    )
    monthly_cap: Annotated[int, Field(ge=0, le=1_000_000_000), BeforeValidator(number)] | None = Field(
        default=None, description="Credits that the key may spend in a calendar month (UTC)."
    )
    test: StrictBool = Field(
        default=False, description="A test key. Its jobs get a fixed film within seconds, and cost nothing."
    )
    expires_at: datetime | None = Field(
        default=None, examples=["2099-01-01T00:00:00Z"], description="A time in the future. Without it: never."
    )

    @field_validator("scopes")
    @classmethod
    def _may_be_given(cls, scopes: list[Permission]) -> list[Permission]:
        if refused := set(scopes) - KEY_SCOPES:
            raise ValueError(f"a key may not have {', '.join(sorted(refused))}")
        return scopes

    @field_validator("expires_at")
    @classmethod
    def _in_the_future(cls, at: datetime | None) -> datetime | None:
        if at is not None and (at.tzinfo is None or at <= utc_now()):
            raise ValueError("the time needs an offset such as Z, and lies in the future")
        return at


class KeyView(View):
    id: str
    name: str
    scopes: list[str]
    monthly_cap: int | None
    test: bool
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime

    @classmethod
    def of(cls, row: ApiKeyRecord, **more: str) -> Self:
        return cls(
            id=row.key_id,
            name=row.name,
            scopes=list(row.scopes),
            monthly_cap=None if row.monthly_cap is None else int(row.monthly_cap),
            test=bool(row.test),
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            created_at=row.created_at,
            **more,
        )


class NewKeyView(KeyView):
    key: str = Field(description="The key itself. It is shown here only.")
