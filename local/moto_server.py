"""`python -m local.moto_server SOCKET_FD RUNNER_URL FOLDER`: serve the corrected moto in a process of its own.

It serves the public socket only after all resources exist.
"""

import json
import logging
import os
import sys
import threading
from collections.abc import Iterable
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from moto.core.config import default_user_config
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from moto.ses.models import ses_backends
from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import Forbidden
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from local import moto_fixes
from local.environment import ACCOUNT, HOST, REGION
from local.pages import is_own_name, sent_by_page
from local.provision import provision, provision_state_machine

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class _KeepAliveHandler(MotoRequestHandler):
    """A handler that keeps connections open. A new connection per request halves moto's request rate.

    werkzeug closes each connection, because an application may leave a part of the body unread. This reads it first.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # so that an answer is sent in one piece

    def run_wsgi(self) -> None:
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(HTTPStatus.CONTINUE)
            self.end_headers()
            self.wfile.flush()
        environ = self.make_environ()
        chunked = environ.get("wsgi.input_terminated")
        length = -1 if chunked else int(environ.get("CONTENT_LENGTH") or 0)
        environ["wsgi.input"] = BytesIO(environ["wsgi.input"].read(length))
        try:
            answer = Response.from_app(self.server.app, environ, buffered=True)
        except Exception as error:  # noqa: BLE001  # a fault of moto must not end the connection
            self.server.log("error", f"{self.path}: {error!r}")
            answer = Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        content = answer.get_data()
        self.send_response(answer.status_code)
        for name, value in answer.headers:
            if name.lower() != "content-length" or self.command == "HEAD":
                self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else content)
        self.wfile.flush()

    def log(self, type: str, message: str, *args: object) -> None:  # werkzeug names the parameter `type`
        if type == "error":
            super().log(type, message, *args)


def _without_pages(application: "WSGIApplication") -> "WSGIApplication":
    """Return the application with a refusal of web pages: moto checks no signature, and its secrets are the keys."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        headers = dict(EnvironHeaders(environ))
        refused = sent_by_page(headers) or not is_own_name(headers.get("Host", ""))
        return (Forbidden() if refused else application)(environ, start_response)

    return answer


def with_outbox(application: "WSGIApplication") -> "WSGIApplication":
    """Return the application with the page `/outbox`: the email that was sent, newest first, as JSON."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/outbox":
            return application(environ, start_response)
        sent = [
            {"to": message.destinations["ToAddresses"], "subject": message.subject, "html": message.body}
            for message in reversed(ses_backends[ACCOUNT][REGION].sent_messages)
        ]
        return Response(json.dumps(sent, indent=1), mimetype="application/json")(environ, start_response)

    return answer


def server(application: "WSGIApplication", fd: int | None = None) -> BaseWSGIServer:
    return make_server(HOST, 0, application, threaded=True, request_handler=_KeepAliveHandler, fd=fd)


def _create_state_machine(private: BaseWSGIServer, created: threading.Event) -> None:
    try:
        provision_state_machine()
    finally:
        created.set()
        private.shutdown()


def after(created: threading.Event, application: "WSGIApplication") -> "WSGIApplication":
    """Return the application, whose requests to Step Functions wait until the state machine exists."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("HTTP_X_AMZ_TARGET", "").startswith("AWSStepFunctions."):
            created.wait()
        return application(environ, start_response)

    return answer


def main(fd: int, runner_url: str, folder: Path) -> None:
    """Create the resources through a private port, then serve, so that no client sees an incomplete cloud.

    The state machine follows while the others are served, because it is not needed before the first job.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    default_user_config["lambda"] = {"use_docker": False}
    default_user_config["stepfunctions"] = {"execute_state_machine": True}
    moto_fixes.apply(runner_url)
    application = _without_pages(with_outbox(DomainDispatcherApplication(create_backend_app)))

    private = server(application)
    threading.Thread(target=private.serve_forever, daemon=True).start()
    provision(f"http://{HOST}:{private.port}", folder)
    created = threading.Event()
    threading.Thread(target=_create_state_machine, args=(private, created), daemon=True).start()

    public = server(after(created, application), fd)
    os.environ["MOTO_PORT"] = str(public.port)
    print("ready", flush=True)  # noqa: T201  # the parent process waits for this line
    public.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
