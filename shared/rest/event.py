"""The API Gateway event of a request."""

from base64 import b64decode
from ipaddress import ip_address, ip_network
from typing import Any

from fastapi import Request


def event(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = request.scope["aws.event"]
    return found


def request_id(request: Request) -> str:
    return str(event(request)["requestContext"].get("requestId", ""))


def source_address(request: Request) -> str:
    """Return the IP address of the client.

    CloudFront appends the client's address to X-Forwarded-For, and API Gateway appends CloudFront's. Entries before
    them come from the client. Without CloudFront, as on a laptop, API Gateway's own entry is the client's address.
    """
    hops = request.headers.get("x-forwarded-for", "").split(",")
    text = hops[-2].strip() if len(hops) > 1 else str(event(request)["requestContext"]["identity"]["sourceIp"])
    return text[:45]


def client_address(request: Request) -> str:
    """Return the client's address; of an IPv6 address the first 64 bits, because one client has all the others."""
    text = source_address(request)
    try:
        return str(ip_network(f"{text}/64", strict=False)) if ip_address(text).version == 6 else text
    except ValueError:
        return text


def raw_body(request: Request) -> str:
    """Return the body as it was sent. A signature covers each character of it."""
    body = str(event(request).get("body") or "")
    return b64decode(body).decode("utf-8", "replace") if event(request).get("isBase64Encoded") else body
