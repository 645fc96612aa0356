"""The fake Stripe as an HTTP server on loopback, in threads of this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

from local.stripe.api import FakeStripe
from local.stripe.catalogue import add_catalogue
from local.stripe.keys import API_KEY


class _StripeServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    fake: FakeStripe


class _StripeRequest(BaseHTTPRequestHandler):
    server: _StripeServer
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one packet: two would wait for each other

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        asked = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.fake.answer(self.command, asked.path, asked.query, body, headers)
        sent = answer.body.encode()
        self.send_response(answer.status)
        for name, value in {**answer.headers, "Content-Length": str(len(sent))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Discard the log line; `FakeStripe.requests` has the requests."""


@contextmanager
def stripe_server() -> Iterator[FakeStripe]:
    """Serve a new fake with Kinora's products until the end of the block."""
    with _StripeServer(("127.0.0.1", 0), _StripeRequest) as server:
        server.fake = FakeStripe(f"http://127.0.0.1:{server.server_address[1]}")
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            add_catalogue(API_KEY, server.fake.url)
            yield server.fake
        finally:
            server.shutdown()
