"""Pages of lists. Each list of the API answers with a `Page`."""

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Annotated, Generic, TypeVar

from fastapi import Depends, Query, Request
from itsdangerous import BadData, URLSafeSerializer
from pydantic import Field

from shared.access.principal import Principal
from shared.aws.secrets import secret
from shared.core.errors import Invalid
from shared.core.slices import Slice
from shared.core.wire import View
from shared.rest.caller import Caller

CURSOR_KEY = "cursor-key"

T = TypeVar("T")
V = TypeVar("V")


class BadCursor(Invalid):
    """The cursor was changed, or it is of another caller, another list or other filters."""

    code = "bad_cursor"


class Page(View, Generic[V]):
    """A part of a list."""

    data: list[V]
    has_more: bool
    next_cursor: str | None = Field(description="The `cursor` of the next page; null on the last page.")


class Paging:
    """The page for which a request asks: at most `limit` items after the position `after`.

    A cursor contains a position. Its signature covers the caller, the path and the filters. It stays valid until the
    deployment's key has been rotated twice.
    """

    def __init__(self, request: Request, caller: Principal, limit: int, cursor: str | None) -> None:
        self.limit = limit
        filters = sorted(pair for pair in request.query_params.multi_items() if pair[0] not in {"limit", "cursor"})
        self._scope = json.dumps([caller.user_id, request.url.path, filters])
        self.after = None if cursor is None else self._position(cursor)

    def page(self, found: Slice[T], view: Callable[[T], V]) -> Page[V]:
        """Return the page of these items, each shown by `view`."""
        cursor = None if found.position is None else str(self._signatures().dumps(found.position))
        return Page(data=[view(item) for item in found.items], has_more=cursor is not None, next_cursor=cursor)

    def _position(self, cursor: str) -> str:
        try:
            return str(self._signatures().loads(cursor))
        except BadData:
            raise BadCursor("The cursor is not of this list. Take `nextCursor` of the page before.") from None

    def _signatures(self) -> URLSafeSerializer:
        newest_last = secret(CURSOR_KEY).split()[::-1]
        return URLSafeSerializer(newest_last, salt=self._scope, signer_kwargs={"digest_method": sha256})


async def _paging(
    request: Request,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=100, description="The maximum number of items.")] = 20,
    cursor: Annotated[
        str | None, Query(max_length=1000, description="`nextCursor` of the previous page, with the same filters.")
    ] = None,
) -> Paging:
    return Paging(request, caller, limit, cursor)


Paged = Annotated[Paging, Depends(_paging)]


def whole(items: Iterable[V]) -> Page[V]:
    """Return a list that is always short as its only page."""
    return Page(data=list(items), has_more=False, next_cursor=None)
