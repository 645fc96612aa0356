"""The dialect of ElevenLabs: a request is answered with an MP3. There is nothing to poll."""

from typing import Any

from aiohttp import web

from local.imitation.faults import Fault, ProviderCall
from local.imitation.service import PAGE, Service, body_of

NAME = "elevenlabs"
MOST_EFFECT_SECONDS, MOST_MUSIC_SECONDS = 30, 600


def add_elevenlabs(app: web.Application, service: Service) -> None:
    async def effects(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        return await answered(request, body, body.get("text"), body.get("duration_seconds"), 0.5, MOST_EFFECT_SECONDS)

    async def music(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)
        milliseconds = body.get("music_length_ms")
        seconds = milliseconds / 1000 if isinstance(milliseconds, int) else None
        return await answered(request, body, body.get("prompt"), seconds, 3, MOST_MUSIC_SECONDS)

    async def answered(
        request: web.Request, body: dict[str, Any], prompt: object, seconds: float | None, least: float, most: float
    ) -> web.StreamResponse:
        async def act(fault: Fault | None) -> web.StreamResponse:
            if fault is Fault.MODERATED_INPUT:
                return _refused(400, "content_against_policy")
            if not prompt or seconds is None or not least <= seconds <= most:
                return _refused(422, "invalid_parameters")
            one = await service.accept(NAME, body, seconds=seconds, sound=True)
            content = PAGE if fault is Fault.BROKEN else service.make(one)
            return web.Response(body=content, content_type="audio/mpeg")

        unknown = {"detail": {"status": "invalid_api_key", "message": "Invalid API key"}}
        return await service.answered(request, NAME, ProviderCall.SUBMIT, act, unknown_key=(401, unknown))

    app.router.add_post("/elevenlabs/v1/sound-generation", effects)
    app.router.add_post("/elevenlabs/v1/music", music)


def _refused(status: int, reason: str) -> web.Response:
    return web.json_response({"detail": {"status": reason, "message": "It was refused."}}, status=status)
