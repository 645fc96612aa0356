"""API Gateway handlers for apps."""

from typing import Any

from fastapi import FastAPI
from mangum import Mangum
from mangum.adapter import DEFAULT_TEXT_MIME_TYPES

from shared.observability import observed


def gateway_handler(app: FastAPI) -> Any:
    """Return the handler of the app for REST proxy events. By default Mangum encodes problem+json as base64."""
    answer = Mangum(app, lifespan="off", text_mime_types=[*DEFAULT_TEXT_MIME_TYPES, "application/problem+json"])

    @observed
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        return answer(event, context)

    return handler
