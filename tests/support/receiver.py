"""A receiver of webhooks on loopback: it answers as the test says, and keeps each request."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from shared.egress.addresses import open_hosts


@dataclass(frozen=True, slots=True)
class ReceivedWebhook:
    headers: dict[str, str]
    body: str


@dataclass
class Receiver:
    """The requests, and the next answers. Without a planned answer the receiver answers 204."""

    url: str
    received: list[ReceivedWebhook] = field(default_factory=list)
    answers: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)

    def answers_next(self, *statuses: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.answers += [(status, body, headers or {}) for status in statuses]


@contextmanager
def receiver(patch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Yield a receiver that the deployment may reach, although it is on loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _WebhookRequest) as server:
        place = f"127.0.0.1:{server.server_address[1]}"
        server.receiver = Receiver(f"http://{place}/kinora")  # type: ignore[attr-defined]  # read by the handler below
        patch.setenv("KINORA_EGRESS_OPEN_TO", place)
        open_hosts.cache_clear()
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server.receiver  # type: ignore[attr-defined]  # as above
        finally:
            server.shutdown()
            thread.join()
            patch.delenv("KINORA_EGRESS_OPEN_TO")
            open_hosts.cache_clear()


class _WebhookRequest(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        one: Receiver = self.server.receiver  # type: ignore[attr-defined]  # set by `receiver`
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        one.received.append(ReceivedWebhook({name.lower(): value for name, value in self.headers.items()}, body))
        status, answer, headers = one.answers.pop(0) if one.answers else (204, b"", {})
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        return
