"""moto's server keeps connections open after each answer, and serves while the state machine is made."""

import threading
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from local.environment import HOST
from local.moto_server import after, server


def _answer(environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
    """Leave the body unread, or repeat it, or raise."""
    match environ["PATH_INFO"]:
        case "/raise":
            raise RuntimeError
        case "/read":
            content = environ["wsgi.input"].read()
        case _:
            content = b"unread"
    start("200 OK", [("Content-Length", str(len(content)))])
    return [content]


@pytest.fixture
def connection() -> Iterator[HTTPConnection]:
    served: Any = server(_answer)
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    connection = HTTPConnection(HOST, served.port, timeout=5)
    yield connection
    connection.close()
    served.shutdown()
    thread.join()
    served.server_close()


def test_all_requests_of_a_client_use_one_connection(connection: HTTPConnection) -> None:
    connection.connect()
    connection.auto_open = 0  # a closed connection is an error
    chunks = iter([b"in ", b"chunks"])
    requests: list[tuple[str, str, Any, int, bytes]] = [
        ("POST", "/leave", b"x" * 100_000, 200, b"unread"),
        ("POST", "/raise", b"x", 500, b""),
        ("PUT", "/read", b"body", 200, b"body"),
        ("PUT", "/read", chunks, 200, b"in chunks"),
        ("HEAD", "/leave", None, 200, b""),
        ("GET", "/leave", None, 200, b"unread"),
    ]
    for method, path, body, status, content in requests:
        connection.request(method, path, body, encode_chunked=body is chunks)
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (status, content), (method, path)


# --- the state machine, which follows


def asked(created: threading.Event, target: str, answers: list[str]) -> threading.Thread:
    def application(_environ: Any, _start: Any) -> list[bytes]:
        answers.append(target)
        return []

    request = {"HTTP_X_AMZ_TARGET": target}
    thread = threading.Thread(target=after(created, application), args=(request, None))
    thread.start()
    return thread


def test_a_job_that_starts_at_once_finds_its_state_machine() -> None:
    created, answers = threading.Event(), list[str]()
    waiting = asked(created, "AWSStepFunctions.StartExecution", answers)
    asked(created, "DynamoDB_20120810.GetItem", answers).join(5)
    waiting.join(0.2)
    assert answers == ["DynamoDB_20120810.GetItem"]
    created.set()
    waiting.join(5)
    assert answers == ["DynamoDB_20120810.GetItem", "AWSStepFunctions.StartExecution"]
