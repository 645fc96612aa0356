"""`$disconnect`: delete the socket and its subscriptions."""

from typing import Any

from shared.connections.store import connections
from shared.observability import observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    connections.close(event["requestContext"]["connectionId"])
    return {"statusCode": 200}
