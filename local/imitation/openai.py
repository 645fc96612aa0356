"""The dialect of OpenAI's pictures: one call, which answers with the picture. There is nothing to poll."""

from base64 import b64encode

from aiohttp import web

from local.imitation.faults import Fault, ProviderCall
from local.imitation.service import PAGE, Service, body_of

NAME = "openai"


def add_openai(app: web.Application, service: Service) -> None:
    async def generate(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)

        async def act(fault: Fault | None) -> web.StreamResponse:
            if fault in {Fault.MODERATED_INPUT, Fault.MODERATED_OUTPUT}:
                return _refused("moderation_blocked", "Your request was rejected by the safety system.")
            width, height = map(int, str(body.get("size", "1024x1024")).split("x"))
            if not body.get("prompt") or width % 16 or height % 16 or not 1 / 3 <= width / height <= 3:
                return _refused("invalid_value", "The size is not supported.")
            one = await service.accept(NAME, body, size=(width, height))
            content = PAGE if fault is Fault.BROKEN else service.make(one)
            usage = {
                "input_tokens": 9, "output_tokens": 1000, "total_tokens": 1009,
                "input_tokens_details": {"image_tokens": 0, "text_tokens": 9},
            }  # fmt: skip
            return web.json_response(
                {"created": 1, "data": [{"b64_json": b64encode(content).decode()}], "usage": usage}
            )

        return await service.answered(request, NAME, ProviderCall.SUBMIT, act)

    app.router.add_post("/openai/v1/images/generations", generate)


def _refused(code: str, message: str) -> web.Response:
    error = {"message": message, "type": "image_generation_user_error", "param": None, "code": code}
    return web.json_response({"error": error}, status=400)
