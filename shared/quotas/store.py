"""Token buckets in DynamoDB: a request is one conditional update (docs/adr/0033)."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pynamodb.expressions.update import Action

from shared.aws.records import on_refusal
from shared.core.errors import AppError, Forbidden
from shared.quotas.classes import Quota, RouteClass
from shared.quotas.record import QuotaRecord

_TRIES = 3
_NEVER = datetime(2200, 1, 1, tzinfo=UTC)  # the time at which the bucket of a suspended user is full
_NEVER_MS = int(_NEVER.timestamp() * 1000)
_LIFE = timedelta(hours=1)  # after the bucket is full: a bucket without a record is full
_MOST_KNOWN = 10_000  # maximum number of buckets that a process remembers


class TooManyRequests(AppError):
    code, status = "too_many_requests", 429


class Suspended(Forbidden):
    """A platform admin has suspended the user."""

    code = "account_suspended"

    def __init__(self) -> None:
        super().__init__("This account is suspended. Write to the operator of this studio.")


class _UnknownState(Exception):
    """The bucket is in another state than this process knows."""


@dataclass(frozen=True, slots=True)
class Remaining:
    """The rest of a principal's quota. `reset_seconds` is the time until it is whole again."""

    name: RouteClass
    quota: Quota
    requests: int
    reset_seconds: int

    def headers(self) -> Mapping[str, str]:
        """Return the headers of draft-ietf-httpapi-ratelimit-headers-11: quota and window; rest and time to reset."""
        quota = self.quota
        return {
            "RateLimit-Policy": f'"{self.name}";q={quota.burst};w={quota.window_seconds}',
            "RateLimit": f'"{self.name}";r={self.requests};t={self.reset_seconds}',
        }


class QuotaStore:
    def __init__(self) -> None:
        # By bucket, the newest time at which it is full, as far as this process knows. The true time is never earlier.
        self._full_at_ms: dict[str, int] = {}

    def take(self, name: RouteClass, principal: str, quota: Quota, *, at: datetime) -> Remaining:
        """Take one request from the bucket. Raise TooManyRequests if it is empty, or Suspended.

        A process that knows that the bucket is empty calls nothing. It does not remember that a user is suspended.
        """
        bucket, now = f"{name}#{principal}", math.floor(at.timestamp() * 1000)
        for _ in range(_TRIES):
            with suppress(_UnknownState):
                return self._take(bucket, name, quota, now)
        raise _refusal(Remaining(name, quota, 0, 1), 1)

    def suspend(self, user_id: str) -> None:
        """Refuse all later requests of the user. The call can be repeated."""
        with QuotaRecord.batch_write() as batch:
            for name in RouteClass:
                batch.save(QuotaRecord(f"{name}#{user_id}", full_at_ms=_NEVER_MS, expires_at=_NEVER))

    def resume(self, user_id: str) -> None:
        """Accept requests of a suspended user again. The call can be repeated."""
        with QuotaRecord.batch_write() as batch:
            for name in RouteClass:
                batch.delete(QuotaRecord(f"{name}#{user_id}"))

    def check(self, user_id: str) -> None:
        """Raise Suspended for a suspended user, without taking a request."""
        with suppress(QuotaRecord.DoesNotExist):
            if QuotaRecord.get(f"{RouteClass.SESSION}#{user_id}", consistent_read=True).full_at_ms >= _NEVER_MS:
                raise Suspended

    def forget(self) -> None:
        """Forget the buckets that this process knows."""
        self._full_at_ms.clear()

    def _take(self, bucket: str, name: RouteClass, quota: Quota, now: int) -> Remaining:
        record, known, step = QuotaRecord, self._full_at_ms.get(bucket, 0), quota.refill_ms
        latest = now + (quota.burst - 1) * step  # from a later time on, the bucket has no whole request
        if known >= _NEVER_MS:
            del self._full_at_ms[bucket]
            raise Suspended
        if known > latest:
            raise _refusal(Remaining(name, quota, 0, _seconds(known - now)), _seconds(known - latest))
        full: Action
        if known > now:
            full, condition = record.full_at_ms.add(step), record.full_at_ms.between(now, latest)
        else:
            full = record.full_at_ms.set(now + step)
            condition = record.bucket.does_not_exist() | (record.full_at_ms <= now)
        row, expires = record(bucket), datetime.fromtimestamp((now + quota.burst * step) / 1000, UTC) + _LIFE
        self._full_at_ms.pop(bucket, None)
        with on_refusal(_UnknownState()):
            row.update([full, record.expires_at.set(expires)], condition, done=self._remember)
        self._remember(row)
        full_at = int(row.full_at_ms)
        return Remaining(name, quota, (latest - full_at) // step + 1, _seconds(full_at - now))

    def _remember(self, row: QuotaRecord) -> bool:
        """Remember the bucket's state. Return False: a repeated update may take two requests, which is harmless."""
        if len(self._full_at_ms) >= _MOST_KNOWN:
            self.forget()
        self._full_at_ms[row.bucket] = int(row.full_at_ms)
        return False


def _refusal(rest: Remaining, wait_seconds: int) -> TooManyRequests:
    return TooManyRequests(
        f"Too many requests of the kind “{rest.name}”. Try again in {wait_seconds} s.",
        headers={**rest.headers(), "Retry-After": str(wait_seconds)},
    )


def _seconds(milliseconds: int) -> int:
    return -(-milliseconds // 1000)


quotas = QuotaStore()
