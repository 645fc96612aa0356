"""Protection of the laptop's ports against web pages: any page in a browser can send requests to its own computer."""

from collections.abc import Mapping
from urllib.parse import urlsplit

_OWN_NAMES = {"127.0.0.1", "localhost", "::1"}


def is_own_name(host: str) -> bool:
    """Return whether a Host header names this computer. With DNS rebinding a page reaches a port under another name."""
    try:
        return urlsplit(f"//{host}").hostname in _OWN_NAMES
    except ValueError:
        return False


def sent_by_page(headers: Mapping[str, str]) -> bool:
    """Return whether a browser sent the request for a page. Some requests have no Origin: links, pictures, scripts."""
    return "Origin" in headers or headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}
