"""The dialect of Gemini's Interactions API: https://ai.google.dev/gemini-api/docs/omni."""

from base64 import b64decode
from typing import Any

from aiohttp import web

from local.imitation.faults import Fault, ProviderCall
from local.imitation.service import PaidRequest, Service, body_of

NAME = "google"
_SIZES = {"16:9": (1280, 720), "9:16": (720, 1280)}
_UNKNOWN_KEY = {
    "error": {
        "code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}],
    }
}  # fmt: skip


def add_google(app: web.Application, service: Service) -> None:
    async def create(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)

        async def act(fault: Fault | None) -> web.StreamResponse:
            if fault is Fault.MODERATED_INPUT:
                return _refused("PROHIBITED_CONTENT", "The request was blocked.")
            wanted, parts = body.get("response_format") or {}, _parts(body.get("input"))
            size, seconds = _SIZES.get(wanted.get("aspect_ratio") or "16:9"), str(wanted.get("duration", ""))
            if {"image", "text"} != {part.get("type") for part in parts}:
                return _refused("invalid_request", "input")
            if size is None or not seconds.endswith("s") or not 3 <= float(seconds[:-1]) <= 10:
                return _refused("invalid_request", "response_format")
            if not body.get("background") or wanted.get("type") != "video" or wanted.get("delivery") != "uri":
                return _refused("invalid_request", "background, response_format")
            [text], [image] = ([part for part in parts if part["type"] == kind] for kind in ("text", "image"))
            known = {"prompt": text["text"], **{name: value for name, value in body.items() if name != "input"}}
            one = await service.accept(NAME, known, picture=b64decode(image["data"]), seconds=float(seconds[:-1]),
                                 size=size)  # fmt: skip
            return web.json_response(_interaction(one, "in_progress"))

        return await answered(request, ProviderCall.SUBMIT, act)

    async def get(request: web.Request) -> web.StreamResponse:
        async def act(fault: Fault | None) -> web.StreamResponse:
            one = service.find(NAME, request.match_info["id"])
            ends = {Fault.MODERATED_OUTPUT: "refused", Fault.BROKEN: "failed"}
            one.ended = ends.get(fault, one.ended) if fault else one.ended
            if one.ended == "refused":  # completed, without a clip
                words = {"type": "text", "text": "I cannot make this."}
                return web.json_response(_interaction(one, "completed", words))
            if one.ended:
                error = {"code": "internal", "message": "It failed."}
                return web.json_response(_interaction(one, one.ended) | {"errors": [error]})
            if fault is Fault.UNKNOWN_STATE:
                return web.json_response(_interaction(one, "dreaming"))
            if fault is Fault.WORKING or not service.is_done(one):
                return web.json_response(_interaction(one, "in_progress"))
            host = "http://localhost:9" if fault is Fault.OTHER_HOST else service.url
            one.urls += 1
            url = f"{host}/google/v1beta/files/{one.id}-{one.urls}:download?alt=media"
            clip = {"type": "video", "mime_type": "video/mp4", "uri": url}
            return web.json_response(_interaction(one, "completed", clip))

        return await answered(request, ProviderCall.POLL, act)

    async def cancel(request: web.Request) -> web.StreamResponse:
        async def act(fault: Fault | None) -> web.StreamResponse:
            one = service.find(NAME, request.match_info["id"])
            if fault is Fault.TOO_LATE:
                return _refused("invalid_request", "The interaction has ended.")
            service.cancelled.append(one.id)
            one.ended = "cancelled"
            return web.json_response(_interaction(one, "cancelled"))

        return await answered(request, ProviderCall.CANCEL, act)

    async def download(request: web.Request) -> web.StreamResponse:
        """Answer a download, which has the key."""
        one = service.find(NAME, request.match_info["id"])
        return await service.send_file(request, one, int(request.match_info["number"]), keyed=True)

    async def answered(request: web.Request, call: ProviderCall, act: Any) -> web.StreamResponse:
        return await service.answered(request, NAME, call, act, unknown_key=(400, _UNKNOWN_KEY))

    app.router.add_post("/google/{version:v1|v1beta}/interactions", create)
    app.router.add_get("/google/{version:v1|v1beta}/interactions/{id}", get)
    app.router.add_post("/google/{version:v1|v1beta}/interactions/{id}/cancel", cancel)
    app.router.add_get("/google/{version:v1|v1beta}/files/{id:google-[0-9]+}-{number}:download", download)


def _parts(given: Any) -> list[dict[str, Any]]:
    """Return the content of the request, which the SDK wraps into a step of the user."""
    blocks = given if isinstance(given, list) else []
    return [part for block in blocks for part in block.get("content", [block])]


def _refused(code: str, message: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": message}}, status=400)


def _interaction(one: PaidRequest, status: str, *content: dict[str, str]) -> dict[str, Any]:
    steps = [{"type": "model_output", "content": list(content)}] if content else []
    at = "2026-11-27T00:00:00Z"
    return {"id": one.id, "status": status, "model": one.body.get("model"), "created": at, "updated": at,
            "steps": steps}  # fmt: skip
