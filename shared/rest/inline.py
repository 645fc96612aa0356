"""A request runs in the thread of its handler, and a Lambda function serves one request at a time.

FastAPI runs a plain function in another thread, so that it does not block other requests. Here there are none.
"""

from collections.abc import Callable, Sequence
from functools import update_wrapper
from inspect import iscoroutinefunction
from typing import Any
from warnings import filterwarnings

from fastapi import Depends, Request, params
from fastapi.routing import APIRoute
from pydantic.warnings import UnsupportedFieldAttributeWarning

from shared.core.errors import AppError
from shared.rest.event import event

# FastAPI hides this warning where it makes an adapter. Those of our models are built at the first request of a route.
filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)


class NotJson(AppError):
    """The request has a body of another type."""

    code, status = "unsupported_media_type", 415


async def _json_body(request: Request) -> None:
    """Refuse a body of another type than JSON, on a route that reads a body."""
    route = request.scope["route"]
    if not isinstance(route, APIRoute) or route.body_field is None or not event(request).get("body"):
        return
    sent = request.headers.get("content-type", "")
    kind = sent.partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise NotJson(f"Send JSON with the header “Content-Type: application/json”. It was “{sent[:100]}”.")


class Inline(APIRoute):
    """A route that reads JSON, and whose endpoint is a plain function that FastAPI runs without a change of thread."""

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        dependencies: Sequence[params.Depends] | None = None,
        **options: Any,
    ) -> None:
        called = endpoint if iscoroutinefunction(endpoint) else _Inline(endpoint)
        super().__init__(path, called, dependencies=[Depends(_json_body), *(dependencies or ())], **options)


class _Inline:
    """An endpoint that calls a plain function. FastAPI reads the source of an endpoint that is a function (15 ms)."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        update_wrapper(self, function)

    async def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)
