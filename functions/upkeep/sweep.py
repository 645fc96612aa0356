"""The functions that delete objects and rows that no record names: after 24 hours, and late uploads at once."""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from functions.upkeep import passes
from functions.upkeep.orphans import PREFIXES, ROWS_OF_JOBS, unnamed_objects, unnamed_rows
from shared.assets.record import QUARANTINE
from shared.aws import media
from shared.core.clock import utc_now
from shared.observability import Metric, logger, measure, observed

LEAST_AGE = timedelta(hours=24)


@observed
def handler(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Continue the current pass, or begin one if it is due. Return the number of pages and of deletions."""
    return sweep(utc_now())


def sweep(at: datetime) -> dict[str, Any]:
    """Continue the current pass at this time, or begin one."""
    return passes.run("sweep", PARTS, at)


@observed
def quarantine(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Delete uploads whose asset is decided or deleted. A form works until it expires, however often it is used."""
    number, position = 0, ()
    while position is not None:
        deleted, position = _objects(QUARANTINE, position, utc_now(), timedelta())
        number += deleted
    return {"found": number}


def _objects(prefix: str, after: Any, at: datetime, least_age: timedelta = LEAST_AGE) -> tuple[int, Any]:
    found, more = media.versions_page(prefix, after)
    unnamed = unnamed_objects(found, at - least_age)
    media.delete_versions(unnamed)
    kept = [version for version in found if version not in set(unnamed)]
    if kept:  # the marker of the next page is a version that exists
        after = (kept[-1].key, kept[-1].version_id)
    return _deleted(len(unnamed), prefix), (after or ()) if more else None


def _rows(record: Any, after: Any, at: datetime) -> tuple[int, Any]:
    found, following = record.scan_page(after, passes.ROWS)
    unnamed = unnamed_rows(found, at - LEAST_AGE)
    with record.batch_write() as batch:
        for row in unnamed:
            batch.delete(row)
    return _deleted(len(unnamed), record.Meta.table_name), following


def _deleted(number: int, place: str) -> int:
    if number:
        measure(Metric.ORPHANS_DELETED, number)
        logger.info("orphans deleted", number=number, place=place)
    return number


PARTS: dict[str, Callable[[Any, datetime], tuple[int, Any]]] = {
    **{prefix: partial(_objects, prefix) for prefix in PREFIXES},
    **{record.__name__: partial(_rows, record) for record in ROWS_OF_JOBS},
}
