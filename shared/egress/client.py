"""Requests to the URLs of creators: each connection goes to a public address that was checked for it.

The name is resolved once for a connection, its addresses are checked, and the socket connects to one of them. So a name
server cannot answer with another address after the check. A redirect is a request of its own, with its own check.
"""

import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpcore
import httpx

from shared.core.errors import AppError
from shared.egress.addresses import UnsafeUrl, checked_url, is_public, open_hosts

_IDLE_SECONDS = 10.0  # maximum pause of the server
_REDIRECTS = 3

Resolve = Callable[[str, int], Iterable[str]]


class DownloadFailed(AppError):
    """The server of the URL does not answer with a usable file."""

    code, status = "download_failed", 422


def outbound(*, seconds: float) -> httpx.Client:
    """Return a client for URLs of creators. It follows no redirects, and its requests fail after `seconds` in all.

    A request raises UnsafeUrl if the URL, or an address of its host, is not public, and otherwise httpx.HTTPError.
    """
    return httpx.Client(
        transport=_CheckedTransport(CheckedBackend(seconds=seconds)),
        timeout=_IDLE_SECONDS,
        max_redirects=_REDIRECTS,
        trust_env=False,
        headers={"User-Agent": "Kinora", "Accept-Encoding": "identity"},
    )


def download(url: str, path: Path, *, most_bytes: int, seconds: float) -> None:
    """Write the file at the URL to `path`, after at most 3 redirects. Raise UnsafeUrl or DownloadFailed."""
    try:
        with (
            outbound(seconds=seconds) as client,
            client.stream("GET", checked_url(url, open_to=open_hosts()), follow_redirects=True) as answer,
            path.open("wb") as file,
        ):
            if answer.status_code != httpx.codes.OK:
                raise DownloadFailed(f"The server answered with the status {answer.status_code}.")
            for chunk in answer.iter_raw():
                if file.tell() + len(chunk) > most_bytes:
                    raise DownloadFailed(f"The file has more than {most_bytes // 1024**2} MB.")
                file.write(chunk)
    except httpx.TimeoutException:
        raise DownloadFailed("The server is too slow.") from None
    except httpx.TooManyRedirects:
        raise DownloadFailed(f"The server redirects more than {_REDIRECTS} times.") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise DownloadFailed("The server cannot be reached.") from None


def _resolve(host: str, port: int) -> Iterable[str]:
    return dict.fromkeys(str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))


class CheckedBackend(httpcore.NetworkBackend):
    """Sockets to public addresses. All reads and writes end after `seconds`."""

    def __init__(
        self,
        *,
        seconds: float,
        resolve: Resolve = _resolve,
        sockets: httpcore.NetworkBackend | None = None,
        open_to: frozenset[str] | None = None,
    ) -> None:
        self._until = time.monotonic() + seconds
        self._resolve, self._sockets = resolve, sockets or httpcore.SyncBackend()
        self.open_to = open_hosts() if open_to is None else open_to

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = list(self._resolve(host, port))
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("The name cannot be resolved.") from error
        if f"{host}:{port}" not in self.open_to and not all(map(is_public, addresses)):
            raise UnsafeUrl("This address is not on the public Internet.")
        failure: Exception = httpcore.ConnectError("The name has no address.")
        for address in addresses:
            try:
                stream = self._sockets.connect_tcp(address, port, self.left(timeout), local_address, socket_options)
            except httpcore.ConnectError as error:
                failure = error
            else:
                return _BoundedStream(stream, self)
        raise failure

    def left(self, timeout: float | None) -> float:
        """Return the seconds that an operation may last. Raise httpcore.ReadTimeout after the end."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout("The request takes too long.")
        return left if timeout is None else min(left, timeout)


class _BoundedStream(httpcore.NetworkStream):
    """A socket whose operations end with the backend's time, so that a server cannot prolong it byte by byte."""

    def __init__(self, stream: httpcore.NetworkStream, backend: CheckedBackend) -> None:
        self._stream, self._backend = stream, backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._backend.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._backend.left(timeout))
        return _BoundedStream(stream, self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _CheckedTransport(httpx.HTTPTransport):
    """The transport of httpx over checked sockets. It checks the URL of each request, also after a redirect."""

    def __init__(self, backend: CheckedBackend) -> None:
        super().__init__(trust_env=False)
        self._open_to = backend.open_to
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False), network_backend=backend, max_keepalive_connections=0
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        checked_url(str(request.url), open_to=self._open_to)
        return super().handle_request(request)
