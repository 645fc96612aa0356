"""Builders of the events that API Gateway sends to functions, from aiohttp requests."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiohttp import web
from multidict import CIMultiDictProxy, MultiMapping

from local.environment import ACCOUNT, REGION

API_ID = "kinoralocal"
STAGE = "local"


def _multi(values: MultiMapping[str]) -> dict[str, list[str]]:
    return {name: list(values.getall(name)) for name in dict.fromkeys(values.keys())}


def _headers(headers: CIMultiDictProxy[str]) -> dict[str, dict[str, Any]]:
    """Return both forms of the headers, with names in the usual spelling of HTTP/1.1 clients (`Content-Type`)."""
    many: dict[str, list[str]] = {}
    for name, value in headers.items():
        many.setdefault(name.title(), []).append(value)
    return {"headers": {name: values[-1] for name, values in many.items()}, "multiValueHeaders": many}


def _query(request: web.Request) -> dict[str, Any]:
    many = _multi(request.query)
    return {
        "queryStringParameters": {name: values[-1] for name, values in many.items()} or None,
        "multiValueQueryStringParameters": many or None,
    }


def _when(now: datetime) -> dict[str, Any]:
    return {
        "requestTime": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "requestTimeEpoch": int(now.timestamp() * 1000),
    }


def _arn(route: str) -> str:
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{API_ID}/{STAGE}/{route}"


def _identity(request: web.Request) -> dict[str, Any]:
    return {"sourceIp": request.remote or "", "userAgent": request.headers.get("User-Agent", "")}


def rest_event(
    request: web.Request, domain: str, body: bytes, *, authorizer: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a REST API proxy event (payload version 1.0) for `/api/{domain}/...`."""
    resource = f"/api/{domain}"
    rest = request.path.removeprefix(resource).lstrip("/")
    resource = f"{resource}/{{proxy+}}" if rest else resource
    return {
        "resource": resource,
        "path": request.path,
        "httpMethod": request.method,
        **_headers(request.headers),
        **_query(request),
        "pathParameters": {"proxy": rest} if rest else None,
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": API_ID,
            "stage": STAGE,
            "protocol": "HTTP/1.1",
            "requestId": str(uuid4()),
            "resourcePath": resource,
            "path": f"/{STAGE}{request.path}",
            "httpMethod": request.method,
            "domainName": request.host,
            "identity": _identity(request),
            "authorizer": dict(authorizer) if authorizer is not None else None,
            **_when(datetime.now(UTC)),
        },
        "body": body.decode("utf-8", "replace") if body else None,
        "isBase64Encoded": False,
    }


def rest_authorizer_event(request: web.Request, domain: str) -> dict[str, Any]:
    """Return the event of a REST API's REQUEST authorizer: the request without its body."""
    event = rest_event(request, domain, b"")
    del event["body"], event["isBase64Encoded"]
    return {"type": "REQUEST", "methodArn": _arn(request.method + request.path), **event}


def socket_event(
    request: web.Request,
    connection_id: str,
    connected_at: datetime,
    *,
    route: str,
    kind: str,
    authorizer: Mapping[str, Any] | None = None,
    body: str | None = None,
    close_code: int | None = None,
) -> dict[str, Any]:
    """Return a WebSocket API event. `kind` is CONNECT, MESSAGE or DISCONNECT; only CONNECT has headers and query."""
    context: dict[str, Any] = {
        "routeKey": route,
        "eventType": kind,
        "connectionId": connection_id,
        "requestId": str(uuid4()),
        "extendedRequestId": str(uuid4()),
        "messageDirection": "IN",
        "connectedAt": int(connected_at.timestamp() * 1000),
        "domainName": request.host,
        "stage": STAGE,
        "apiId": API_ID,
        "identity": _identity(request),
        **_when(datetime.now(UTC)),
    }
    if authorizer is not None:
        context["authorizer"] = dict(authorizer)
    event: dict[str, Any] = {"requestContext": context, "isBase64Encoded": False}
    if kind == "CONNECT":
        event |= {**_headers(request.headers), **_query(request)}
    if kind == "MESSAGE":
        context |= {"messageId": str(uuid4())}
        event |= {"body": body}
    if kind == "DISCONNECT":
        context |= {"disconnectStatusCode": close_code or 1006, "disconnectReason": ""}
    return event


def socket_authorizer_event(request: web.Request, connection_id: str, connected_at: datetime) -> dict[str, Any]:
    """Return the event of a WebSocket API's REQUEST authorizer at $connect."""
    event = socket_event(request, connection_id, connected_at, route="$connect", kind="CONNECT")
    return {"type": "REQUEST", "methodArn": _arn("$connect"), **event}
