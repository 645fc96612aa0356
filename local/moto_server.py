"""The laptop's AWS: moto, made honest, in a process of its own. It answers only once everything in it is created.

`python -m local.moto_server SOCKET_FD RUNNER_URL FOLDER`
"""

import logging
import os
import sys
import threading
from pathlib import Path

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server

from local import moto_fixes
from local.environment import HOST
from local.provision import provision


class _KeepAliveHandler(MotoRequestHandler):
    """Keeps connections open: opening one for each request halves what moto answers in a second."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: object) -> None:  # werkzeug's name
        if type == "error":
            super().log(type, message, *args)


def _server(application: DomainDispatcherApplication, fd: int | None = None) -> BaseWSGIServer:
    return make_server(HOST, 0, application, threaded=True, request_handler=_KeepAliveHandler, fd=fd)


def main(fd: int, runner_url: str, folder: Path) -> None:
    """Provision through a private port first, so that nobody who waits on the public one meets a half-made cloud."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    default_user_config["lambda"] = {"use_docker": False}
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    moto_fixes.apply(runner_url)
    application = DomainDispatcherApplication(create_backend_app)

    private = _server(application)
    threading.Thread(target=private.serve_forever, daemon=True).start()
    provision(f"http://{HOST}:{private.port}", folder)
    private.shutdown()

    public = _server(application, fd)
    os.environ["MOTO_PORT"] = str(public.port)
    print("ready", flush=True)  # noqa: T201  # what the parent waits for
    public.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
