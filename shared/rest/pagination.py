"""Pagination, newest first. The last id of a page is the `after` of the next one."""

from typing import Annotated

from fastapi import Query

Limit = Annotated[int, Query(ge=1, le=100)]
After = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="The last id of the previous page.")]
