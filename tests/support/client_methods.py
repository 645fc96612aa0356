"""The operations of docs/openapi.json, and the methods of the Python client that send them."""

import inspect
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import httpx

from clients.python.kinora import Kinora
from clients.python.kinora.http import Pages, Resource
from local.environment import ROOT

STORAGE = "https://storage.example/"


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


def operation_of(method: str, path: str) -> str | None:
    """Return the id of the operation that the request is for; None for another one."""
    return next(
        (name for name, (verb, pattern, _) in operations().items() if verb == method and pattern.fullmatch(path)), None
    )


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
