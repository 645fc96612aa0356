"""`python -m local.gateway SOCKET_FD FOLDER`: serve the gateway on a socket that the parent process opened."""

import asyncio
import logging
import os
import signal
import socket
import sys
from pathlib import Path

from aiohttp import web

from local.gateway.app import ENTRIES, create_gateway
from local.gateway.functions import Functions
from local.gateway.pumps import Pumps
from local.gateway.stripe import StripeGateway
from local.keys import media_signing_key
from local.stripe.catalogue import add_catalogue
from local.stripe.keys import API_KEY


async def serve(server: socket.socket, folder: Path) -> None:
    functions = Functions(ENTRIES)
    functions.load()
    pumps = Pumps(functions)
    stripe = StripeGateway(os.environ["KINORA_WEB_ORIGIN"])
    application = create_gateway(
        functions, os.environ["KINORA_MEDIA_URL"], media_signing_key(folder / "keys"), stripe=stripe
    )
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.SockSite(runner, server).start()
    await asyncio.to_thread(add_catalogue, API_KEY, stripe.fake.url)
    pumps.start()
    print("ready", flush=True)  # noqa: T201  # the parent process waits for this line

    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    await stopping.wait()
    pumps.stop()
    await runner.cleanup()
    sys.stdout.flush()
    os._exit(0)  # a handler that still runs would keep the process alive; its caller has ended


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), Path(sys.argv[2])))
