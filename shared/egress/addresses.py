"""The URLs and IP addresses that a request of Kinora may reach if a creator names them (docs/adr/0046)."""

from functools import cache
from ipaddress import IPv6Address, ip_address, ip_network

from pydantic_core import Url, ValidationError

from shared.core.config import Config
from shared.core.errors import Invalid

PORTS = frozenset({443})
_GLOBAL_UNICAST = ip_network("2000::/3")
# Networks that the ipaddress module of some Python versions takes as global. Those of IPv6 contain IPv4 addresses.
_SPECIAL = [ip_network(one) for one in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2002::/16", "3fff::/20")]


class EgressConfig(Config):
    egress_open_to: str = ""  # hosts of a laptop or a test that are not checked, as `host:port`, separated by commas


@cache
def open_hosts() -> frozenset[str]:
    """Return the exceptions of this process. A deployment has none."""
    return frozenset(EgressConfig().egress_open_to.split(",")) - {""}


class UnsafeUrl(Invalid):
    """Kinora sends no request to this URL."""

    code = "unsafe_url"


def is_public(address: str) -> bool:
    """Return whether the IP address is a unicast address of the public Internet.

    An IPv6 address that contains an IPv4 address is refused, whichever it contains.
    """
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address) and parsed not in _GLOBAL_UNICAST:
        return False
    special = any(parsed.version == network.version and parsed in network for network in _SPECIAL)
    return parsed.is_global and not parsed.is_multicast and not special


def checked_url(text: str, *, open_to: frozenset[str] = frozenset()) -> str:
    """Return the URL in the form of the WHATWG, where a host such as `0x7f.1` is an IPv4 address. Raise UnsafeUrl.

    A URL has the scheme https and the port 443. Its host is a name or a public address. `open_to` are exceptions, as
    `host:port`, to which all this does not apply. A name must be resolved and checked again when it is used.
    """
    try:
        url = Url(text)
    except ValidationError:
        raise UnsafeUrl("This is not a URL.") from None
    host = (url.host or "").strip("[]")
    if f"{host}:{url.port}" in open_to:
        return str(url)
    if url.scheme != "https" or url.port not in PORTS:
        raise UnsafeUrl("The URL must begin with https:// and have the port 443.")
    if url.username or url.password:
        raise UnsafeUrl("The URL must not contain a user or a password.")
    if _is_address(host) and not is_public(host):
        raise UnsafeUrl("This address is not on the public Internet.")
    return str(url)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
