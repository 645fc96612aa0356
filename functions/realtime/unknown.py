"""`$default`: a message of no known type."""

from typing import Any

from functions.realtime.messages import answer
from shared.connections.record import ConnectionRecord
from shared.core.errors import Invalid
from shared.observability import observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    return answer(event, _refuse)


def _refuse(_: ConnectionRecord) -> None:
    raise Invalid("The message types are subscribe, unsubscribe and ping.")
