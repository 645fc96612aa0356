"""ECS's agent on loopback, as far as a worker asks anything of it: it keeps what it was told of protection."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


class Agent(ThreadingHTTPServer):
    """`wishes` in the order in which they came, each with its path; `status` is what it answers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _AgentRequest)
        self.wishes: list[tuple[str, dict[str, Any]]] = []
        self.status = 200

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api/task"

    @property
    def protects(self) -> list[bool]:
        """What was wished for, one after the other."""
        return [wish["ProtectionEnabled"] for _, wish in self.wishes]


class _AgentRequest(BaseHTTPRequestHandler):
    server: Agent

    def do_PUT(self) -> None:
        wish = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.wishes.append((self.path, wish))
        body = b"{}"
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's own name
        """Nothing: tests tell what matters."""


@contextmanager
def agent() -> Iterator[Agent]:
    """One that listens while the block lasts."""
    server = Agent()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
