"""`$connect`: record the account of a new socket. The authorizer has verified the token; sockets need jobs:read.

A browser sends the origin of the page. Only the studio's pages may connect.
"""

from typing import Any

from shared.access.permissions import Permission
from shared.access.principal import Principal
from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.connections.store import TooManyConnections, connections
from shared.core.clock import utc_now
from shared.core.config import Config
from shared.credentials.store import credentials
from shared.observability import observed
from shared.quotas.store import Suspended, quotas
from shared.subscriptions.plans import PLANS
from shared.subscriptions.store import subscriptions


class SocketConfig(Config):
    web_origin: str = ""


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    context, at, own_origin = event["requestContext"], utc_now(), SocketConfig().web_origin
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    caller = Principal.from_context(context["authorizer"])
    if headers.get("origin", own_origin) != own_origin or not caller.may(Permission.JOBS_READ):
        return {"statusCode": 403}
    if caller.expires_at <= at:
        return {"statusCode": 401}
    most = PLANS[subscriptions.plan(caller.account_id)].sockets
    try:
        connections.open(context["connectionId"], caller, most=most, at=at)
    except TooManyConnections as refusal:
        connections.close(context["connectionId"])
        return {"statusCode": refusal.status}
    # Read after the write: either this finds the end of the session, or the end of the session finds the connection.
    # A suspension is found in the same way.
    try:
        quotas.check(caller.user_id)
    except Suspended as refusal:
        connections.close(context["connectionId"])
        return {"statusCode": refusal.status}
    if caller.session_id and credentials.has_ended(caller.session_id, at=at):
        connections.close(context["connectionId"])
        return {"statusCode": 401}
    return {"statusCode": 200}


prepare(dynamodb)
