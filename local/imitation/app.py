"""The imitation of providers: one server with the dialect of each one, and faults on request.

`POST /faults {"provider": "runway", "call": "poll", "faults": ["broken"]}` plans faults. `GET /requests` lists what the
providers accepted, and would bill.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread

from aiohttp import web

from local.environment import HOST
from local.imitation.elevenlabs import add_elevenlabs
from local.imitation.fal import add_fal
from local.imitation.faults import Fault, ProviderCall
from local.imitation.flux import add_flux
from local.imitation.google import add_google
from local.imitation.luma import add_luma
from local.imitation.openai import add_openai
from local.imitation.runway import add_runway
from local.imitation.service import Make, Service, body_of
from local.imitation.stability import add_stability

DIALECTS = (add_runway, add_fal, add_flux, add_openai, add_luma, add_google, add_stability, add_elevenlabs)


def create_app(service: Service) -> web.Application:
    app = web.Application(client_max_size=2**25)
    for add in DIALECTS:
        add(app, service)
    app.on_shutdown.append(service.stop)
    app.router.add_get("/files/{provider}/{id}/{name}", service.file)
    app.router.add_post("/faults", partial(_plan, service))
    app.router.add_get("/requests", service.listed)
    return app


async def _plan(service: Service, request: web.Request) -> web.StreamResponse:
    body = await body_of(request)
    try:
        service.faults.add(str(body["provider"]), ProviderCall(body["call"]), *map(Fault, body["faults"]))
    except (KeyError, ValueError, TypeError) as error:
        return web.json_response({"error": f"Give provider, call and faults: {error}."}, status=400)
    return web.Response(status=204)


@contextmanager
def imitation(make: Make) -> Iterator[Service]:
    """Serve new providers in a thread of this process until the end of the block."""
    server = socket.create_server((HOST, 0))
    service = Service(f"http://{HOST}:{server.getsockname()[1]}", make)
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(create_app(service), shutdown_timeout=0.1)
    loop.run_until_complete(runner.setup())
    loop.run_until_complete(web.SockSite(runner, server).start())
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
