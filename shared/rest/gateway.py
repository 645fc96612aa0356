"""Turns an app into an API Gateway handler."""

from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from shared.observability import observed


def gateway_handler(app: FastAPI) -> Any:
    """Handler for REST proxy events; Mangum would base64 problem+json by default."""
    answer = Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, "application/problem+json"])

    @observed
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return answer(event, context)

    return handler
