"""ECS's container agent on loopback: it records the requests for task protection."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Agent(ThreadingHTTPServer):
    """The agent's server. `requests` are (path, body) by arrival; `status` is the HTTP status of each answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _AgentRequest)
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api/task"

    @property
    def protects(self) -> list[bool]:
        """The requested values of ProtectionEnabled, in order."""
        return [request["ProtectionEnabled"] for _, request in self.requests]


class _AgentRequest(BaseHTTPRequestHandler):
    server: Agent

    def do_PUT(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, request))
        body = b"{}"
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's own name
        """Discard the log line."""


@contextmanager
def agent() -> Iterator[Agent]:
    """Yield an agent that listens until the block ends."""
    server = Agent()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
