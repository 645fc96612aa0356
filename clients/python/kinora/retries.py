"""The rules of retries: which requests are sent again, and after how many seconds."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_SECONDS, MAX_SECONDS = 0.5, 8.0
MAX_RETRY_AFTER_SECONDS = 60.0  # a longer wait is the caller's decision
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def new_key() -> str:
    """Return a new Idempotency-Key."""
    return str(uuid4())


class Tries:
    """The tries of one request.

    `repeatable` means that a second request has no second effect: it has an Idempotency-Key, or its method or its
    route says so. Other requests are sent again only if the studio certainly did nothing.
    """

    def __init__(self, method: str, *, repeatable: bool, max_retries: int) -> None:
        self._method, self._repeatable, self._left = method, repeatable, max_retries
        self._made = 0
        self._lost = False  # an earlier try may have had its effect

    def after_error(self, error: httpx.TransportError) -> float | None:
        """Return the seconds until the next try, or None if there is none."""
        self._lost = self._lost or not isinstance(error, _NOT_SENT)
        return self._wait() if self._repeatable or isinstance(error, _NOT_SENT) else None

    def after(self, answer: httpx.Response) -> float | None:
        """Return the seconds until the next try, or None if the answer is the last one."""
        status = answer.status_code
        self._lost = self._lost or status >= 500
        if status != 429 and not (self._repeatable and status in {408, 500, 502, 503, 504}):
            return None
        asked = retry_after(answer.headers, datetime.now(timezone.utc))
        if asked is not None and asked > MAX_RETRY_AFTER_SECONDS:
            return None
        wait = self._wait()
        return wait if wait is None or asked is None else max(asked, wait)

    def succeeded(self, answer: httpx.Response) -> bool:
        """Return whether the request has its effect. An earlier try, whose answer was lost, may have deleted."""
        return answer.is_success or (self._lost and self._method == "DELETE" and answer.status_code == 404)

    def _wait(self) -> float | None:
        if self._left == 0:
            return None
        self._left -= 1
        self._made += 1
        return random.uniform(0.5, 1) * min(MAX_SECONDS, FIRST_SECONDS * 2.0 ** (self._made - 1))


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds of the header Retry-After, which has seconds or a date. None without a valid one."""
    text = headers.get("retry-after", "")
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None
