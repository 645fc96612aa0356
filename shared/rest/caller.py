"""The caller of a route, and the permission that the route needs."""

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer

from shared.access.permissions import Permission
from shared.access.principal import Principal
from shared.core.clock import utc_now
from shared.core.errors import Forbidden, Unauthorized
from shared.keys.store import api_keys
from shared.quotas.classes import RouteClass
from shared.rest.event import event
from shared.rest.quota import count

# This only describes the token in OpenAPI: the authorizer verifies it before a function runs.
_token = HTTPBearer(scheme_name="token", bearerFormat="JWT or key", auto_error=False)


async def _principal(request: Request, _described: Annotated[object, Depends(_token)]) -> Principal:
    caller = Principal.from_context(event(request)["requestContext"]["authorizer"])
    at = utc_now()
    if caller.expires_at <= at:  # API Gateway caches the authorizer's response after this time
        raise Unauthorized("The access token has expired.")
    if caller.key_id and not api_keys.find(caller.key_id, at=at):  # read here for the same reason
        raise Unauthorized("The key is revoked or expired.")
    return caller


Caller = Annotated[Principal, Depends(_principal)]


def may(permission: Permission, name: RouteClass | None = None) -> Any:
    """Return the dependency of a route that needs `permission`. In OpenAPI it is the route's scope.

    A route declares it in its signature: `caller: Annotated[Principal, may(Permission.JOBS_READ)]`. The request counts
    in the quota of the class `name`, by default READ or WRITE, as the permission says.
    """
    counted = name or (RouteClass.READ if permission.endswith(":read") else RouteClass.WRITE)

    async def permitted(request: Request, caller: Caller) -> Principal:
        count(request, counted, caller.user_id)
        if not caller.may(permission):
            raise Forbidden(f"This needs the permission {permission}. Your role or your token does not have it.")
        return caller

    return Security(permitted, scopes=[permission.value])
