"""The URLs and addresses that Kinora may reach for a creator."""

import pytest

from shared.egress.addresses import UnsafeUrl, checked_url, is_public

OPEN = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
CLOSED = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1",  # noqa: S104  # an address in a list
    "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.170", "192.0.2.1", "198.18.0.1",
    "192.88.99.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::",
    "2001:0:7f00:1::", "3fff::1",
]  # fmt: skip


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", CLOSED)
def test_another_address_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "017700000001", "[::1]", "①②⑦.⓪.⓪.①",
     "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "169.254.169.254", "2852039166", "0xA9FEA9FE", "[fd00:ec2::254]", "0"],
)  # fmt: skip
def test_the_forms_of_a_private_address_are_refused(host: str) -> None:
    with pytest.raises(UnsafeUrl, match="not on the public Internet"):
        checked_url(f"https://{host}/latest/meta-data")


@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "https://example.com:8443/", "https://example.com:22/", "ftp://example.com/", "example.com",
     "https://", "https://ada:secret@example.com/", "https://ada@example.com/", "file:///etc/passwd", "gopher://x/",
     "https://[::1/", "data:text/plain,x", ""],
)  # fmt: skip
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(UnsafeUrl):
        checked_url(url)


def test_a_url_gets_one_form() -> None:
    assert checked_url("HTTPS://Example.COM:443/a b?q=1") == "https://example.com/a%20b?q=1"


def test_an_exception_is_one_host_and_port() -> None:
    exceptions = frozenset({"127.0.0.1:8000"})
    assert checked_url("http://127.0.0.1:8000/a", open_to=exceptions)
    for url in ("http://127.0.0.1:8001/a", "http://127.0.0.2:8000/a", "https://127.0.0.1/"):
        with pytest.raises(UnsafeUrl):
            checked_url(url, open_to=exceptions)
