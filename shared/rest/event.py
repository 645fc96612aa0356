"""The API Gateway event of a request."""

from typing import Any

from fastapi import Request


def event(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = request.scope["aws.event"]
    return found


def request_id(request: Request) -> str:
    return str(event(request)["requestContext"].get("requestId", ""))


def source_address(request: Request) -> str:
    """Return the IP address of the client.

    CloudFront and then API Gateway add to X-Forwarded-For the address that sent them the request. So the last but one
    is the client's, and those before it are the client's own text. A request without it came to API Gateway directly.
    """
    *_, client, _cloudfront = ["", "", *request.headers.get("x-forwarded-for", "").split(",")]
    return client.strip()[:45] or str(event(request)["requestContext"].get("identity", {}).get("sourceIp", ""))
