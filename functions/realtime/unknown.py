"""`$default`: a message of no known type."""

from typing import Any

from functions.realtime.messages import refuse
from shared.core.errors import Invalid
from shared.observability import observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    error = Invalid("The message types are subscribe, unsubscribe and ping.")
    return refuse(event["requestContext"]["connectionId"], error)
