"""Comparison of every response and event of the integration tests with the published documents."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.json_schema import faults

DOCS = Path(__file__).parents[2] / "docs"
SERVED: set[str] = set()  # the ids of the operations that this test has had an answer of without a refusal
PROBLEM = "application/problem+json"


@cache
def openapi() -> dict[str, Any]:
    """Return docs/openapi.json."""
    document: dict[str, Any] = json.loads((DOCS / "openapi.json").read_text())
    return document


@cache
def asyncapi() -> dict[str, Any]:
    """Return docs/asyncapi.json."""
    document: dict[str, Any] = json.loads((DOCS / "asyncapi.json").read_text())
    return document


def check_response(method: str, path: str, status: int, content_type: str, body: Any) -> None:
    """Raise AssertionError if docs/openapi.json does not describe this response of the operation."""
    document = openapi()
    operation = _operation(method, path)
    if operation is None:
        assert status in {401, 404, 405}, f"{method} {path} is not in docs/openapi.json, but answers {status}"
        _check_problem(f"{method} {path}", status, body)
        return
    name, responses = operation["operationId"], operation["responses"]
    response = responses.get(str(status)) or (responses.get("5XX") if status >= 500 else None)
    assert response is not None, (
        f"docs/openapi.json does not list status {status} for {name} ({method} {path}): "
        "declare the error in the route's `responses=problems(...)` and write the document again"
    )
    if status < 400:
        SERVED.add(name)
    if status >= 400:
        assert content_type == PROBLEM, f"{name} answers {status} as {content_type}"
        _check_problem(name, status, body)
    elif "content" in response:
        kind = content_type.partition(";")[0]
        assert kind in response["content"], f"{name} answers {status} as {kind}, which docs/openapi.json does not list"
        found = faults(body, response["content"][kind]["schema"], document)
        assert not found, f"{name} answers {status} with a body that docs/openapi.json does not describe: {found}"
    else:
        assert not body, f"{name} answers {status} with a body, but docs/openapi.json does not list a body"


def _check_problem(name: str, status: int, body: Any) -> None:
    document = openapi()
    schema = document["components"]["schemas"]["Problem"]
    found = faults(body, schema, document)
    found += [f"$.{field} is not in Problem" for field in body if field not in schema["properties"]]
    assert not found, f"{name} answers {status} with a body that is not a Problem: {found}"
    assert body["status"] == status, f"{name} answers {status}, but its body has the status {body['status']}"


def check_event(message: dict[str, Any]) -> None:
    """Raise AssertionError if docs/asyncapi.json does not describe this message of the server."""
    document = asyncapi()
    names = [reference["$ref"].rpartition("/")[2] for reference in document["operations"]["events"]["messages"]]
    payloads = [document["components"]["messages"][name]["payload"] for name in names]
    attempts = [faults(message, payload, document) for payload in payloads]
    assert not all(attempts), f"docs/asyncapi.json describes no message like {message.get('type')!r}: {attempts}"


def _operation(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation that serves the request. A literal path takes precedence over a template."""
    paths: dict[str, Any] = openapi()["paths"]
    for template in sorted(paths, key=lambda one: one.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            operation: dict[str, Any] | None = paths[template].get(method.lower())
            if operation is not None:
                return operation
    return None
