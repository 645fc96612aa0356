"""No request leaves the thread of its handler."""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from infra.functions import REST_DOMAINS
from shared.rest.inline import Inline


def in_pool(routes: Iterable[BaseRoute], handlers: Iterable[Any] = ()) -> list[str]:
    """Return the names of the routes, dependencies and error handlers that FastAPI runs in a thread of its pool."""
    calls = [call for route in routes if isinstance(route, APIRoute) for call in _calls(route.dependant)]
    return sorted({str(call) for call in (*calls, *handlers) if not _is_inline(call)})


def _calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
    if dependant.call:
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _calls(inner)


def _is_inline(call: Any) -> bool:
    return iscoroutinefunction(call) or (not isinstance(call, type) and iscoroutinefunction(type(call).__call__))


def test_no_route_dependency_or_error_handler_runs_in_the_pool() -> None:
    apps = [import_module(domain.handler.partition(":")[0]).app for domain in REST_DOMAINS]
    handlers = [one for app in apps for one in app.exception_handlers.values() if one.__module__ == "shared.rest.app"]
    assert all(any(isinstance(route, APIRoute) for route in app.state.routes) for app in apps)
    assert len(handlers) == 4 * len(apps)
    assert in_pool([route for app in apps for route in app.state.routes], handlers) == []


def test_a_plain_route_and_a_plain_dependency_are_named() -> None:
    def first() -> None: ...

    async def second() -> None: ...

    class Third: ...

    def plain(a: Annotated[None, Depends(first)], b: Annotated[None, Depends(second)]) -> None: ...

    def inline(c: Annotated[Third, Depends()]) -> None: ...

    old, new = APIRouter(), APIRouter(route_class=Inline)
    old.get("/plain")(plain)
    new.get("/inline")(inline)
    assert in_pool([*old.routes, *new.routes], [first]) == sorted({str(first), str(plain), str(Third)})
