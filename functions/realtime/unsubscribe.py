"""`unsubscribe`: stop listening to a job."""

from typing import Any

from functions.realtime.messages import Unsubscribe, answer, channel_of, read_channel
from shared.connections.record import ConnectionRecord
from shared.connections.store import connections
from shared.observability import observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    def unsubscribe(connection: ConnectionRecord) -> None:
        connections.unsubscribe(connection.connection_id, channel_of(read_channel(event, Unsubscribe)))

    return answer(event, unsubscribe)
