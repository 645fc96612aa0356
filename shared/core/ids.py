"""Sortable prefixed ids: `prj_01K...` sorts by its time of creation."""

from ulid import ULID


def new_id(prefix: str) -> str:
    return f"{prefix}_{ULID()}"


def made_at(id_: str) -> float:
    """Return an id's time of creation, in seconds since 1970."""
    return ULID.from_str(id_.rpartition("_")[2]).timestamp


def id_from(prefix: str, at_seconds: float) -> str:
    """Return the lowest id that can have that time of creation: a bound for range queries."""
    return f"{prefix}_{ULID.from_timestamp(at_seconds)}"[: len(prefix) + 11]
