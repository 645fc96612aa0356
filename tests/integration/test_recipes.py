"""The receivers of docs/recipes, with events that the deployment signs and sends."""

import base64
import importlib.util
from collections.abc import Iterator
from types import ModuleType

import pytest
from fastapi.testclient import TestClient

from local.environment import ROOT
from tests.integration.test_webhooks import completed_job, handle_queued, hook, notify_all
from tests.support.receiver import ReceivedWebhook, Receiver, receiver
from tests.support.studio import Creator, Studio

RECIPES = ROOT / "docs" / "recipes"


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


def recipe(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_fastapi_receiver_handles_an_event_once_and_refuses_a_changed_one(sent: ReceivedWebhook) -> None:
    module = recipe("webhook_fastapi")
    signed = {name: text for name, text in sent.headers.items() if name.startswith("webhook-")}
    with TestClient(module.app) as client:
        statuses = [client.post("/kinora", content=sent.body, headers=signed).status_code for _ in range(2)]
        changed = client.post("/kinora", content=sent.body + " ", headers=signed)
    assert statuses == [204, 204]
    assert changed.status_code == 400
    assert [film["status"] for film in module.films] == ["COMPLETED"]


def test_the_lambda_receiver_handles_plain_and_encoded_bodies(
    sent: ReceivedWebhook, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = recipe("webhook_lambda").handler
    encoded = base64.b64encode(sent.body.encode()).decode()
    for event in ({"body": sent.body}, {"body": encoded, "isBase64Encoded": True}):
        assert handler({**event, "headers": sent.headers}, None) == {"statusCode": 204}
    assert capsys.readouterr().out.count("ready: job_") == 2
    assert handler({"body": sent.body + " ", "headers": sent.headers}, None)["statusCode"] == 400
