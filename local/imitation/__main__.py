"""`python -m local.imitation SOCKET_FD`: serve the imitated providers on a socket that the parent process opened."""

import asyncio
import logging
import socket
import sys

from aiohttp import web

from local.environment import HOST
from local.imitation.app import create_app
from local.imitation.pictures import make
from local.imitation.service import Service

WORK_SECONDS = 3.0  # between a request and its file, so that progress can be seen


async def serve(server: socket.socket) -> None:
    url = f"http://{HOST}:{server.getsockname()[1]}"
    runner = web.AppRunner(create_app(Service(url, make, work_seconds=WORK_SECONDS, reads_pictures=True)))
    await runner.setup()
    await web.SockSite(runner, server).start()
    print("ready", flush=True)  # noqa: T201  # the parent process waits for this line
    await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1]))))
