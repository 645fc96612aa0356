"""The dialect of fal's queue: https://fal.ai/docs/api-reference/inference-api."""

import json
from hashlib import sha256
from time import time
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from local.imitation.faults import Fault, ProviderCall
from local.imitation.service import Service, body_of

NAME = "fal"
_KEY = Ed25519PrivateKey.generate()
_PICTURES = ("image_url", "start_image_url")
_VIOLATION = {
    "detail": [{"type": "content_policy_violation", "msg": "The prompt is refused.", "loc": ["body", "prompt"]}]
}


def add_fal(app: web.Application, service: Service) -> None:
    async def keys(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": [json.loads(OKPAlgorithm.to_jwk(_KEY.public_key()))]})

    async def submit(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)

        async def act(fault: Fault | None) -> web.StreamResponse:
            if fault is Fault.MODERATED_INPUT:
                return web.json_response(_VIOLATION, status=422)
            picture = next((body[name] for name in _PICTURES if name in body), None)
            if picture is None or not body.get("prompt"):
                return web.json_response({"detail": [{"type": "missing"}]}, status=422)
            one = await service.accept(NAME, {"app": request.match_info["app"], **body}, picture_url=picture,
                                 seconds=float(body.get("duration", 5)))  # fmt: skip
            if one.picture is None and service.reads_pictures:
                one.ended = "file_download_error"
            if url := request.query.get("fal_webhook"):
                ended = {"request_id": one.id, "gateway_request_id": one.id, "status": "OK", "payload": {}}
                service.notify(one, url, ended, lambda sent: signed(one.id, sent, at=int(time())))
            host = service.url.replace("127.0.0.1", "localhost") if fault is Fault.OTHER_HOST else service.url
            base = f"{host}/fal/requests/{one.id}"
            urls = {"status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/cancel"}
            return web.json_response({"request_id": one.id, "status": "IN_QUEUE", "queue_position": 0, **urls})

        return await service.answered(request, NAME, ProviderCall.SUBMIT, act)

    async def status(request: web.Request) -> web.StreamResponse:
        async def act(fault: Fault | None) -> web.StreamResponse:
            one = service.find(NAME, request.match_info["id"])
            errors = {Fault.MODERATED_OUTPUT: "content_policy_violation", Fault.BROKEN: "runner_disconnected"}
            if fault in errors:
                one.ended = errors[fault]
            known: dict[str, Any] = {"request_id": one.id, "response_url": f"{service.url}/fal/requests/{one.id}"}
            if one.ended:
                return web.json_response(
                    {**known, "status": "COMPLETED", "error": "It failed.", "error_type": one.ended}
                )
            if fault is Fault.UNKNOWN_STATE:
                return web.json_response({**known, "status": "DREAMING"}, status=202)
            if fault is Fault.WORKING or not service.is_done(one):
                return web.json_response({**known, "status": "IN_PROGRESS", "logs": None}, status=202)
            return web.json_response({**known, "status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.0}})

        return await service.answered(request, NAME, ProviderCall.POLL, act)

    async def result(request: web.Request) -> web.StreamResponse:
        async def act(fault: Fault | None) -> web.StreamResponse:
            one = service.find(NAME, request.match_info["id"])
            url = "http://localhost:9/clip.mp4" if fault is Fault.OTHER_HOST else service.file_url(one, "mp4")
            return web.json_response({"video": {"url": url, "content_type": "video/mp4"}})

        return await service.answered(request, NAME, ProviderCall.RESULT, act)

    async def cancel(request: web.Request) -> web.StreamResponse:
        async def act(fault: Fault | None) -> web.StreamResponse:
            one = service.find(NAME, request.match_info["id"])
            if fault is Fault.TOO_LATE:
                return web.json_response({"status": "ALREADY_COMPLETED"}, status=400)
            service.cancelled.append(one.id)
            one.ended = "cancelled"
            return web.json_response({"status": "CANCELLATION_REQUESTED"}, status=202)

        return await service.answered(request, NAME, ProviderCall.CANCEL, act)

    app.router.add_get("/fal/.well-known/jwks.json", keys)
    app.router.add_get("/fal/requests/{id}/status", status)
    app.router.add_get("/fal/requests/{id}", result)
    app.router.add_put("/fal/requests/{id}/cancel", cancel)
    app.router.add_post("/fal/{app:.+}", submit)


def signed(request_id: str, body: bytes, *, at: int) -> dict[str, str]:
    """Return the headers of a webhook with this body."""
    user_id = "user-1"
    message = "\n".join((request_id, user_id, str(at), sha256(body).hexdigest())).encode()
    return {
        "X-Fal-Webhook-Request-Id": request_id,
        "X-Fal-Webhook-User-Id": user_id,
        "X-Fal-Webhook-Timestamp": str(at),
        "X-Fal-Webhook-Signature": _KEY.sign(message).hex(),
    }
