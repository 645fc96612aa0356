"""The clients of AWS: the one that waits for a function of 15 minutes."""

import socket
from threading import Thread

import pytest
from botocore.exceptions import BotoCoreError

from shared.aws import clients


@pytest.mark.skipif(not hasattr(socket, "TCP_KEEPIDLE"), reason="another system has other names")
def test_a_silent_connection_sends_probes_and_a_lost_one_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeated call would do the work of a step twice."""
    options = list[tuple[int, ...]]()
    connect = socket.socket.connect

    def noted(one: socket.socket, address: tuple[str, int]) -> None:
        connect(one, address)
        read = one.getsockopt
        options.append((read(socket.SOL_SOCKET, socket.SO_KEEPALIVE), read(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)))

    monkeypatch.setattr(socket.socket, "connect", noted)
    with socket.create_server(("127.0.0.1", 0)) as server:
        calls = list[bytes]()

        def lose() -> None:
            server.settimeout(1)
            try:
                while True:
                    connection, _ = server.accept()
                    calls.append(connection.recv(65536))
                    connection.close()
            except TimeoutError:
                return

        thread = Thread(target=lose)
        thread.start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        clients.patient_functions.cache_clear()
        try:
            with pytest.raises(BotoCoreError):
                clients.patient_functions().invoke(FunctionName="isolated-steps", Payload=b"{}")
        finally:
            clients.patient_functions.cache_clear()
        thread.join()
    assert options == [(1, 60)]
    assert len(calls) == 1
