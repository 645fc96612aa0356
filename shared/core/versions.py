"""The versions of resources: the ETag of a version, and the If-Match of a request that changes one (RFC 9110)."""

from dataclasses import dataclass
from hashlib import sha256

from shared.core.errors import AppError


class PreconditionFailed(AppError):
    """The resource has another version than the request expects.

    The response has the current version as its ETag, unless another request changes the resource at the same time.
    """

    code, status = "precondition_failed", 412

    def __init__(self, current: str | None = None) -> None:
        super().__init__("The resource has changed. Read it again.", headers={"ETag": current} if current else {})


def etag(*facts: object) -> str:
    """Return the ETag of the version that these facts identify."""
    return f'"{sha256(repr(facts).encode()).hexdigest()[:24]}"'


@dataclass(frozen=True, slots=True)
class IfMatch:
    """The versions that a request expects. None: any version."""

    tags: frozenset[str] | None = None

    @classmethod
    def parsed(cls, header: str | None) -> "IfMatch":
        """Return the expectation of an If-Match header, a list of ETags or `*`. A weak ETag matches nothing."""
        if header is None or header.strip() == "*":
            return cls()
        return cls(frozenset(tag.strip() for tag in header.split(",")))

    @property
    def given(self) -> bool:
        """Return whether the write must also state the version that it expects."""
        return self.tags is not None

    def check(self, current: str) -> None:
        """Raise PreconditionFailed if the request expects another version."""
        if self.tags is not None and current not in self.tags:
            raise PreconditionFailed(current)


ANY_VERSION = IfMatch()
