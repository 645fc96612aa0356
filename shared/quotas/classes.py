"""The classes of routes, and the quota of one principal in each class, as data (docs/adr/0033)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class RouteClass(StrEnum):
    """A kind of request. A route declares its class beside its permission (`shared/rest/caller.py`)."""

    SIGN_UP = "sign-up"
    SIGN_IN = "sign-in"
    SESSION = "session"  # its renewal and its end
    READ = "read"
    WRITE = "write"
    SPEND = "spend"  # a request that can cost credits
    REPORT = "report"  # an error of the studio in a browser
    WEBHOOK = "webhook"  # an event of a service outside of the deployment


@dataclass(frozen=True, slots=True)
class Quota:
    """A token bucket: `burst` requests at once, and `per_minute` more in each minute."""

    burst: int
    per_minute: int
    open: bool = False  # accept requests while the table of quotas does not answer; otherwise refuse them

    def times(self, factor: int) -> "Quota":
        return replace(self, burst=factor * self.burst, per_minute=factor * self.per_minute)

    @property
    def refill_ms(self) -> int:
        """The time in which the bucket gets one request, in milliseconds."""
        return 60_000 // self.per_minute

    @property
    def window_seconds(self) -> int:
        """The time in which an empty bucket becomes full, in seconds."""
        return -(-self.burst * self.refill_ms // 1000)


# The principal is a user, or the client's address for routes without a user. One address can be an office.
QUOTAS: Mapping[RouteClass, Quota] = {
    RouteClass.SIGN_UP: Quota(burst=20, per_minute=2),
    RouteClass.SIGN_IN: Quota(burst=60, per_minute=60),
    RouteClass.SESSION: Quota(burst=300, per_minute=300),
    RouteClass.READ: Quota(burst=300, per_minute=600, open=True),
    RouteClass.WRITE: Quota(burst=120, per_minute=120),
    RouteClass.SPEND: Quota(burst=60, per_minute=60),
    RouteClass.REPORT: Quota(burst=20, per_minute=20, open=True),
    RouteClass.WEBHOOK: Quota(burst=600, per_minute=600, open=True),  # the signature protects it
}
