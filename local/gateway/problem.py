"""The gateway's own error responses: problem+json, like the functions' errors."""

import json
from http import HTTPStatus
from uuid import uuid4

from aiohttp import web

from shared.core.errors import ADVICE


def problem(status: int, code: str, detail: str, *, request_id: str = "") -> web.Response:
    """Return one problem+json response; without a request's id it gets an id of its own."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        "requestId": request_id or str(uuid4()),
    }
    return web.Response(
        status=status,
        text=json.dumps(body),
        content_type="application/problem+json",
        headers={"x-request-id": str(body["requestId"]), "cache-control": "no-store", **ADVICE.get(status, {})},
    )
