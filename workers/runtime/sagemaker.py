"""A worker of one stage behind a SageMaker endpoint: `python -m workers.runtime.sagemaker IMAGE_GENERATION`.

SageMaker runs the image as `serve`, checks its health with `GET /ping`, and sends tasks to `POST /invocations`, one at
a time. A response of 200 means that the task has ended, and that the runner has reported it to the state machine.
Any other response means that the task was refused or handed back. SageMaker then reports it to `pipeline/signal`.
"""

import os
import sys
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from shared.aws.traces import TRACE
from shared.observability import logged, logger
from shared.stages.stages import Stage
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.queue_loop import load_engines, reach_aws
from workers.runtime.queues import Shutdown, wait_for_aws
from workers.runtime.receipt import Receipt
from workers.runtime.step import Engines, StepRunner

PORT = 8080  # SageMaker requires this port
ALL_ADDRESSES = "0.0.0.0"  # noqa: S104  # only SageMaker reaches the container
TRACE_HEADER = "X-Amzn-SageMaker-Custom-Attributes"  # as `pipeline/dispatch` sends it
READ_SECONDS = 30  # maximum wait for more bytes of a request


class Invocation:
    """A task in a SageMaker request. SageMaker sends it to no other worker before the response."""

    def __init__(self, body: str) -> None:
        self.body = body
        self.done = False

    def delete(self) -> None:
        self.done = True

    def hide(self, seconds: int) -> None:
        """Do nothing: the task is hidden until the response."""

    def hand_back(self) -> None:
        """Do nothing: a task that is not done is answered with 503."""


class Endpoint(ThreadingHTTPServer):
    """An HTTP server that answers pings while a task runs."""

    daemon_threads = False  # closing waits until a running task is handed back

    def __init__(self, handle: Callable[[Receipt], None], *, host: str = ALL_ADDRESSES, port: int = PORT) -> None:
        super().__init__((host, port), _InvocationHandler)
        self._handle, self._at_work = handle, Lock()

    def invoke(self, body: bytes, trace: str) -> HTTPStatus:
        """Do one task and return the status. Return 503 for a second task: an engine uses the whole machine."""
        if not self._at_work.acquire(blocking=False):
            return HTTPStatus.SERVICE_UNAVAILABLE
        with logged():
            try:
                os.environ[TRACE] = trace
                invocation = Invocation(body.decode())
                self._handle(invocation)
            except Exception:  # noqa: BLE001  # a bad task must not end the worker
                logger.exception("task not handled")
                return HTTPStatus.INTERNAL_SERVER_ERROR
            finally:
                self._at_work.release()
        return HTTPStatus.OK if invocation.done else HTTPStatus.SERVICE_UNAVAILABLE


class _InvocationHandler(BaseHTTPRequestHandler):
    server: Endpoint
    timeout = READ_SECONDS

    def do_GET(self) -> None:
        self._answer(HTTPStatus.OK if self.path == "/ping" else HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if self.path != "/invocations":
            self._answer(HTTPStatus.NOT_FOUND)
        elif not length.isdecimal():
            self._answer(HTTPStatus.LENGTH_REQUIRED)
        else:
            body = self.rfile.read(int(length))
            self._answer(self.server.invoke(body, self.headers.get(TRACE_HEADER, "")))

    def _answer(self, status: HTTPStatus) -> None:
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Write no log line, because pings would fill the log."""


def through_outages(handle: Callable[[Receipt], None], shutdown: Shutdown) -> Callable[[Receipt], None]:
    """Return `handle`, which then waits before the response until AWS answers. A failed invocation has few retries."""

    def patient(receipt: Receipt) -> None:
        try:
            handle(receipt)
        except AWS_ERRORS:
            wait_for_aws(reach_aws, shutdown, errors=0)
            raise

    return patient


def serve(stage: Stage, engines: Engines, *, host: str = ALL_ADDRESSES, port: int = PORT) -> None:
    """Answer SageMaker until SIGTERM. Print `ready` when the server listens."""
    shutdown = Shutdown()
    shutdown.listen()
    runner = StepRunner(engines, shutdown_requested=lambda: shutdown.requested)
    logger.append_keys(worker=stage.value)
    with Endpoint(through_outages(runner.handle, shutdown), host=host, port=port) as endpoint:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        shutdown.interruptible(endpoint.serve_forever)


if __name__ == "__main__":
    chosen = Stage(sys.argv[1])
    serve(chosen, load_engines([chosen]))
