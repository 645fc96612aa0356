"""`/api/auth`."""

from typing import Annotated

from fastapi import APIRouter, Cookie, Depends, Header, Request, Response, status

from functions.auth import accounts, erasure, profile, second_factor, service
from functions.auth.schemas import (
    Accepted,
    Erasure,
    ErasureView,
    Forgotten,
    KeyCreate,
    KeyView,
    Login,
    MeView,
    NewKeyView,
    PasswordChange,
    RecoveryCodesView,
    Register,
    Reset,
    SessionView,
    SignInView,
    SocketTicketView,
    TotpCreate,
    TotpDelete,
    TotpEnable,
    TotpSecretView,
    TotpView,
    Verification,
)
from functions.auth.second_factor import CodeNeeded
from functions.auth.service import SessionNotFound, WrongCredentials
from shared.access.permissions import Permission
from shared.access.principal import Principal
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.core.config import Config
from shared.core.errors import Forbidden
from shared.core.wire import Id
from shared.credentials.device_tokens import DEVICE_COOKIE, DEVICE_SECONDS
from shared.credentials.passwords import WeakPassword
from shared.credentials.refresh_tokens import COOKIE
from shared.credentials.socket_tickets import socket_tickets
from shared.credentials.store import FAMILY_LIFE, SessionEnded
from shared.credentials.totp import TotpEnabled, TotpNotEnabled, WrongCode
from shared.erasures.store import ErasureBegun
from shared.guesses.store import TooManyGuesses
from shared.keys.store import KeyNotFound, TooManyKeys, api_keys
from shared.mail.mail import MailUnavailable
from shared.members.store import MemberChanged
from shared.organizations.store import LastOwner, OrganizationNotEmpty
from shared.proofs.proof import WrongPassword
from shared.quotas.classes import RouteClass
from shared.quotas.store import Suspended
from shared.rest.caller import may
from shared.rest.event import client_address, source_address
from shared.rest.inline import Inline
from shared.rest.pagination import Page, whole
from shared.rest.problem import problems
from shared.rest.quota import counted
from shared.users.registrations import LinkNotValid
from shared.users.store import UserNotFound

router = APIRouter(prefix="/api/auth", tags=["auth"], route_class=Inline)

RefreshCookie = Annotated[str, Cookie(alias=COOKIE, max_length=200)]
ReadAccount = Annotated[Principal, may(Permission.ACCOUNT_READ)]
OwnAccount = Annotated[Principal, may(Permission.ACCOUNT_WRITE)]
DeviceCookie = Annotated[str, Cookie(alias=DEVICE_COOKIE, max_length=200)]


class AuthConfig(Config):
    web_origin: str = ""


async def _own_page(origin: Annotated[str, Header()] = "", x_kinora_refresh: Annotated[str, Header()] = "") -> None:
    """Refuse a request that a page of another site can send. The cookie alone proves nothing."""
    if origin != AuthConfig().web_origin or not x_kinora_refresh:
        raise Forbidden("Only Kinora's own pages can renew or end a session.")


OwnPage = Annotated[None, Depends(_own_page)]


@router.post(
    "/register",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="register",
    dependencies=[counted(RouteClass.SIGN_UP)],
    responses=problems(WeakPassword, MailUnavailable),
)
def register(body: Register) -> Accepted:
    """Send a link to the address that opens an account (`verifyEmail`). The response is the same for each address.

    The owner of an address that has an account gets another message. The commonest passwords and the address itself
    are refused.
    """
    accounts.register(body.email, body.password.get_secret_value(), body.name)
    return Accepted()


@router.post(
    "/verify-email",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="verifyEmail",
    dependencies=[counted(RouteClass.SESSION)],
    responses=problems(LinkNotValid),
)
def verify_email(body: Verification) -> None:
    """Prove an address with the token from its link, which works once, for a day.

    It opens the account of a registration, or changes the address of an account (`updateSettings`).
    """
    accounts.verify(body.token.get_secret_value())


@router.post(
    "/forgot-password",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="forgotPassword",
    dependencies=[counted(RouteClass.SIGN_UP)],
    responses=problems(MailUnavailable),
)
def forgot_password(body: Forgotten) -> Accepted:
    """Send a link to the address that sets a new password. The response is the same for each address."""
    accounts.forget(body.email)
    return Accepted()


@router.post(
    "/reset-password",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="resetPassword",
    dependencies=[counted(RouteClass.SIGN_IN)],
    responses=problems(LinkNotValid, WeakPassword),
)
def reset_password(body: Reset) -> None:
    """Set a new password with the token from a link, and end all sessions. The token works once, for an hour."""
    accounts.reset(body.token.get_secret_value(), body.password.get_secret_value())


@router.post(
    "/login",
    operation_id="login",
    dependencies=[counted(RouteClass.SIGN_IN)],
    responses=problems(WrongCredentials, TooManyGuesses, Suspended, CodeNeeded, WrongCode),
)
def login(body: Login, request: Request, response: Response, device: DeviceCookie = "") -> SessionView:
    """Sign in. Return an access token, valid for 15 minutes, and set a refresh cookie, valid for 7 days.

    Failed sign-ins delay the next one, with status 429 and `Retry-After`. A second cookie marks this device as known,
    so that failed sign-ins of other devices do not delay it. An account with a second factor gets 403 `code_needed`
    without `code`, and 403 `wrong_code` for a wrong one.
    """
    password, client = body.password.get_secret_value(), client_address(request)
    agent = request.headers.get("user-agent", "")[:200] or None
    code = None if body.code is None else body.code.get_secret_value()
    sign_in = service.login(body.email, password, client=client, device=device, user_agent=agent, code=code)
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
def me(caller: Annotated[Principal, may(Permission.PROFILE_READ)]) -> MeView:
    """Read the caller's profile, with the credits and the plan of the own account, and the caller's organizations."""
    return profile.me(caller.user_id)


@router.delete(
    "/me",
    status_code=status.HTTP_202_ACCEPTED,
    operation_id="deleteMe",
    responses=problems(
        WrongPassword,
        CodeNeeded,
        WrongCode,
        TooManyGuesses,
        LastOwner,
        OrganizationNotEmpty,
        MemberChanged,
        ErasureBegun,
        UserNotFound,
    ),
)
def delete_me(body: Erasure, caller: OwnAccount, request: Request) -> ErasureView:
    """Delete the caller's account: films, jobs, uploads, projects, keys, sessions and settings.

    The account is closed at once, its jobs and its subscription end, and its credits are lost. Organizations lose the
    member; those without another member are deleted too. The last owner of an organization with other members gets 409
    and makes another member an owner first. Records of payments stay, under a pseudonym, because the law requires them.
    """
    code = None if body.code is None else body.code.get_secret_value()
    erasure.erase(caller.user_id, body.password.get_secret_value(), code, source=source_address(request))
    return ErasureView()


@router.post(
    "/change-password",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="changePassword",
    responses=problems(WrongPassword, WeakPassword, TooManyGuesses, SessionEnded),
)
def change_password(body: PasswordChange, caller: OwnAccount) -> None:
    """Set a new password, and end all other sessions. Wrong passwords delay the next try, as in `login`."""
    old, new = body.current_password.get_secret_value(), body.new_password.get_secret_value()
    accounts.change(caller.user_id, caller.session_id, old=old, new=new)


@router.get("/sessions", operation_id="listSessions")
def list_sessions(caller: ReadAccount) -> Page[SignInView]:
    """List the caller's sessions, newest first. Each sign-in begins one."""
    return whole(SignInView.of(family, caller.session_id) for family in service.sessions(caller.user_id))


@router.delete("/sessions", status_code=status.HTTP_204_NO_CONTENT, operation_id="endSessions")
def end_sessions(caller: OwnAccount) -> None:
    """End all sessions of the caller, also this one, and close their sockets."""
    accounts.sign_out_everywhere(caller.user_id)


@router.delete(
    "/sessions/{session_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="endSession",
    responses=problems(SessionNotFound),
)
def end_session(session_id: Id, caller: OwnAccount) -> None:
    """End one session of the caller, and close its sockets."""
    service.end(session_id, caller.user_id)


@router.get("/totp", operation_id="getTotp")
def get_totp(caller: ReadAccount) -> TotpView:
    """Read whether the caller's account has a second factor."""
    return second_factor.state(caller.user_id)


@router.post(
    "/totp",
    status_code=status.HTTP_201_CREATED,
    operation_id="createTotp",
    responses=problems(WrongPassword, TooManyGuesses, TotpEnabled, UserNotFound),
)
def create_totp(body: TotpCreate, caller: OwnAccount) -> TotpSecretView:
    """Create the secret of a second factor (TOTP, RFC 6238). It counts after `enableTotp`.

    The response is the only place that shows it. So this request takes no Idempotency-Key.
    """
    return second_factor.begin(caller.user_id, body.password.get_secret_value())


@router.post(
    "/totp/enable",
    operation_id="enableTotp",
    responses=problems(WrongCode, TotpEnabled, TotpNotEnabled, TooManyGuesses),
)
def enable_totp(body: TotpEnable, caller: OwnAccount) -> RecoveryCodesView:
    """Enable the second factor with a code of the app. Sign-ins need a code from then on. Sessions and keys stay."""
    return RecoveryCodesView(recovery_codes=list(second_factor.enable(caller.user_id, body.code.get_secret_value())))


@router.delete(
    "/totp",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="deleteTotp",
    responses=problems(WrongPassword, WrongCode, TotpNotEnabled, TooManyGuesses),
)
def delete_totp(body: TotpDelete, caller: OwnAccount) -> None:
    """Disable the second factor, and delete its recovery codes."""
    second_factor.disable(caller.user_id, body.password.get_secret_value(), body.code.get_secret_value())


@router.post("/ws-ticket", operation_id="createSocketTicket")
def create_socket_ticket(
    caller: Annotated[Principal, may(Permission.JOBS_READ, RouteClass.SESSION)],
) -> SocketTicketView:
    """Create a ticket for a browser, which cannot send a header when it opens a socket.

    Open the socket within 30 seconds with `?ticket=` in its URL. A ticket opens one socket.
    """
    return SocketTicketView(ticket=socket_tickets.create(caller.context(), at=utc_now()))


@router.post("/keys", status_code=status.HTTP_201_CREATED, operation_id="createKey", responses=problems(TooManyKeys))
def create_key(body: KeyCreate, caller: OwnAccount) -> NewKeyView:
    """Create a key for programs, which send it like an access token. The response is the only place that shows it.

    So this request takes no Idempotency-Key: the response is not stored.
    """
    row, key = api_keys.create(caller.user_id, **body.model_dump(), at=utc_now())
    return NewKeyView.of(row, key=key)


@router.get("/keys", operation_id="listKeys")
def list_keys(caller: ReadAccount) -> Page[KeyView]:
    """List the caller's keys, newest first, without the keys themselves."""
    return whole(KeyView.of(row) for row in api_keys.of_user(caller.user_id))


@router.delete(
    "/keys/{key_id}",
    status_code=status.HTTP_204_NO_CONTENT,
    operation_id="revokeKey",
    responses=problems(KeyNotFound),
)
def revoke_key(key_id: Id, caller: OwnAccount) -> None:
    """Revoke a key. Later requests with it get 401; its open sockets end within 15 minutes."""
    with transaction() as tx:
        api_keys.revoke(key_id, user_id=caller.user_id, tx=tx)


def _signed_in(session: service.Session, response: Response) -> SessionView:
    _set_cookie(response, COOKIE, session.refresh_token, int(FAMILY_LIFE.total_seconds()))
    return SessionView(access_token=session.access_token)


def _set_cookie(response: Response, name: str, value: str, seconds: int) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=True, httponly=True, samesite="strict")
