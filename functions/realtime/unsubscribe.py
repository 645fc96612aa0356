"""`unsubscribe`: stop listening to a job."""

from typing import Any

from functions.realtime.messages import Unsubscribe, channel_of, read_channel, refuse
from shared.connections.store import connections
from shared.core.errors import AppError
from shared.observability import observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    connection_id = event["requestContext"]["connectionId"]
    try:
        connections.unsubscribe(connection_id, channel_of(read_channel(event, Unsubscribe)))
    except AppError as error:
        return refuse(connection_id, error)
    return {"statusCode": 200}
