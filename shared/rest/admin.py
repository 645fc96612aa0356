"""The routes of platform admins, who operate the deployment. They act on no account."""

from typing import Any

from fastapi import Request, Security

from shared.access.permissions import PLATFORM, Permission
from shared.audit.admin import Admin
from shared.core.errors import Forbidden
from shared.quotas.classes import RouteClass
from shared.rest.caller import Caller
from shared.rest.event import source_address
from shared.rest.quota import count
from shared.users.store import users


def administering(permission: Permission, name: RouteClass = RouteClass.WRITE) -> Any:
    """Return the dependency of a route that needs a platform admin.

    The user is read at each request, so a dismissed admin is out at once. No role and no key has such a permission.
    Each change of the route adds an entry to the log of the deployment (`Admin.note`).
    """
    if permission not in PLATFORM:
        raise ValueError(f"{permission} is not a permission of platform admins")

    async def permitted(request: Request, caller: Caller) -> Admin:
        count(request, name, caller.user_id)
        if not caller.has_scope(permission) or caller.key_id or not users.is_platform_admin(caller.user_id):
            raise Forbidden(f"This needs the permission {permission}, which only admins of this studio have.")
        return Admin(caller.user_id, source_address(request))

    return Security(permitted, scopes=[permission.value])
