"""Every route declares exactly one permission, except the public routes."""

from typing import Annotated, Any

from fastapi import APIRouter

from shared.access.permissions import ROLES, AccountRole, Permission
from shared.access.principal import Principal
from shared.rest.app import create_app
from shared.rest.caller import Caller, may
from tests.support.endpoints import PUBLIC, ApiEndpoint, endpoints


def faults(found: list[ApiEndpoint]) -> list[str]:
    """Return the name of each route with a wrong number of permissions: 0 for public routes, 1 for others."""
    return [endpoint.name for endpoint in found if len(endpoint.permissions) != (0 if endpoint.name in PUBLIC else 1)]


def test_every_route_but_the_public_ones_states_one_permission() -> None:
    assert faults(endpoints()) == []


def test_public_routes_take_no_caller() -> None:
    open_routes = {endpoint.name for endpoint in endpoints() if "security" not in endpoint.operation}
    assert open_routes == PUBLIC


def test_a_route_without_a_permission_is_named() -> None:
    router = APIRouter(prefix="/api/trial")

    @router.get("/none")
    def none() -> None: ...

    @router.get("/any")
    def anybody(caller: Caller) -> None: ...

    @router.get("/one")
    def one(caller: Annotated[Principal, may(Permission.JOBS_READ)]) -> None: ...

    @router.get("/two")
    def two(
        first: Annotated[Principal, may(Permission.JOBS_READ)], second: Annotated[Principal, may(Permission.JOBS_WRITE)]
    ) -> None: ...

    document: dict[str, Any] = create_app("trial", router).openapi()
    trial = [ApiEndpoint("GET", path, verbs["get"], {}) for path, verbs in document["paths"].items()]
    assert faults(trial) == ["GET /api/trial/none", "GET /api/trial/any", "GET /api/trial/two"]


def test_every_permission_guards_a_route_and_every_role_has_some() -> None:
    assert {permission for endpoint in endpoints() for permission in endpoint.permissions} == set(Permission)
    assert set(ROLES) == set(AccountRole)
    assert all(ROLES.values())
