"""The gateway's own error responses: problem+json, like the functions' errors."""

import json
from http import HTTPStatus

from aiohttp import web


def problem(status: int, code: str, detail: str, *, request_id: str = "") -> web.Response:
    """Return an `application/problem+json` response."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    if request_id:
        body["requestId"] = request_id
    return web.Response(
        status=status,
        text=json.dumps(body),
        content_type="application/problem+json",
        headers={"x-request-id": request_id} if request_id else None,
    )
