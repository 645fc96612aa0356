"""The actor of a route: the caller, with the accounts on which the caller has the route's permission.

A request names the account on which it acts in one place. The resource in its path belongs to an account. A new job or
upload belongs to the account of its project. Otherwise `organizationId` names an organization, and a request without it
acts on the caller's own account.
"""

from typing import Annotated, Any

from fastapi import Depends, Query, Request

from shared.access.permissions import Permission
from shared.access.principal import Principal
from shared.core.wire import Id
from shared.members.actor import Actor
from shared.quotas.classes import RouteClass
from shared.rest.caller import may
from shared.rest.event import source_address

OrganizationId = Annotated[
    Id | None, Query(alias="organizationId", description="An organization. Without it: the caller's own account.")
]


def acting(permission: Permission, name: RouteClass | None = None) -> Any:
    """Return the dependency of a route that needs `permission` on the accounts on which it acts.

    A route declares it in its signature: `caller: Annotated[Actor, acting(Permission.JOBS_READ)]`. The request counts
    in the quota of the class `name` (`may`).
    """

    async def actor(request: Request, caller: Annotated[Principal, may(permission, name)]) -> Actor:
        return Actor(caller.user_id, permission, source=source_address(request), key_id=caller.key_id)

    return Depends(actor)
