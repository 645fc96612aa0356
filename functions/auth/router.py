"""`/api/auth`."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Header, Request, Response, status
from pydantic import ConfigDict, EmailStr, Field, SecretStr, field_validator
from pydantic.config import JsonDict

from functions.auth import service
from functions.auth.passwords import MIN_CHARACTERS, WeakPassword
from functions.auth.service import WrongCredentials
from shared.access.permissions import Permission
from shared.access.principal import Principal
from shared.access.tokens import LIFE_SECONDS
from shared.core.config import Config
from shared.core.errors import Forbidden
from shared.core.wire import Name, View, Wire
from shared.credentials.device_tokens import DEVICE_COOKIE, DEVICE_SECONDS
from shared.credentials.refresh_tokens import COOKIE
from shared.credentials.store import FAMILY_LIFE, SessionEnded
from shared.guesses.store import TooManyGuesses
from shared.quotas.classes import RouteClass
from shared.rest.caller import may
from shared.rest.event import client_address
from shared.rest.problem import problems
from shared.rest.quota import counted
from shared.users.store import UserNotFound

router = APIRouter(prefix="/api/auth", tags=["auth"])

RefreshCookie = Annotated[str, Cookie(alias=COOKIE, max_length=200)]
DeviceCookie = Annotated[str, Cookie(alias=DEVICE_COOKIE, max_length=200)]


class AuthConfig(Config):
    web_origin: str = ""


def _own_page(origin: Annotated[str, Header()] = "", x_kinora_refresh: Annotated[str, Header()] = "") -> None:
    """Refuse a request that a page of another site can send. The cookie alone proves nothing."""
    if origin != AuthConfig().web_origin or not x_kinora_refresh:
        raise Forbidden("Only Kinora's own pages can renew or end a session.")


OwnPage = Annotated[None, Depends(_own_page)]

EXAMPLE: JsonDict = {"email": "ada@example.com", "password": "correct horse battery"}


class Login(Wire):
    # Whitespace is a part of a password. EmailStr removes it from the address.
    model_config = ConfigDict(str_strip_whitespace=False, json_schema_extra={"examples": [EXAMPLE]})

    email: EmailStr = Field(max_length=254)
    password: SecretStr = Field(min_length=MIN_CHARACTERS, max_length=200)

    @field_validator("email")
    @classmethod
    def _lower_case(cls, email: str) -> str:
        return email.lower()


class Register(Login):
    model_config = ConfigDict(json_schema_extra={"examples": [{**EXAMPLE, "name": "Ada"}]})

    name: Name | None = Field(default=None, min_length=1, max_length=120)

    @field_validator("name", mode="before")
    @classmethod
    def _without_whitespace(cls, name: object) -> object:
        return name.strip() if isinstance(name, str) else name


class Accepted(View):
    detail: str = "If this address had no account, it has one now. Sign in."


class SessionView(View):
    access_token: str
    token_type: str = "Bearer"  # noqa: S105  # the scheme's name
    expires_in: int = LIFE_SECONDS


class UserView(View):
    user_id: str = Field(serialization_alias="id")
    email: str
    name: str | None
    avatar: str | None
    email_verified: datetime | None
    created_at: datetime


@router.post(
    "/register",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="register",
    dependencies=[counted(RouteClass.SIGN_UP)],
    responses=problems(WeakPassword),
)
def register(body: Register) -> Accepted:
    """Create an account. The response is the same if the address already has one.

    The commonest passwords and the address itself are refused.
    """
    service.register(body.email, body.password.get_secret_value(), body.name)
    return Accepted()


@router.post(
    "/login",
    operation_id="login",
    dependencies=[counted(RouteClass.SIGN_IN)],
    responses=problems(WrongCredentials, TooManyGuesses),
)
def login(body: Login, request: Request, response: Response, device: DeviceCookie = "") -> SessionView:
    """Sign in. Return an access token, valid for 15 minutes, and set a refresh cookie, valid for 7 days.

    Failed sign-ins delay the next one, with status 429 and `Retry-After`. A second cookie marks this device as known,
    so that failed sign-ins of other devices do not delay it.
    """
    password, client = body.password.get_secret_value(), client_address(request)
    sign_in = service.login(body.email, password, client=client, device=device)
    view = _signed_in(sign_in.session, response)
    _set_cookie(response, DEVICE_COOKIE, sign_in.device_token, DEVICE_SECONDS)
    return view


@router.post(
    "/refresh",
    operation_id="refresh",
    dependencies=[counted(RouteClass.SESSION)],
    responses=problems(SessionEnded, Forbidden),
)
def refresh(response: Response, _own: OwnPage, token: RefreshCookie = "") -> SessionView:
    """Renew the session. Requires Kinora's own Origin and the header `X-Kinora-Refresh`.

    A page of another site cannot send both.
    """
    return _signed_in(service.refresh(token), response)


@router.post(
    "/logout",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="logout",
    dependencies=[counted(RouteClass.SESSION)],
    responses=problems(Forbidden),
)
def logout(response: Response, _own: OwnPage, token: RefreshCookie = "") -> None:
    """End the session and close its sockets. Requires the same headers as `refresh`."""
    service.logout(token)
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")


@router.get("/me", operation_id="me", responses=problems(UserNotFound))
def me(caller: Annotated[Principal, may(Permission.PROFILE_READ)]) -> UserView:
    """Read the caller's profile."""
    return UserView.model_validate(service.user(caller.user_id))


def _signed_in(session: service.Session, response: Response) -> SessionView:
    _set_cookie(response, COOKIE, session.refresh_token, int(FAMILY_LIFE.total_seconds()))
    return SessionView(access_token=session.access_token)


def _set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")
