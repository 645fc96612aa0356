import pytest

from clients.python.kinora import Kinora, KinoraError
from clients.python.kinora.settings import socket_of


@pytest.mark.parametrize(("base", "socket"), [
    ("https://studio.example.com", "wss://socket.studio.example.com"),
    ("http://127.0.0.1:8700", "ws://127.0.0.1:8700/ws"),
])  # fmt: skip
def test_events_have_the_address_of_the_published_document(base: str, socket: str) -> None:
    assert socket_of(base) == socket


def test_the_environment_has_the_key_and_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_API_KEY", "kin_1")
    monkeypatch.setenv("KINORA_BASE_URL", "https://studio.example.com/")
    with Kinora() as client:
        assert client.films


@pytest.mark.parametrize(("key", "base"), [("", "https://studio.example.com"), ("kin_1", "studio.example.com")])
def test_a_client_without_a_key_or_with_half_an_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, key: str, base: str
) -> None:
    monkeypatch.delenv("KINORA_API_KEY", raising=False)
    with pytest.raises(KinoraError):
        Kinora(key, base)
