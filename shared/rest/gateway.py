"""API Gateway handlers for apps."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from shared.aws.init import prepare
from shared.aws.records import dynamodb
from shared.observability import observed


def gateway_handler(app: FastAPI, *, snapshot: tuple[Callable[[], object], ...] = ()) -> Any:
    """Return the handler of the app for REST proxy events. By default Mangum encodes problem+json as base64.

    `snapshot` makes what only some of the requests need.
    """
    prepare(dynamodb, snapshot=snapshot)
    app.middleware_stack = app.build_middleware_stack()
    answer = Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, "application/problem+json"])

    @observed
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        answered = answer(_with_readable_headers(event), context)
        headers = answered["headers"]
        headers.setdefault("cache-control", "no-store")  # answers contain tokens and signed URLs
        headers["x-request-id"] = str(event["requestContext"].get("requestId", ""))
        return answered

    return handler


def _with_readable_headers(event: dict[str, Any]) -> dict[str, Any]:
    """Replace bytes of headers that are not UTF-8. They arrive as lone surrogates, which Mangum cannot encode."""
    many = event.get("multiValueHeaders") or {}
    if all(value.isascii() for values in many.values() for value in values):
        return event
    readable = {name: [_readable(value) for value in values] for name, values in many.items()}
    one = {name: _readable(value) for name, value in (event.get("headers") or {}).items()}
    return event | {"headers": one, "multiValueHeaders": readable}


def _readable(value: str) -> str:
    return value.encode("utf-8", "replace").decode()
