"""The image as a function: `python -m awslambdaric` with our handler, against Lambda's runtime API on loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Thread
from time import time
from typing import Any

import pytest

from local.environment import ROOT

pytest.importorskip("awslambdaric", reason="AWS ships it for Linux only")
ANSWER_SECONDS = 60


class RuntimeApi(ThreadingHTTPServer):
    """The part of Lambda's runtime API that a function calls. It hands out one event."""

    daemon_threads = True

    def __init__(self, event: dict[str, Any]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.event: dict[str, Any] | None = event
        self.answers = Queue[tuple[str, dict[str, Any]]]()


class _Handler(BaseHTTPRequestHandler):
    server: RuntimeApi

    def do_GET(self) -> None:
        assert self.path == "/2018-06-01/runtime/invocation/next"
        event, self.server.event = self.server.event, None
        if event is None:
            Queue[None]().get()  # no further event comes
        body = json.dumps(event).encode()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int(1000 * (time() + 60))))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.answers.put((self.path.rpartition("/")[2], json.loads(body)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Write no log line."""


@contextmanager
def function(handler: str, event: dict[str, Any]) -> Iterator[RuntimeApi]:
    with RuntimeApi(event) as api:
        Thread(target=api.serve_forever, daemon=True).start()
        variables = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "isolated",
            "AWS_DEFAULT_REGION": "us-east-1",
            "KINORA_SIGNS_FILMS": "false",
        }
        command = [sys.executable, "-m", "awslambdaric", handler]
        process = subprocess.Popen(command, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603  # our own module
        try:
            yield api
        finally:
            process.kill()
            process.wait()
            api.shutdown()


@pytest.mark.parametrize("module", ["workers.runtime.isolated", "workers.verification.isolated"])
def test_the_handler_starts_and_refuses_an_event_that_is_no_order(module: str) -> None:
    with function(f"{module}.handler", {"version": 9}) as api:
        try:
            path, answer = api.answers.get(timeout=ANSWER_SECONDS)
        except Empty:
            pytest.fail("the function did not start")
    assert (path, answer["errorType"]) == ("error", "ValidationError")
