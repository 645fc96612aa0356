"""One pass over everything that is stored: in pages, with a stored position, so that the next run continues it."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from time import monotonic
from typing import Any

from shared.observability import logger
from shared.upkeep.store import Overtaken, passes

RUN_SECONDS = 780.0  # a run begins no page after this; the function's timeout is 900 s
ROWS = 200  # maximum rows in a page of a table

# Handle the page after a position (None: the first page) at this time. Return the number of objects, rows or findings,
# and the position of the next page (None: this was the last one).
Page = Callable[[Any, datetime], tuple[int, Any]]


def run(task: str, parts: Mapping[str, Page], at: datetime) -> dict[str, Any]:
    """Continue the task's pass over these parts until it is complete or the run is out of time.

    A page that is handled twice, after a crash or by two runs at once, has the same effect as once.
    """
    until, order, pages, number = monotonic() + RUN_SECONDS, list(parts), 0, 0
    current = None
    try:
        current = passes.current(task, order[0], at=at)
        while current is not None and current.part is not None and monotonic() < until:
            part = current.part if current.part in parts else order[0]  # a deployment can remove a part
            found, position = parts[part](json.loads(current.position), at)
            pages, number = pages + 1, number + found
            following = order[order.index(part) + 1 :] if position is None else [part]
            current = passes.advance(current, part=following[0] if following else None, position=position, found=found)
    except Overtaken:
        logger.info("another run continues the pass", task=task)
    complete = current is None or current.part is None
    logger.info("run ended", task=task, pages=pages, found=number, complete=complete)
    return {"pages": pages, "found": number, "complete": complete}
