"""The receivers of docs/recipes.md, with events that the deployment signs and sends."""

import base64
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from local.environment import ROOT
from tests.integration.test_webhooks import completed_job, handle_queued, hook, notify_all
from tests.support.receiver import ReceivedWebhook, Receiver, receiver
from tests.support.recipes import NODE, program_of, with_typescript_client
from tests.support.studio import Creator, Studio


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiver(monkeypatch) as one:
        yield one


@pytest.fixture
def sent(studio: Studio, ada: Creator, endpoint: Receiver, monkeypatch: pytest.MonkeyPatch) -> ReceivedWebhook:
    """The request about a completed job. The secret of its endpoint is in the environment."""
    monkeypatch.syspath_prepend(ROOT / "clients" / "python")  # the recipes import `kinora`
    monkeypatch.setenv("KINORA_WEBHOOK_SECRET", hook(ada, endpoint.url)["secret"])
    completed_job(ada)
    notify_all(studio)
    handle_queued(studio)
    [got] = endpoint.received
    return got


def recipe(title: str) -> dict[str, Any]:
    """Run the program below a heading of docs/recipes.md, and return its names."""
    names: dict[str, Any] = {"__name__": "recipe"}
    exec(compile(program_of(title), "docs/recipes.md", "exec"), names)  # noqa: S102  # our own page
    return names


def test_the_fastapi_receiver_handles_an_event_once_and_refuses_a_changed_one(sent: ReceivedWebhook) -> None:
    names = recipe("Webhooks with FastAPI")
    signed = {name: text for name, text in sent.headers.items() if name.startswith("webhook-")}
    with TestClient(names["app"]) as client:
        statuses = [client.post("/kinora", content=sent.body, headers=signed).status_code for _ in range(2)]
        changed = client.post("/kinora", content=sent.body + " ", headers=signed)
    assert statuses == [204, 204]
    assert changed.status_code == 400
    assert [film["status"] for film in names["films"]] == ["COMPLETED"]


def test_the_lambda_receiver_handles_plain_and_encoded_bodies(
    sent: ReceivedWebhook, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = recipe("Webhooks with Lambda")["handler"]
    encoded = base64.b64encode(sent.body.encode()).decode()
    for event in ({"body": sent.body}, {"body": encoded, "isBase64Encoded": True}):
        assert handler({**event, "headers": sent.headers}, None) == {"statusCode": 204}
    assert capsys.readouterr().out.count("ready: job_") == 2
    assert handler({"body": sent.body + " ", "headers": sent.headers}, None)["statusCode"] == 400


def test_the_node_receiver_handles_an_event_once_and_refuses_a_changed_one(
    sent: ReceivedWebhook, tmp_path: Path
) -> None:
    with_typescript_client(tmp_path)
    (tmp_path / "webhook.mjs").write_text(program_of("Webhooks with Node", "js"))
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = str(free.getsockname()[1])
    receiver = subprocess.Popen(  # noqa: S603  # our own program
        [NODE, "webhook.mjs"], cwd=tmp_path, env={**os.environ, "PORT": port}, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        signed = {name: text for name, text in sent.headers.items() if name.startswith("webhook-")}
        bodies = (sent.body, sent.body, sent.body + " ")
        statuses = [posted(f"http://127.0.0.1:{port}", body, signed).status_code for body in bodies]
    finally:
        os.killpg(receiver.pid, signal.SIGTERM)  # `node` of the environment starts the real one
        printed = receiver.communicate(timeout=60)[0]
    assert statuses == [204, 204, 400]
    assert printed.count("ready: job_") == 1


def posted(url: str, body: str, headers: dict[str, str]) -> httpx.Response:
    """Send a webhook, as soon as the receiver listens."""
    deadline = monotonic() + 60
    while True:
        try:
            return httpx.post(url, content=body, headers=headers, trust_env=False)
        except httpx.ConnectError:
            assert monotonic() < deadline
            sleep(0.05)
