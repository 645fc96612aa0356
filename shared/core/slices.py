"""A part of a long list."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """Some items of a list, and the position after which the next ones are: None at the end."""

    items: Sequence[T]
    position: str | None


def first_of(found: Sequence[T], limit: int, position_of: Callable[[T], str]) -> Slice[T]:
    """Return the first `limit` items. More of them show that the list goes on."""
    items = found[:limit]
    return Slice(items, position_of(items[-1]) if len(found) > limit else None)
