"""`docs/asyncapi.json`: the AsyncAPI 3 document of the socket, from the models of its messages."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from functions.realtime.messages import ClientMessage, Ping, Pong, SocketError, Subscribe, Unsubscribe
from shared.core.wire import View
from shared.jobs.events import JobCompleted, JobEvent, JobFailed, JobProgress, JobSnapshot, StepCompleted
from shared.jobs.record import JobStatus
from shared.jobs.spec import JobSettings
from shared.jobs.views import JobView, StepView
from shared.stages.stages import Stage


class GatewayError(View):
    """API Gateway itself refuses or cannot deliver the client's message. The socket stays open."""

    message: str
    connection_id: str
    request_id: str


ServerMessage = JobSnapshot | JobEvent | Pong | SocketError

JOB_ID, AT = "job_01K0M3T5V7X9Z1B3D5F7H9K1M3", datetime(2026, 3, 1, 12, tzinfo=UTC)
MEDIA = f"https://studio.example.com/media/jobs/{JOB_ID}"
SIGNED = "?Policy=...&Signature=...&Key-Pair-Id=..."

JOB = JobView(
    id=JOB_ID,
    project_id="prj_01K0M3S1A3C5E7G9J1M3P5R7T9",
    status=JobStatus.RUNNING,
    progress=41,
    current_step=Stage.VIDEO_SYNTHESIS,
    error=None,
    prompt="a lighthouse at dusk",
    preset_id="crash-zoom-in",
    settings=JobSettings(),
    seed=7,
    inputs=(),
    credits=12,
    image_url=f"{MEDIA}/previews/image_generation/1/step-preview.jpg{SIGNED}",
    video_url=None,
    thumbnail_url=None,
    poster_url=None,
    av1_url=None,
    preview_url=None,
    gif_url=None,
    sprites_url=None,
    scrubbing_url=None,
    steps=[
        StepView(
            id=f"stp_{JOB_ID[4:]}_1",
            job_id=JOB_ID,
            step_type=Stage.IMAGE_GENERATION,
            status=JobStatus.COMPLETED,
            progress=100,
            engine="procedural",
            attempts=1,
            error=None,
            result_url=f"{MEDIA}/previews/image_generation/1/step-preview.jpg{SIGNED}",
            metadata=None,
            started_at=AT,
            completed_at=AT + timedelta(seconds=4),
        )
    ],
    seq=6,
    created_at=AT,
    updated_at=AT + timedelta(seconds=9),
    completed_at=None,
)

# One example of each message; `test_asyncapi_document` names a message without one.
EXAMPLES: tuple[ClientMessage | ServerMessage | GatewayError, ...] = (
    Subscribe(type="subscribe", channel=f"job:{JOB_ID}"),
    Unsubscribe(type="unsubscribe", channel=f"job:{JOB_ID}"),
    Ping(type="ping"),
    Pong(),
    JobSnapshot(job_id=JOB_ID, seq=6, job=JOB),
    JobProgress(
        job_id=JOB_ID,
        seq=7,
        progress=45,
        current_step=Stage.VIDEO_SYNTHESIS,
        status=JobStatus.RUNNING,
        preview_url=f"{MEDIA}/previews/video_synthesis/1/preview-3.jpg{SIGNED}",
    ),
    StepCompleted(
        job_id=JOB_ID,
        seq=8,
        step_id=f"stp_{JOB_ID[4:]}_2",
        step_type=Stage.VIDEO_SYNTHESIS,
        result_url=f"{MEDIA}/previews/video_synthesis/1/step-preview.mp4{SIGNED}",
    ),
    JobCompleted(
        job_id=JOB_ID,
        seq=12,
        video_url=f"{MEDIA}/post_processing/1/video.mp4{SIGNED}",
        thumbnail_url=f"{MEDIA}/post_processing/1/thumbnail.jpg{SIGNED}",
    ),
    JobFailed(job_id=JOB_ID, seq=12, error="The provider could not be reached."),
    SocketError(code="job_not_found", detail="There is no such job."),
    GatewayError(message="Internal server error", connection_id="Zv7eXfFKoAMCJVQ=", request_id="Zv7enGKuoAMF5bA="),
)


_PROOFS = [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("token", "ticket")]


def asyncapi() -> dict[str, Any]:
    """Return the whole document."""
    sent: list[type[BaseModel]] = [*get_args(ServerMessage), GatewayError]
    models: list[type[BaseModel]] = [*get_args(ClientMessage), *sent]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Kinora events",
            "version": "1",
            "description": "The server sends the progress of the jobs that the client subscribed to. "
            "Each event has a `seq`. Drop an event whose `seq` is not higher than the last one of the same job. "
            "A snapshot can replace events at any time, the last one too: if a job has many subscribers, or if the "
            "connection is slow. The server closes a connection that accepts nothing. After the access token of "
            "a connection has expired or its session has ended, the server sends no events, and closes the connection. "
            "Then connect again with a new token, and subscribe again.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "deployment": {
                "host": "socket.{domain}",
                "protocol": "wss",
                "description": "A deployment in AWS. Without an own domain, the output of its stack names the address.",
                "variables": {"domain": {"description": "The studio's domain", "examples": ["studio.example.com"]}},
                "security": _PROOFS,
            },
            "laptop": {
                "host": "127.0.0.1:{port}",
                "pathname": "/ws",
                "protocol": "ws",
                "description": "The laptop cloud; `make dev` prints its address.",
                "variables": {"port": {"default": "8700"}},
                "security": _PROOFS,
            },
        },
        "channels": {
            "socket": {
                "address": "/",
                "description": "One connection carries the events of all jobs that the client subscribed to.",
                "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in models},
            }
        },
        "operations": {
            "subscribe": {
                "action": "receive",
                "summary": "Subscribe to a job of the caller's account.",
                **_of([Subscribe]),
                "reply": _of([JobSnapshot, SocketError, GatewayError]),
            },
            "unsubscribe": {
                "action": "receive",
                "summary": "End the subscription to a job.",
                **_of([Unsubscribe]),
                "reply": _of([SocketError, GatewayError]),
            },
            "ping": {
                "action": "receive",
                "summary": "Keep a quiet connection open. Send it once in five minutes.",
                **_of([Ping]),
                "reply": _of([Pong, SocketError, GatewayError]),
            },
            "events": {
                "action": "send",
                "summary": "Send each change of a job to the clients that subscribed to it.",
                **_of(sent),
            },
        },
        "components": {
            "messages": {
                model.__name__: {
                    "name": model.__name__,
                    "summary": (model.__doc__ or "").strip(),
                    "contentType": "application/json",
                    "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
                    "examples": [{"name": "example", "payload": example} for example in _examples(model)],
                }
                for model in models
            },
            "schemas": _schemas(models),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT or key",
                    "description": "The access token, or a key, in the Authorization header when the socket opens.",
                },
                "ticket": {
                    "type": "httpApiKey",
                    "name": "ticket",
                    "in": "query",
                    "description": "A ticket of `POST /api/auth/ws-ticket`, for browsers. It opens one socket.",
                },
            },
        },
    }


def _of(models: list[type[BaseModel]]) -> dict[str, Any]:
    """Return the channel and the messages of an operation or of a reply."""
    return {
        "channel": {"$ref": "#/channels/socket"},
        "messages": [{"$ref": f"#/channels/socket/messages/{model.__name__}"} for model in models],
    }


def _schemas(models: list[type[BaseModel]]) -> dict[str, Any]:
    """Return the JSON Schemas of the messages and of their parts, by name."""
    _, whole = models_json_schema(
        [(model, "serialization") for model in models], ref_template="#/components/schemas/{model}"
    )
    schemas: dict[str, Any] = whole["$defs"]
    return schemas


def _examples(model: type[BaseModel]) -> list[dict[str, Any]]:
    return [example.model_dump(mode="json", by_alias=True) for example in EXAMPLES if type(example) is model]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(asyncapi(), indent=2) + "\n")
