"""`$connect`: record the account of a new socket. The authorizer has verified the token; sockets need jobs:read."""

from typing import Any

from shared.access.permissions import Permission
from shared.access.principal import Principal
from shared.connections.store import connections
from shared.core.clock import utc_now
from shared.observability import observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    context = event["requestContext"]
    caller = Principal.from_context(context["authorizer"])
    if not caller.may(Permission.JOBS_READ):
        return {"statusCode": 403}
    connections.open(context["connectionId"], account_id=caller.account_id, user_id=caller.user_id, at=utc_now())
    return {"statusCode": 200}
