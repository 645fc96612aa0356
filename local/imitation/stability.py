"""The dialect of Stability AI's pictures: a form, answered with the picture. There is nothing to poll."""

from base64 import b64encode

from aiohttp import web

from local.imitation.faults import Fault, ProviderCall
from local.imitation.service import PAGE, Service

NAME = "stability"
_SIZES = {
    "16:9": (1344, 768), "9:16": (768, 1344), "1:1": (1024, 1024), "21:9": (1536, 640), "9:21": (640, 1536),
    "3:2": (1216, 832), "2:3": (832, 1216), "5:4": (1088, 896), "4:5": (896, 1088),
}  # fmt: skip


def add_stability(app: web.Application, service: Service) -> None:
    async def generate(request: web.Request) -> web.StreamResponse:
        body = dict(await request.post())

        async def act(fault: Fault | None) -> web.StreamResponse:
            if fault is Fault.MODERATED_INPUT:
                return _refused(403, "content_moderation", "Your request was flagged by our content moderation system.")
            size = _SIZES.get(str(body.get("aspect_ratio", "1:1")))
            is_form = request.content_type == "multipart/form-data"
            if not is_form or not body.get("prompt") or size is None or request.headers["Accept"] != "application/json":
                return _refused(400, "bad_request", "prompt, aspect_ratio")
            one = await service.accept(NAME, {"model": request.match_info["model"], **body}, size=size)
            content = PAGE if fault is Fault.BROKEN else service.make(one)
            reason = "CONTENT_FILTERED" if fault is Fault.MODERATED_OUTPUT else "SUCCESS"
            return web.json_response({"image": b64encode(content).decode(), "finish_reason": reason, "seed": 7})

        return await service.answered(request, NAME, ProviderCall.SUBMIT, act)

    app.router.add_post("/stability/v2beta/stable-image/generate/{model:core|ultra}", generate)


def _refused(status: int, name: str, message: str) -> web.Response:
    return web.json_response({"id": "1", "name": name, "errors": [message]}, status=status)
