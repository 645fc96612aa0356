"""The dialect of Runway: https://docs.dev.runwayml.com/api."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from local.imitation.faults import Fault, ProviderCall
from local.imitation.service import PaidRequest, Service, body_of

NAME = "runway"
VERSION = "2024-11-06"
CREDITS = 60  # of each task; the imitation has no prices
MOST_PROMPT_UNITS = 15_000  # of the model with the longest prompts
PERFORMANCE_SECONDS = 5.0  # Runway makes a clip as long as the driving clip; the imitation does not read that
_AT = "2026-11-27T00:00:00.000Z"


Accept = Callable[[dict[str, Any], list[str], float], Awaitable[web.StreamResponse]]


def add_runway(app: web.Application, service: Service) -> None:
    uploads: dict[str, bytes | None] = {}  # by address; None until the file has arrived

    async def begin_upload(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)

        async def act(_fault: Fault | None) -> web.StreamResponse:
            if body.get("type") != "ephemeral" or not body.get("filename"):
                return web.json_response({"error": "filename, type"}, status=400)
            number = len(uploads) + 1
            uploads[f"runway://{number}"] = None
            url = f"{service.url}/runway-uploads/{number}"
            return web.json_response({"uploadUrl": url, "fields": {"key": "k"}, "runwayUri": f"runway://{number}"})

        return await service.answered(request, NAME, ProviderCall.UPLOAD, act)

    async def receive(request: web.Request) -> web.StreamResponse:
        """Receive a file, without the key."""
        form = await request.post()
        file = form["file"]
        if "Authorization" in request.headers or "key" not in form or not isinstance(file, web.FileField):
            return web.Response(status=403)
        uploads[f"runway://{request.match_info['number']}"] = file.file.read()
        return web.Response(status=204)

    async def accept(body: dict[str, Any], uris: list[str], seconds: float) -> web.StreamResponse:
        """Accept a request with these inputs. The first one is the picture that the clip shows."""
        if any("Signature=" in uri for uri in uris):  # S3 answers 403 to HEAD
            return web.json_response({"error": "The URL does not answer HEAD."}, status=400)
        width, height = map(int, body.get("ratio", "1280:720").split(":"))
        facts: dict[str, Any] = {"seconds": seconds, "size": (width, height)}
        if uris[0].startswith("runway://"):
            task = await service.accept(NAME, body, picture=uploads.get(uris[0]), **facts)
        else:
            task = await service.accept(NAME, body, picture_url=uris[0], **facts)
        if any(uploads.get(uri) is None for uri in uris if uri.startswith("runway://")) or (
            task.picture_url and task.picture is None and service.reads_pictures
        ):
            task.ended = "ASSET.INVALID"
        return web.json_response({"id": task.id, "estimatedCost": {"credits": CREDITS}})

    async def create(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)

        async def act(fault: Fault | None) -> web.StreamResponse:
            if fault is Fault.MODERATED_INPUT:
                return web.json_response({"error": "The prompt did not pass our moderation."}, status=400)
            if problem := _problem(request, body):
                return web.json_response({"error": problem}, status=400)
            return await accept(body, [one["uri"] for one in body["promptImage"]], body["duration"])

        return await service.answered(request, NAME, ProviderCall.SUBMIT, act)

    async def retrieve(request: web.Request) -> web.StreamResponse:
        async def act(fault: Fault | None) -> web.StreamResponse:
            return web.json_response(_task(service, service.find(NAME, request.match_info["id"]), fault))

        return await service.answered(request, NAME, ProviderCall.POLL, act)

    async def delete(request: web.Request) -> web.StreamResponse:
        async def act(_fault: Fault | None) -> web.StreamResponse:
            task = service.find(NAME, request.match_info["id"])
            service.cancelled.append(task.id)
            task.ended = "CANCELLED"
            return web.Response(status=204)

        return await service.answered(request, NAME, ProviderCall.CANCEL, act)

    app.router.add_post("/runway/v1/uploads", begin_upload)
    app.router.add_post("/runway-uploads/{number}", receive)
    app.router.add_post("/runway/v1/image_to_video", create)
    _add_clips(app, service, accept)
    app.router.add_get("/runway/v1/tasks/{id}", retrieve)
    app.router.add_delete("/runway/v1/tasks/{id}", delete)


def _problem(request: web.Request, body: dict[str, Any]) -> str | None:
    """Return why Runway would refuse the request, as far as all models agree."""
    if request.headers.get("X-Runway-Version") != VERSION:
        return "X-Runway-Version"
    prompt, pictures = body.get("promptText"), body.get("promptImage")
    if not isinstance(prompt, str) or not 0 < len(prompt.encode("utf-16-le")) <= 2 * MOST_PROMPT_UNITS:
        return "promptText"
    if isinstance(pictures, str):
        pictures = body["promptImage"] = [{"uri": pictures, "position": "first"}]
    if not isinstance(pictures, list) or [one.get("position") for one in pictures] not in (
        ["first"],
        ["first", "last"],
    ):
        return "promptImage"
    return None if isinstance(body.get("duration"), int) and isinstance(body.get("model"), str) else "duration, model"


def _add_clips(app: web.Application, service: Service, accept: Accept) -> None:
    """Add the requests that begin with a clip."""

    async def perform(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)

        async def act(fault: Fault | None) -> web.StreamResponse:
            if fault is Fault.MODERATED_INPUT:
                return web.json_response({"error": "The character did not pass our moderation."}, status=400)
            character, reference = body.get("character") or {}, body.get("reference") or {}
            kinds = (character.get("type"), reference.get("type"))
            if request.headers.get("X-Runway-Version") != VERSION or kinds != ("video", "video"):
                return web.json_response({"error": "character, reference"}, status=400)
            return await accept(body, [character["uri"], reference["uri"]], PERFORMANCE_SECONDS)

        return await service.answered(request, NAME, ProviderCall.SUBMIT, act)

    async def upscale(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)

        async def act(fault: Fault | None) -> web.StreamResponse:
            if fault is Fault.MODERATED_INPUT:
                return web.json_response({"error": "The video did not pass our moderation."}, status=400)
            if request.headers.get("X-Runway-Version") != VERSION or not _enhances(body):
                return web.json_response({"error": "model, resolution, targetFramerate"}, status=400)
            return await accept(body, [body["videoUri"]], PERFORMANCE_SECONDS)

        return await service.answered(request, NAME, ProviderCall.SUBMIT, act)

    app.router.add_post("/runway/v1/character_performance", perform)
    app.router.add_post("/runway/v1/video_upscale", upscale)


def _enhances(body: dict[str, Any]) -> bool:
    """Return whether the request of a better clip names what its model needs."""
    match body:
        case {"model": "magnific_video_upscaler_creative", "videoUri": str()}:
            return body.get("resolution", "2k") in {"720p", "1k", "2k", "4k"}
        case {"model": "enhance_frame_rate", "videoUri": str(), "targetFramerate": "48" | "60"}:
            return True
    return False


def _task(service: Service, task: PaidRequest, fault: Fault | None) -> dict[str, Any]:
    known = {"id": task.id, "createdAt": _AT}
    unfinished, ended = {"estimatedCost": {"credits": CREDITS}}, {"cost": {"credits": CREDITS}}
    codes = {Fault.MODERATED_OUTPUT: "SAFETY.OUTPUT.VIDEO", Fault.BROKEN: "INTERNAL.BAD_OUTPUT.CODE01"}
    if fault in codes:
        task.ended = codes[fault]
    if task.ended == "CANCELLED":
        return {**known, **ended, "status": "CANCELLED"}
    if task.ended:
        return {**known, **ended, "status": "FAILED", "failure": "It failed.", "failureCode": task.ended}
    if fault is Fault.UNKNOWN_STATE:
        return {**known, "status": "DREAMING"}
    if fault is Fault.WORKING or not service.is_done(task):
        return {**known, **unfinished, "status": "RUNNING", "progress": service.fraction(task)}
    url = "http://localhost:9/clip.mp4" if fault is Fault.OTHER_HOST else service.file_url(task, "mp4")
    return {**known, **ended, "status": "SUCCEEDED", "output": [url]}
