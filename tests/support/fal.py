"""fal's queue on loopback, with the published API: it records accepted requests, and fails as scripted."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

CLIP = b"\x00\x00\x00\x18ftypisom" + b"a clip" * 20
DONE = {"status": "COMPLETED"}


@dataclass
class Reply:
    """A scripted answer. With `drop` the server carries out the request and never answers."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


class Fal(ThreadingHTTPServer):
    """The server. Each list holds the next answers to one kind of request; an empty list means success."""

    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _FalRequest)
        self.accepted: list[dict[str, Any]] = []  # requests that fal bills
        self.cancelled: list[str] = []
        self.keys: set[str | None] = set()  # values of Authorization in requests to the queue
        self.seen_by_files: list[str | None] = []
        self.submits: list[Reply] = []
        self.statuses: list[Reply] = []
        self.results: list[Reply] = []
        self.files: list[Reply] = []
        self.over = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _FalRequest(BaseHTTPRequestHandler):
    server: Fal

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = self.server.submits.pop(0) if self.server.submits else Reply()
        if reply.status == 200 or reply.drop:
            self.server.accepted.append({"path": self.path, **request})
        base = f"{self.server.url}/requests/{len(self.server.accepted)}"
        urls = {"status_url": f"{base}/status", "response_url": base, "cancel_url": f"{base}/cancel"}
        self._answer(reply, {"request_id": str(len(self.server.accepted)), "status": "IN_QUEUE", **urls})

    def do_GET(self) -> None:
        if self.path.startswith("/files/"):
            self.server.seen_by_files.append(self.headers.get("Authorization"))
            self._answer(self.server.files.pop(0) if self.server.files else Reply(), CLIP)
        elif self.path.endswith("/status"):
            self._answer(self.server.statuses.pop(0) if self.server.statuses else Reply(), DONE)
        else:
            made = {"video": {"url": f"{self.server.url}/files/clip.mp4", "content_type": "video/mp4"}}
            self._answer(self.server.results.pop(0) if self.server.results else Reply(), made)

    def do_PUT(self) -> None:
        self.server.cancelled.append(self.path)
        self._answer(Reply(202), {"status": "CANCELLATION_REQUESTED"})

    def _answer(self, reply: Reply, otherwise: Any) -> None:
        if not self.path.startswith("/files/"):
            self.server.keys.add(self.headers.get("Authorization"))
        if reply.drop:
            self.server.over.wait(30)
            return
        body = otherwise if reply.body is None else reply.body
        sent = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(reply.status)
        for name, value in {**reply.headers, "Content-Length": str(len(sent))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Discard the log line; tests read the recorded requests."""


@contextmanager
def fal() -> Iterator[Fal]:
    with Fal() as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
