"""The REST API: pass `/api/{domain}/...` through the authorizer to the domain's handler."""

import base64
import logging
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from infra.functions import REST_DOMAINS
from local.gateway.authorizer import CallRefused, authorize
from local.gateway.events import rest_authorizer_event, rest_event
from local.gateway.functions import FunctionFailed, Functions
from local.gateway.problem import problem

BODY_LIMIT_BYTES = 10 * 1024 * 1024

log = logging.getLogger(__name__)


class RestApi:
    """The endpoint that converts HTTP requests to API Gateway events, and the functions' responses to HTTP."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions
        self._domains = {domain.name: domain for domain in REST_DOMAINS}

    async def handle(self, request: web.Request) -> web.StreamResponse:
        name = request.path.split("/")[2]
        domain = self._domains.get(name)
        if domain is None:
            return problem(404, "not_found", "There is nothing at this address.")
        authorizer = None
        if not domain.is_public(request.method, request.path):
            try:
                authorizer = await authorize(self._functions, rest_authorizer_event(request, name))
            except CallRefused as refused:
                return problem(refused.status, refused.code, refused.detail)
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return problem(413, "payload_too_large", "A request may hold at most 10 MB.")
        event = rest_event(request, name, body, authorizer=authorizer)
        request_id = event["requestContext"]["requestId"]
        try:
            return _response(await self._functions.call_async(f"rest-{name}", event))
        except (FunctionFailed, KeyError, TypeError, ValueError) as error:
            log.warning("%s answered nothing usable: %r", name, error)
            return problem(502, "internal", "Something went wrong on our side.", request_id=request_id)
        except TimeoutError:
            return problem(504, "timeout", "This took too long.", request_id=request_id)


def _response(answer: dict[str, Any]) -> web.Response:
    """Convert a proxy integration's response to HTTP. Raise KeyError, TypeError or ValueError if it is malformed."""
    headers: CIMultiDict[str] = CIMultiDict(answer.get("headers") or {})
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers.popall(name, None)
        for value in values:
            headers.add(name, value)
    body = answer.get("body") or ""
    content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    headers.popall("content-length", None)
    return web.Response(status=int(answer["statusCode"]), headers=headers, body=content)
