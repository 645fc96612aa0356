"""The dialect of Luma's API for agents: https://docs.agents.lumalabs.ai."""

from typing import Any

from aiohttp import web

from local.imitation.faults import Fault, ProviderCall
from local.imitation.service import PaidRequest, Service, body_of

NAME = "luma"
_AT = "2026-11-27T00:00:00Z"
_SIZES = {
    "16:9": (1280, 720), "9:16": (720, 1280), "4:3": (960, 720), "3:4": (720, 960), "1:1": (720, 720),
    "21:9": (1680, 720),
}  # fmt: skip


LAYERS = (("foreground", "soft"), ("subject", "soft"), ("background", "none"))
"""The label of each layer, and the treatment of its edges, from the nearest one to the background."""
MOST_GUIDANCE = 500  # characters


def add_luma(app: web.Application, service: Service) -> None:
    async def create(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)

        async def act(fault: Fault | None) -> web.StreamResponse:
            if fault is Fault.MODERATED_INPUT:
                return _refused("content_moderated")
            size = _SIZES.get(body.get("aspect_ratio") or "16:9")
            if not body.get("prompt") or size is None:
                return _refused("prompt, aspect_ratio")
            if body.get("type") == "image":
                return web.json_response(_generation(await service.accept(NAME, body, size=size), "queued"), status=201)
            if body.get("type") == "layering":
                return await layering(body)
            video = body.get("video") or {}
            if body.get("type") != "video" or _problem(video):
                return _refused(_problem(video) or "type")
            first = (video.get("start_frame") or (video.get("keyframes") or [{}])[0]).get("url")
            seconds = float(video["duration"][:-1])
            one = await service.accept(NAME, body, picture_url=first, seconds=seconds, size=size)
            if first and one.picture is None and service.reads_pictures:
                one.ended = "corrupt_input"
            return web.json_response(_generation(one, "queued"), status=201)

        return await service.answered(request, NAME, ProviderCall.SUBMIT, act)

    async def layering(body: dict[str, Any]) -> web.StreamResponse:
        source, options = body.get("source") or {}, body.get("layering") or {}
        if len(body["prompt"]) > MOST_GUIDANCE or options.get("resolution", "1k") not in {"1k", "2k"}:
            return _refused("prompt, layering")
        if not source.get("url"):
            return _refused("source")
        one = await service.accept(NAME, body, picture_url=source["url"], files=len(LAYERS))
        if one.picture is None and service.reads_pictures:
            one.ended = "corrupt_input"
        return web.json_response(_generation(one, "queued"), status=201)

    async def get(request: web.Request) -> web.StreamResponse:
        async def act(fault: Fault | None) -> web.StreamResponse:
            one = service.find(NAME, request.match_info["id"])
            ends = {Fault.MODERATED_OUTPUT: "content_moderated", Fault.BROKEN: "generation_failed"}
            one.ended = ends.get(fault, one.ended) if fault else one.ended
            if one.ended:
                return web.json_response(
                    _generation(one, "failed") | {"failure_code": one.ended, "failure_reason": "It failed."}
                )
            if fault is Fault.UNKNOWN_STATE:
                return web.json_response(_generation(one, "dreaming"))
            if fault is Fault.WORKING or not service.is_done(one):
                return web.json_response(_generation(one, "processing"))
            urls = [service.file_url(one, "mp4" if one.seconds else "png") for _ in range(one.files)]
            if fault is Fault.OTHER_HOST:
                urls = ["http://localhost:9/file"] * one.files
            output: list[dict[str, Any]] = [{"type": "video" if one.seconds else "image", "url": url} for url in urls]
            if one.files > 1:
                for index, (label, hint) in enumerate(LAYERS):
                    facts = {"index": index, "label": label, "alpha_hint": hint, "description": f"The {label}."}
                    output[index]["layer"] = facts
            return web.json_response(_generation(one, "completed") | {"output": output})

        return await service.answered(request, NAME, ProviderCall.POLL, act)

    app.router.add_post("/luma/v1/generations", create)
    app.router.add_get("/luma/v1/generations/{id}", get)


def _problem(video: dict[str, Any]) -> str | None:
    """Return why Luma would refuse the options of a clip."""
    keyframes, indexes = video.get("keyframes"), video.get("keyframe_indexes")
    frames = {"start_frame", "end_frame", "loop"} & set(video)
    if keyframes is not None and (frames or len(keyframes) != len(indexes or ())):
        return "keyframes"
    if video.get("duration") not in {"5s", "10s"} or (frames and video["duration"] == "10s"):
        return "duration"
    most = 24 * int(video["duration"][:-1])
    return "keyframe_indexes" if any(not 0 <= index <= most for index in indexes or ()) else None


def _generation(one: PaidRequest, state: str) -> dict[str, Any]:
    known = {"id": one.id, "type": one.body["type"], "model": one.body.get("model"), "state": state}
    return known | {"created_at": _AT, "failure_code": None, "failure_reason": None, "output": []}


def _refused(detail: str) -> web.Response:
    return web.json_response({"detail": detail}, status=422 if detail != "content_moderated" else 400)
