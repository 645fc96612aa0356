"""`$connect`: remembers who opened the socket; the authorizer has let them in."""

from typing import Any

from shared.connections.store import connections
from shared.core.clock import utc_now
from shared.observability import observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    context = event["requestContext"]
    connections.open(context["connectionId"], user_id=context["authorizer"]["userId"], at=utc_now())
    return {"statusCode": 200}
