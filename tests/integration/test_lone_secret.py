"""The authorizer's read of the verification keys, which no client of botocore sends."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from infra.functions import AUTHORIZER
from shared.aws import lone_secret as module
from shared.aws.lone_secret import SecretNotRead, lone_secret

KEYS = "access-token-verification-keys"
REFUSAL = (400, {"__type": "AccessDeniedException", "Message": "no"})
TEXT = (200, {"SecretString": "{}"})
ROLE = {"AccessKeyId": "ROLE", "SecretAccessKey": "s", "Token": "of-the-snapshot", "Expiration": "2999-01-01T00:00:00Z"}


class Aws(ThreadingHTTPServer):
    """Secrets Manager, with its planned answers, and the URL of a role's credentials."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.answers: list[tuple[int, object]] = []
        self.requests: list[tuple[dict[str, str], object]] = []  # headers and body of each read of a secret

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Request(BaseHTTPRequestHandler):
    server: Aws

    def do_GET(self) -> None:
        allowed = self.headers["Authorization"] == "of-the-sandbox"
        self._answer(200 if allowed else 403, ROLE)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((dict(self.headers), body))
        self._answer(*self.server.answers.pop(0))

    def _answer(self, status: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's own name
        """Discard the log line."""


@contextmanager
def _listening() -> Iterator[Aws]:
    with Aws() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """Secrets Manager on loopback, for a function with the keys of its role in its environment."""
    lone_secret.cache_clear()
    monkeypatch.setattr(module, "_WAIT_SECONDS", 0.001)
    with _listening() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_SESSION_TOKEN", "of-the-role")
        yield server
    lone_secret.cache_clear()


def test_the_authorizer_may_read_the_keys() -> None:
    """The tests of grants observe clients only."""
    assert KEYS in AUTHORIZER.may.secrets


def test_a_secret_is_read_once_with_the_signature_of_the_role(aws: Aws) -> None:
    aws.answers = [TEXT]
    assert [lone_secret(KEYS), lone_secret(KEYS)] == ["{}", "{}"]
    [(headers, body)] = aws.requests
    assert body == {"SecretId": f"kinora/test/{KEYS}"}
    assert headers["X-Amz-Target"] == "secretsmanager.GetSecretValue"
    assert headers["X-Amz-Security-Token"] == "of-the-role"
    scope, signed, _signature = headers["Authorization"].split(", ")
    assert scope.startswith("AWS4-HMAC-SHA256 Credential=nobody/")
    assert scope.endswith("/us-east-1/secretsmanager/aws4_request")
    assert signed == "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target"


def test_a_function_of_a_snapshot_signs_with_the_credentials_that_its_sandbox_gives(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{aws.url}/credentials")
    monkeypatch.setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of-the-sandbox")
    aws.answers = [TEXT]
    lone_secret(KEYS)
    [(headers, _body)] = aws.requests
    assert headers["X-Amz-Security-Token"] == "of-the-snapshot"
    assert "Credential=ROLE/" in headers["Authorization"]


def test_a_read_that_fails_is_measured_and_repeated(aws: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    aws.answers = [(500, {}), REFUSAL, TEXT]
    assert lone_secret(KEYS) == "{}"
    assert capsys.readouterr().out.count('"StoreFailures":[') == 2


def test_a_secret_that_cannot_be_read_is_not_remembered(aws: Aws) -> None:
    aws.answers = [REFUSAL] * 4
    with pytest.raises(SecretNotRead, match="AccessDenied"):
        lone_secret(KEYS)
    aws.answers = [TEXT]
    assert lone_secret(KEYS) == "{}"


def test_a_service_that_does_not_listen_is_tried_again(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    with _listening() as gone:
        monkeypatch.setenv("AWS_ENDPOINT_URL", gone.url)
    with pytest.raises(SecretNotRead, match="EndpointConnectionError"):
        lone_secret(KEYS)
