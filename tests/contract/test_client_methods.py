"""Each operation of docs/openapi.json has a method of the Python client, and each method sends an operation."""

import inspect
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import httpx
import pytest

from clients.python.kinora import Kinora
from clients.python.kinora.http import Pages, Resource
from local.environment import ROOT

# Operations without a method, and the reason.
LEFT_OUT = {
    **dict.fromkeys(
        ("register", "verifyEmail", "forgotPassword", "resetPassword", "login", "refresh", "logout"),
        "a person signs in on the pages of the studio, and a program has a key",
    ),
    **dict.fromkeys(
        ("getTotp", "createTotp", "deleteTotp", "enableTotp"), "a person sets the second factor on a page of the studio"
    ),
    "receiveStripeEvent": "Stripe sends it",
    "reportError": "the studio in a browser sends it",
}
STORAGE = "https://storage.example/"
UNSENT_QUERY = {"cursor"}  # the iterator over pages sends it


@cache
def operations() -> dict[str, tuple[str, re.Pattern[str], dict[str, Any]]]:
    """Return method, pattern of the path, and description of each operation. Literal paths come first."""
    paths = json.loads((ROOT / "docs/openapi.json").read_text())["paths"]
    return {
        operation["operationId"]: (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path)), operation)
        for path, methods in sorted(paths.items(), key=lambda item: item[0].count("{"))
        for method, operation in methods.items()
    }


def names_of(operation: dict[str, Any], place: str) -> set[str]:
    return {one["name"] for one in operation.get("parameters", []) if one["in"] == place}


def operation_of(request: httpx.Request) -> str | None:
    hits = (
        name
        for name, (method, path, _) in operations().items()
        if method == request.method and path.fullmatch(request.url.path)
    )
    return next(hits, None)


def sent() -> Iterator[tuple[str, httpx.Request]]:
    """Call each method of each resource with all its arguments, and yield its name and each of its requests."""
    requests: list[httpx.Request] = []

    def answered(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(
            200, json={"data": [], "hasMore": False, "asset": {}, "upload": {"url": STORAGE, "fields": {}}}
        )

    with Kinora("kin_x", "https://studio.example", transport=httpx.MockTransport(answered), max_retries=0) as client:
        for attribute, resource in vars(client).items():
            if not isinstance(resource, Resource):
                continue
            for name, method in inspect.getmembers(resource, inspect.ismethod):
                if name.startswith("_") or name == "stream":  # `stream` reads `get`'s operation and a socket
                    continue
                arguments = {
                    parameter.name: argument(parameter)
                    for parameter in inspect.signature(method).parameters.values()
                    if parameter.kind is not parameter.VAR_KEYWORD
                }
                with suppress(Exception):  # the answers are empty
                    result = method(**arguments)
                    if isinstance(result, Pages):
                        list(result)
                yield from ((f"{attribute}.{name}", request) for request in requests)
                requests.clear()


def argument(parameter: inspect.Parameter) -> Any:
    match parameter.name:
        case "source":
            return b"\x89PNG"
        case "credits" | "limit":
            return 1
        case "wait":
            return False
        case "timeout":
            return 1.0
        case "media_type":
            return None
    return "x"


@pytest.fixture(scope="module")
def requests() -> list[tuple[str, httpx.Request]]:
    return list(sent())


def test_each_operation_has_a_method_or_a_reason(requests: list[tuple[str, httpx.Request]]) -> None:
    reached = {operation_of(request) for _, request in requests} - {None}
    assert set(operations()) - reached == set(LEFT_OUT)


def test_each_method_sends_an_operation_with_all_of_its_parameters(requests: list[tuple[str, httpx.Request]]) -> None:
    """Queries are those of the operation together: `ledger` and `ledger_csv` share one."""
    queries: dict[str, set[str]] = {}
    for name, request in requests:
        operation = operation_of(request)
        if operation is None:
            assert name == "assets.upload", (name, request)  # the form of the storage
            continue
        queries.setdefault(operation, set()).update(dict(request.url.params))
        headers = names_of(operations()[operation][2], "header")
        assert ("idempotency-key" in request.headers) == ("idempotency-key" in headers), name
    for operation, query in queries.items():
        assert query == names_of(operations()[operation][2], "query") - UNSENT_QUERY, operation
