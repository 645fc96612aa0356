"""API Gateway's `@connections` on loopback, with sockets that answer late, refuse or never answer."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from time import sleep
from typing import Any
from urllib.parse import unquote

Message = dict[str, Any]
LOST_ANSWER = 598  # a script: the client receives the message, and the caller receives 504


class Callbacks(ThreadingHTTPServer):
    """The server. `answers` has the next statuses for a connection. An empty list means success."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _CallbackRequest)
        self.answers: dict[str, list[int]] = defaultdict(list)
        self.silent: set[str] = set()  # connections whose calls are never answered
        self.pause_seconds = 0.0  # how long each call takes
        self.received: dict[str, list[Message]] = defaultdict(list)  # what each client has received
        self.closed: list[str] = []
        self.calls = 0
        self.at_once = 0  # calls in progress
        self.most_at_once = 0
        self.lock, self.over = Lock(), Event()

    def begin_again(self) -> None:
        """Let the silent calls end, wait until no call is in progress, and forget all clients."""
        self.over.set()
        while self.at_once:
            sleep(0.01)
        self.over.clear()
        for kept in (self.answers, self.received, self.silent, self.closed):
            kept.clear()
        self.calls = self.most_at_once = 0
        self.pause_seconds = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _CallbackRequest(BaseHTTPRequestHandler):
    server: Callbacks
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        connection_id, status = self._scripted()
        if status in {200, LOST_ANSWER}:
            self.server.received[connection_id].append(message)
        self._answer(504 if status == LOST_ANSWER else status)

    def do_DELETE(self) -> None:
        connection_id, status = self._scripted()
        if status in {200, LOST_ANSWER}:
            self.server.closed.append(connection_id)
        self._answer(504 if status == LOST_ANSWER else status)

    def _scripted(self) -> tuple[str, int]:
        """Return the connection and the status for this call."""
        server, connection_id = self.server, unquote(self.path.rpartition("/")[2])
        with server.lock:
            server.calls += 1
            server.at_once += 1
            server.most_at_once = max(server.most_at_once, server.at_once)
            gone = connection_id in server.closed
            status = 410 if gone else server.answers[connection_id].pop(0) if server.answers[connection_id] else 200
        if connection_id in server.silent and not gone and self.command == "POST":
            server.over.wait(30)
        sleep(server.pause_seconds)
        return connection_id, status

    def _answer(self, status: int) -> None:
        body = b"{}"
        with self.server.lock:
            self.server.at_once -= 1
        self.send_response(status)
        if status == 410:
            self.send_header("x-amzn-ErrorType", "GoneException")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class has this name
        """Log nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:  # the caller did not wait for the answer
            self.close_connection = True


@contextmanager
def callbacks() -> Iterator[Callbacks]:
    """Run the server during the block."""
    server = Callbacks()
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
