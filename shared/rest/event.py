"""The API Gateway event of a request."""

from base64 import b64decode
from typing import Any

from fastapi import Request


def event(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = request.scope["aws.event"]
    return found


def request_id(request: Request) -> str:
    return str(event(request)["requestContext"].get("requestId", ""))


def raw_body(request: Request) -> str:
    """Return the body as it was sent. A signature covers each character of it."""
    body = str(event(request).get("body") or "")
    return b64decode(body).decode("utf-8", "replace") if event(request).get("isBase64Encoded") else body
