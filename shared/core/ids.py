"""Sortable prefixed ids: `prj_01K...` sorts by the time it was made."""

from ulid import ULID


def new_id(prefix: str) -> str:
    return f"{prefix}_{ULID()}"


def made_at(id_: str) -> float:
    """When it was made: seconds since 1970."""
    return ULID.from_str(id_.rpartition("_")[2]).timestamp


def id_from(prefix: str, at_seconds: float) -> str:
    """The lowest id that anything made at that time could have: a bound for range queries."""
    return f"{prefix}_{ULID.from_timestamp(at_seconds)}"[: len(prefix) + 11]
