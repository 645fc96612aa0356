"""Networks between a client and the studio that lose what a test says."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx


@contextmanager
def half_deaf(target: str) -> Iterator[tuple[str, list[str]]]:
    """Run a proxy of an API that passes each request on, and drops every second answer of each route.

    Yield its address, and the list of the requests that it dropped the answers of.
    """
    dropped: list[str] = []
    counts: dict[str, int] = {}

    class Proxy(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = httpx.request(
                self.command, target + self.path, content=body, headers=headers, timeout=60, trust_env=False
            )
            route = f"{self.command} {urlsplit(self.path).path}"
            counts[route] = counts.get(route, 0) + 1
            if counts[route] % 2:
                dropped.append(route)
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send_response(answer.status_code)
            for name, value in answer.headers.items():
                if name.lower() not in {"content-encoding", "content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PATCH = do_DELETE = _pass_on  # noqa: N815  # names of http.server

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", dropped
    finally:
        server.shutdown()
        server.server_close()


class Cuttable:
    """A proxy of TCP whose connections a test can cut."""

    def __init__(self, target: str) -> None:
        """`target` is the URL of the server."""
        self._target = urlsplit(target)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return self._target._replace(netloc=f"127.0.0.1:{self._listener.getsockname()[1]}").geturl()

    def cut(self) -> None:
        """End all connections."""
        while self._open:
            with suppress(OSError):
                self._open.pop().shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):  # of `close`
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection((self._target.hostname or "", self._target.port or 80))
                self.connections += 1
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
