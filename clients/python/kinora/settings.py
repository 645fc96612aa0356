"""The settings of a client, and their defaults from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import KinoraError

__version__ = "0.1.0"
LAPTOP = "http://127.0.0.1:8700"  # where `make dev` serves the laptop cloud


@dataclass(frozen=True)
class Settings:
    """The address and the key of a studio, and how patient the client is. Times are in seconds."""

    api_key: str
    base_url: str
    socket_url: str
    timeout: float
    max_retries: int
    proxy: str | None

    @classmethod
    def of(
        cls,
        api_key: str | None,
        base_url: str | None,
        socket_url: str | None,
        *,
        timeout: float,
        max_retries: int,
        proxy: str | None,
    ) -> Settings:
        """Return the settings, with `KINORA_API_KEY`, `KINORA_BASE_URL` and `KINORA_SOCKET_URL` as the defaults."""
        key = api_key or os.environ.get("KINORA_API_KEY", "")
        if not key:
            raise KinoraError("There is no API key: pass `api_key`, or set KINORA_API_KEY.")
        base = (base_url or os.environ.get("KINORA_BASE_URL") or LAPTOP).rstrip("/")
        if not base.startswith(("http://", "https://")):
            raise KinoraError(f"The base URL {base} does not begin with https:// or http://.")
        socket = socket_url or os.environ.get("KINORA_SOCKET_URL") or socket_of(base)
        return cls(key, base, socket, timeout, max_retries, proxy)


def socket_of(base_url: str) -> str:
    """Return the address of the events: `socket.` before the domain, or `/ws` of the laptop cloud."""
    parts = urlsplit(base_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    if parts.hostname in {"127.0.0.1", "localhost", "::1"}:
        return f"{scheme}://{parts.netloc}/ws"
    return f"{scheme}://socket.{parts.netloc}"
