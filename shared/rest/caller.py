"""The caller of a route, and the permission that the route needs."""

from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer, SecurityScopes

from shared.access.permissions import Permission
from shared.access.principal import Principal
from shared.core.clock import utc_now
from shared.core.errors import Forbidden, Unauthorized
from shared.rest.event import event

# This only describes the token in OpenAPI: the authorizer verifies it before a function runs.
_token = HTTPBearer(scheme_name="token", bearerFormat="JWT", auto_error=False)


def _principal(request: Request, _described: Annotated[object, Depends(_token)]) -> Principal:
    caller = Principal.from_context(event(request)["requestContext"]["authorizer"])
    if caller.expires_at <= utc_now():  # API Gateway caches the authorizer's response after this time
        raise Unauthorized("The access token has expired.")
    return caller


Caller = Annotated[Principal, Depends(_principal)]


def _permitted(needed: SecurityScopes, caller: Caller) -> Principal:
    for permission in needed.scopes:
        if not caller.may(Permission(permission)):
            raise Forbidden(f"This needs the permission {permission}. Your role or your token does not have it.")
    return caller


def may(permission: Permission) -> Any:
    """Return the dependency of a route that needs `permission`. In OpenAPI it is the route's scope.

    A route declares it in its signature: `caller: Annotated[Principal, may(Permission.JOBS_READ)]`.
    """
    return Security(_permitted, scopes=[permission.value])
