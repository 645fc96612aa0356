"""The dialect of the FLUX API of Black Forest Labs: https://docs.bfl.ml."""

import hmac
from hashlib import sha256

from aiohttp import web

from local.imitation.faults import Fault, ProviderCall
from local.imitation.service import Service, body_of

NAME = "flux"


def add_flux(app: web.Application, service: Service) -> None:
    async def submit(request: web.Request) -> web.StreamResponse:
        body = await body_of(request)

        async def act(fault: Fault | None) -> web.StreamResponse:
            sizes = [body.get("width"), body.get("height")]
            if not body.get("prompt") or not all(isinstance(one, int) and one >= 64 and one % 16 == 0 for one in sizes):
                return web.json_response({"detail": [{"type": "value_error"}]}, status=422)
            one = await service.accept(
                NAME, {"model": request.match_info["model"], **body}, size=(body["width"], body["height"])
            )
            if fault is Fault.MODERATED_INPUT:
                one.ended = "Request Moderated"
            if url := body.get("webhook_url"):
                secret = str(body.get("webhook_secret", ""))
                service.notify(one, url, {"id": one.id, "status": "Ready"}, lambda sent: signed(sent, secret))
                return web.json_response({"id": one.id, "status": "Pending", "webhook_url": url})
            host = service.url.replace("127.0.0.1", "localhost") if fault is Fault.OTHER_HOST else service.url
            return web.json_response({"id": one.id, "polling_url": f"{host}/flux/v1/get_result?id={one.id}"})

        return await service.answered(request, NAME, ProviderCall.SUBMIT, act)

    async def poll(request: web.Request) -> web.StreamResponse:
        async def act(fault: Fault | None) -> web.StreamResponse:
            one = service.find(NAME, request.query["id"])
            ends = {Fault.MODERATED_OUTPUT: "Content Moderated", Fault.BROKEN: "Error"}
            one.ended = ends.get(fault, one.ended) if fault else one.ended
            if one.ended:
                return web.json_response({"id": one.id, "status": one.ended, "result": None})
            if fault is Fault.UNKNOWN_STATE:
                return web.json_response({"id": one.id, "status": "Dreaming", "result": None})
            if fault is Fault.WORKING or not service.is_done(one):
                return web.json_response({"id": one.id, "status": "Pending", "progress": service.fraction(one)})
            url = "http://localhost:9/a.png" if fault is Fault.OTHER_HOST else service.file_url(one, "png")
            return web.json_response({"id": one.id, "status": "Ready", "result": {"sample": url}})

        return await service.answered(request, NAME, ProviderCall.POLL, act)

    app.router.add_post("/flux/v1/{model}", submit)
    app.router.add_get("/flux/v1/get_result", poll)


def signed(body: bytes, secret: str) -> dict[str, str]:
    """Return the header of a webhook with this body."""
    return {"X-BFL-Signature": f"sha256={hmac.new(secret.encode(), body, sha256).hexdigest()}"}
