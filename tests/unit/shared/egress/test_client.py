"""Requests to URLs of creators, with a listener on loopback that must stay silent."""

import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpcore
import httpx
import pytest

from shared.egress import addresses, client
from shared.egress.addresses import UnsafeUrl
from shared.egress.client import CheckedBackend, DownloadFailed, download, outbound

PUBLIC = "93.184.215.14"


class Inside(ThreadingHTTPServer):
    """A server on loopback: it answers with a file, or redirects to the URL in the path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _InsideRequest)
        self.connections = 0

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        self.connections += 1
        found: tuple[socket.socket, tuple[str, int]] = super().get_request()
        return found


class _InsideRequest(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to/"))
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = b"x" * 100
        self.send_response(404 if self.path == "/nothing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/cut":
            body = body[:50]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def inside() -> Iterator[Inside]:
    with Inside() as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def entrance(inside: Inside, monkeypatch: pytest.MonkeyPatch) -> Iterator[Inside]:
    """Another server, to which the client is open. A redirect of it may name any port."""
    with Inside() as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        monkeypatch.setenv("KINORA_EGRESS_OPEN_TO", f"127.0.0.1:{server.port},open.test:443")
        addresses.open_hosts.cache_clear()
        monkeypatch.setattr(addresses, "PORTS", frozenset({443, inside.port}))
        yield server
        server.shutdown()
    addresses.open_hosts.cache_clear()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "::ffff:127.0.0.1", "0.0.0.0"],  # noqa: S104  # a destination
)
def test_no_form_of_a_private_host_is_connected(inside: Inside, host: str) -> None:
    with pytest.raises((UnsafeUrl, httpcore.ConnectError)):
        CheckedBackend(seconds=20).connect_tcp(host, inside.port)
    assert inside.connections == 0
    known = frozenset({f"{host}:{inside.port}"})
    CheckedBackend(seconds=20, open_to=known, resolve=lambda *_: ["127.0.0.1"]).connect_tcp(host, inside.port).close()


@pytest.mark.parametrize("answer", [["127.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1", PUBLIC], ["169.254.169.254"]])
def test_a_name_with_one_private_address_is_refused(inside: Inside, answer: list[str]) -> None:
    with pytest.raises(UnsafeUrl):
        CheckedBackend(seconds=20, resolve=lambda *_: answer).connect_tcp("films.example", inside.port)
    assert inside.connections == 0


class Sockets(httpcore.MockBackend):
    def __init__(self) -> None:
        super().__init__([])
        self.hosts: list[str] = []

    def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.NetworkStream:
        self.hosts.append(host)
        return httpcore.MockStream([])


def test_the_socket_connects_to_the_address_that_was_checked(inside: Inside) -> None:
    """The name server answers with a private address from the second question on."""
    answers = [[PUBLIC], ["127.0.0.1"]]
    sockets = Sockets()
    backend = CheckedBackend(seconds=20, resolve=lambda *_: answers.pop(0), sockets=sockets)
    backend.connect_tcp("films.example", inside.port)
    assert sockets.hosts == [PUBLIC]
    with pytest.raises(UnsafeUrl):
        backend.connect_tcp("films.example", inside.port)
    assert sockets.hosts == [PUBLIC]


@pytest.mark.parametrize("target", ["http://127.0.0.1:{}/", "https://127.0.0.1:{}/", "https://localhost:{}/", "//0:{}/",
                                    "https://[::ffff:127.0.0.1]:{}/", "https://2130706433:{}/"])  # fmt: skip
def test_a_redirect_is_checked(inside: Inside, entrance: Inside, tmp_path: Path, target: str) -> None:
    url = f"http://127.0.0.1:{entrance.port}/to/{target.format(inside.port)}"
    with pytest.raises((UnsafeUrl, DownloadFailed)):
        download(url, tmp_path / "file", most_bytes=1000, seconds=20)
    assert (entrance.connections, inside.connections) == (1, 0)


@pytest.mark.parametrize("url", ["http://films.example/", "https://films.example:444/", "https://a:b@films.example/"])
def test_each_request_needs_https_and_its_port(url: str) -> None:
    sockets = Sockets()
    backend = CheckedBackend(seconds=20, resolve=lambda *_: [PUBLIC], sockets=sockets)
    with httpx.Client(transport=client._CheckedTransport(backend)) as one, pytest.raises(UnsafeUrl):
        one.get(url)
    assert sockets.hosts == []


def test_a_client_follows_no_redirect_by_itself(inside: Inside, entrance: Inside) -> None:
    with outbound(seconds=20) as one:
        assert one.get(f"http://127.0.0.1:{entrance.port}/to/http://127.0.0.1:{inside.port}/").status_code == 302
    assert inside.connections == 0


def test_a_file_is_downloaded_up_to_a_size(entrance: Inside, tmp_path: Path) -> None:
    base, path = f"http://127.0.0.1:{entrance.port}", tmp_path / "file"
    download(f"{base}/to/{base}/file", path, most_bytes=100, seconds=20)
    assert path.read_bytes() == b"x" * 100
    with pytest.raises(DownloadFailed, match="more than"):
        download(f"{base}/file", path, most_bytes=99, seconds=20)
    for name in ("nothing", "cut"):
        with pytest.raises(DownloadFailed):
            download(f"{base}/{name}", path, most_bytes=1000, seconds=20)
    with pytest.raises(DownloadFailed, match="redirects"):
        download(f"{base}/to//to//to//to//to//file", path, most_bytes=1000, seconds=20)


def test_a_request_has_one_time_for_all_its_reads(entrance: Inside) -> None:
    """A pause limit alone would allow a server to send one byte at a time for ever."""
    backend = CheckedBackend(seconds=0, open_to=frozenset({f"127.0.0.1:{entrance.port}"}))
    with pytest.raises(httpcore.ReadTimeout):
        backend.connect_tcp("127.0.0.1", entrance.port)
    ended = client._BoundedStream(httpcore.MockStream([b"x"] * 9), CheckedBackend(seconds=0))
    with pytest.raises(httpcore.ReadTimeout):
        ended.read(1, 5.0)


def test_a_proxy_of_the_environment_is_not_used(entrance: Inside, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{entrance.port}")
    with outbound(seconds=20) as one, pytest.raises((UnsafeUrl, httpx.HTTPError)):
        one.get("https://localhost/")
    assert entrance.connections == 0
