"""Sortable prefixed ids: `prj_01K...` sorts by its time of creation."""

from datetime import UTC, datetime

from ulid import ULID

ORGANIZATION = "org"  # prefix of the ids of organizations


def new_id(prefix: str) -> str:
    return f"{prefix}_{ULID()}"


def made_at(id_: str) -> float:
    """Return an id's time of creation, in seconds since 1970."""
    return ULID.from_str(id_.rpartition("_")[2]).timestamp


def time_of(id_: str) -> datetime:
    """Return an id's time of creation."""
    return datetime.fromtimestamp(made_at(id_), UTC)


def id_from(prefix: str, at_seconds: float) -> str:
    """Return the lowest id that can have that time of creation: a bound for range queries."""
    milliseconds = int(at_seconds * 1000 + 0.01)  # the product of a whole number can be a little less than it
    return f"{prefix}_{ULID.from_timestamp(milliseconds)}"[: len(prefix) + 11]


def organization_of(account_id: str) -> str | None:
    """Return the id of the organization that has the account. Return None for the account of a user.

    The id of an account is the id of its organization or of its user.
    """
    return account_id if account_id.startswith(f"{ORGANIZATION}_") else None
