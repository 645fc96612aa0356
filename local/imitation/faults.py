"""The faults of the imitated providers. A fault is planned for one kind of call, and happens once."""

from collections import defaultdict, deque
from enum import StrEnum


class ProviderCall(StrEnum):
    """A kind of call to a provider."""

    UPLOAD = "upload"  # of Runway only: an input is copied to it
    SUBMIT = "submit"
    POLL = "poll"
    RESULT = "result"  # of fal only: the answer that has the URL of the file
    FILE = "file"
    CANCEL = "cancel"


class Fault(StrEnum):
    """An event instead of the usual answer."""

    THROTTLED = "throttled"  # 429 with Retry-After, before the request is accepted
    UNAVAILABLE = "unavailable"  # 503, before the request is accepted
    UNKNOWN_KEY = "unknown-key"  # 401, or 400 with a reason
    MODERATED_INPUT = "moderated-input"
    FAILED_BEFORE = "failed-before"  # 500, before the request is accepted
    FAILED_AFTER = "failed-after"  # 502, after the request is accepted
    TIMED_OUT = "timed-out"  # 504, after the request is accepted
    DROPPED = "dropped"  # the connection ends after the request is accepted, without an answer
    WRONG_CONTENT = "wrong-content"  # 200 with an HTML page
    OTHER_HOST = "other-host"  # a URL of another host
    WORKING = "working"  # the work is not finished
    UNKNOWN_STATE = "unknown-state"  # a state that no document names
    MODERATED_OUTPUT = "moderated-output"
    BROKEN = "broken"  # the provider fails to make the file, by its own fault
    SLOW = "slow"  # a byte now and then, without an end
    EXPIRED = "expired"  # the URL of the file is no longer valid
    STILL = "still"  # a clip in which the camera does not move
    TOO_LATE = "too-late"  # the request has ended


REFUSED = {Fault.THROTTLED: 429, Fault.UNAVAILABLE: 503, Fault.UNKNOWN_KEY: 401, Fault.FAILED_BEFORE: 500}
"""The status of each fault that prevents the call."""

SPOILT = {Fault.FAILED_AFTER: 502, Fault.TIMED_OUT: 504}
"""The status of each fault that hides the answer of a call."""


class FaultPlan:
    """The faults that are still to happen, by provider and call."""

    def __init__(self) -> None:
        self._planned: defaultdict[tuple[str, ProviderCall], deque[Fault]] = defaultdict(deque)

    def add(self, provider: str, call: ProviderCall, *faults: Fault) -> None:
        self._planned[provider, call].extend(faults)

    def clear(self) -> None:
        """Forget all faults that are still to happen."""
        self._planned.clear()

    def take(self, provider: str, call: ProviderCall) -> Fault | None:
        """Remove and return the next fault of this call."""
        planned = self._planned[provider, call]
        return planned.popleft() if planned else None
