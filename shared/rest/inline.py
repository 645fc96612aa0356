"""A request runs in the thread of its handler, and a Lambda function serves one request at a time.

FastAPI runs a plain function in another thread, so that it does not block other requests. Here there are none.
"""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any

from fastapi.routing import APIRoute


class Inline(APIRoute):
    """A route whose endpoint is a plain function that FastAPI runs without a change of thread."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint if iscoroutinefunction(endpoint) else _inline(endpoint), **options)


def _inline(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call
