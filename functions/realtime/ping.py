"""`ping`: answer `pong`. A message within ten minutes prevents that API Gateway closes a quiet connection."""

from typing import Any

from functions.realtime.messages import Pong, answer
from shared.observability import observed


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    return answer(event, lambda _: Pong())
