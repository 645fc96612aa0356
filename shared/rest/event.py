"""The API Gateway event of a request."""

from typing import Any

from fastapi import Request


def event(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = request.scope["aws.event"]
    return found


def request_id(request: Request) -> str:
    return str(event(request)["requestContext"].get("requestId", ""))
