"""`/api/admin`: users, credits and engines of the deployment, for platform admins."""

from typing import Annotated

from fastapi import APIRouter, Query, Response, status

from functions.admin import service
from functions.admin.schemas import (
    AdminEntryView,
    AdminUserView,
    CreditsGrant,
    EngineDisabling,
    EngineSwitchView,
    GrantedView,
    Suspension,
)
from functions.admin.service import EngineNotFound
from shared.access.permissions import Permission
from shared.audit.admin import Admin
from shared.audit.store import DEPLOYMENT, audit_log
from shared.core.wire import Id
from shared.credits.store import BalanceChanged, BookedAlready
from shared.idempotency.store import KeyReused
from shared.rest.admin import administering
from shared.rest.inline import Inline
from shared.rest.once import Once
from shared.rest.pagination import BadCursor, Page, Paged, whole
from shared.rest.problem import problems
from shared.users.store import UserNotFound

router = APIRouter(prefix="/api/admin", tags=["admin"], route_class=Inline)

Users = Annotated[Admin, administering(Permission.USERS_ADMIN)]
Credits = Annotated[Admin, administering(Permission.CREDITS_ADMIN)]
Engines = Annotated[Admin, administering(Permission.ENGINES_ADMIN)]
Address = Annotated[str, Query(max_length=254, description="A part of the address. A whole address is found at once.")]


@router.get("/users", operation_id="listUsers", responses=problems(BadCursor))
def list_users(caller: Users, paging: Paged, address: Address = "") -> Page[AdminUserView]:
    """Search users by their address. A page can be short, although the list goes on: read until `hasMore` is false."""
    found = service.user_page(address, caller, limit=paging.limit, after=paging.after)
    return paging.page(found, AdminUserView.of)


@router.post("/users/{user_id}/suspend", operation_id="suspendUser", responses=problems(UserNotFound))
def suspend_user(user_id: Id, body: Suspension, caller: Users) -> AdminUserView:
    """Suspend a user: sessions, keys and sockets stop at once, and the open jobs of the own account are cancelled.

    Jobs of organizations go on.
    """
    return AdminUserView.of(service.suspend(user_id, body.reason, caller))


@router.post("/users/{user_id}/resume", operation_id="resumeUser", responses=problems(UserNotFound))
def resume_user(user_id: Id, caller: Users) -> AdminUserView:
    """End the suspension of a user, who signs in again."""
    return AdminUserView.of(service.resume(user_id, caller))


@router.post(
    "/users/{user_id}/credits",
    status_code=status.HTTP_201_CREATED,
    response_model=GrantedView,
    operation_id="grantCreditsToUser",
    responses=problems(BookedAlready, BalanceChanged, KeyReused),
)
def grant_to_user(user_id: Id, body: CreditsGrant, caller: Credits, once: Once) -> Response:
    """Give credits to a user's own account, or refund a job of it. The ledger shows the reason."""
    return _granted(user_id, body, caller, once)


@router.post(
    "/organizations/{organization_id}/credits",
    status_code=status.HTTP_201_CREATED,
    response_model=GrantedView,
    operation_id="grantCreditsToOrganization",
    responses=problems(BookedAlready, BalanceChanged, KeyReused),
)
def grant_to_organization(organization_id: Id, body: CreditsGrant, caller: Credits, once: Once) -> Response:
    """Give credits to an organization, or refund a job of it. The ledger shows the reason."""
    return _granted(organization_id, body, caller, once)


def _granted(account_id: str, body: CreditsGrant, admin: Admin, once: Once) -> Response:
    return once.respond(lambda tx: service.grant(account_id, body, admin, tx), status=status.HTTP_201_CREATED)


@router.get("/engines", operation_id="listEngineSwitches")
def list_engine_switches(_caller: Engines) -> Page[EngineSwitchView]:
    """List the engines of the deployment, with those that are disabled."""
    return whole(service.engines())


@router.post("/engines/{engine_id}/disable", operation_id="disableEngine", responses=problems(EngineNotFound))
def disable_engine(engine_id: Id, body: EngineDisabling, caller: Engines) -> EngineSwitchView:
    """Stop new jobs from using an engine. A job that names it gets its fallback, or is refused."""
    return service.switch(engine_id, body.reason, caller)


@router.post("/engines/{engine_id}/enable", operation_id="enableEngine", responses=problems(EngineNotFound))
def enable_engine(engine_id: Id, caller: Engines) -> EngineSwitchView:
    """Offer a disabled engine again."""
    return service.switch(engine_id, None, caller)


@router.get("/audit", operation_id="listAdminActions", responses=problems(BadCursor))
def list_admin_actions(_caller: Users, paging: Paged) -> Page[AdminEntryView]:
    """List the actions of platform admins of the last 400 days, newest first."""
    found = audit_log.page(organization_id=DEPLOYMENT, limit=paging.limit, after=paging.after)
    return paging.page(found, AdminEntryView.of)
