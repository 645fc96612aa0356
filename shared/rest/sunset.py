"""Headers of answers about jobs whose engine will be shut down: Deprecation (RFC 9745), Sunset (RFC 8594) and Link."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Protocol

from fastapi import Response

from shared.stages.engines import ALL_ENGINES
from shared.stages.stages import Stage

_DOCUMENT = '</api/engines>; rel="deprecation"; type="application/json"'


class UsesEngine(Protocol):
    """A step of a job or of a quote."""

    @property
    def step_type(self) -> Stage: ...

    @property
    def engine(self) -> str: ...


def announce(response: Response, steps: Iterable[UsesEngine]) -> None:
    """Add the headers to an answer with these steps."""
    response.headers.update(sunset_headers((step.step_type, step.engine) for step in steps))


def announced(response: Response) -> Response:
    """Return the answer, whose body is a job as JSON, with the headers."""
    steps = json.loads(bytes(response.body))["steps"]
    response.headers.update(sunset_headers((Stage(step["stepType"]), step["engine"]) for step in steps))
    return response


def sunset_headers(used: Iterable[tuple[Stage, str]]) -> dict[str, str]:
    """Return the headers for a job that uses these engines, by stage and name. The first sunset counts.

    Return no headers if none of them has a sunset.
    """
    names = set(used)
    going = [entry for entry in ALL_ENGINES if entry.sunset_at and (entry.stage, entry.name) in names]
    dates = [(entry.sunset_at, entry.deprecated_at) for entry in going if entry.sunset_at]
    if not dates:
        return {}
    sunset_at, deprecated_at = min(dates, key=lambda pair: pair[0])
    headers = {"Sunset": format_datetime(_midnight(sunset_at), usegmt=True), "Link": _DOCUMENT}
    if deprecated_at is not None:
        headers["Deprecation"] = f"@{int(_midnight(deprecated_at).timestamp())}"
    return headers


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
