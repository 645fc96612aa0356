"""Webhooks of providers: a signed one starts the next poll, and nothing else does. Polls find the end without them."""

import json
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from functions.pipeline import provider_webhook
from functions.pipeline.dispatch import handler as dispatch
from local.imitation import fal, flux
from local.imitation.app import imitation
from local.imitation.service import Service
from shared.aws import clients, media, secrets
from shared.core.clock import utc_now
from shared.jobs.record import JobStatus, StepTicketRecord
from shared.jobs.store import jobs
from shared.jobs.tickets import tickets
from shared.stages.engines import engine
from shared.stages.requests import ImageGenerationJob
from shared.stages.stages import Stage
from tests.integration.test_remote_engines import GOOD, take
from tests.support.fal import CLIP
from tests.support.provider_requests import Files
from tests.support.steps import complete_step
from tests.support.studio import Creator, Studio
from workers.engines.image_generation.flux import FluxPicture
from workers.engines.provider import Provider
from workers.runtime.lambda_entry import RemoteRunner

VIDEO, IMAGE = Stage.VIDEO_SYNTHESIS, Stage.IMAGE_GENERATION
NOWHERE = "http://127.0.0.1:9/"
PICTURE = b"\x89PNG\r\n\x1a\n" + b"a picture" * 20


class UrlOfFunction(BaseHTTPRequestHandler):
    """The URL of the function, which Lambda would serve."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(call(self.path, {name.lower(): value for name, value in self.headers.items()}, body))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's name
        """Discard the log line."""


def call(path: str, headers: Mapping[str, str], body: bytes) -> int:
    lowered = {name.lower(): value for name, value in headers.items()}
    event = {"rawPath": path, "headers": lowered, "body": b64encode(body).decode(), "isBase64Encoded": True}
    return int(provider_webhook.handler(event, None)["statusCode"])


@contextmanager
def url_of_function() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), UrlOfFunction) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


@pytest.fixture
def provider(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with imitation(lambda one: PICTURE if one.provider == "flux" else CLIP) as service:
        monkeypatch.setenv("KINORA_FAL_URL", f"{service.url}/fal")
        monkeypatch.setenv("KINORA_FAL_JWKS_URL", f"{service.url}/fal/.well-known/jwks.json")
        monkeypatch.setenv("KINORA_FLUX_URL", f"{service.url}/flux")
        monkeypatch.setenv("KINORA_PROVIDER_WEBHOOK_URL", NOWHERE)
        keys = ("kinora/test/fal-key", "kinora/test/flux-key")
        for key in keys:
            clients.secretsmanager().create_secret(Name=key, SecretString="a-key")
        yield service
        for key in keys:
            clients.secretsmanager().delete_secret(SecretId=key, ForceDeleteWithoutRecovery=True)
        secrets.secret.cache_clear()


def dispatched(ada: Creator) -> str:
    asked = {"engines": {"VIDEO_SYNTHESIS": "fal-pika"}, "duration": 5, "onMissedMove": "keep"}  # no worker checks it
    made = str(ada.job(ada.project(), **asked)["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    dispatch({"jobId": made, "stage": VIDEO.value, "taskToken": "token-1"}, None)
    return made


def messages() -> tuple[str, str]:
    """Wait for the webhook's message. Return it and the message of the next poll, which is a minute away."""
    found, deadline = take(), time.monotonic() + 20
    while len(found) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        found += take()
    (called, at_once), (poll, later) = sorted(found, key=lambda each: each[1])
    assert at_once <= 0  # moto has no time of delay for a message without one
    assert later == 60
    return called, poll


@pytest.fixture
def job_id(provider: Service, ada: Creator) -> str:
    """A job whose clip is submitted to fal. Its next poll is far away."""
    made = dispatched(ada)
    [(task, _)] = take()
    RemoteRunner().handle(task)
    return made


def sent(job_id: str, provider: Service, **changes: Any) -> int:
    """Send the webhook of the job's request, and return the status of the answer."""
    request_id = changes.get("request_id", provider.requests[0].id)
    body = changes.get("body", json.dumps({"request_id": request_id, "status": "OK"}).encode())
    at = int(utc_now().timestamp()) - changes.get("age", 0)
    headers = fal.signed(request_id, body, at=at) | changes.get("headers", {})
    return call(changes.get("path", f"/fal/{job_id}/VIDEO_SYNTHESIS"), headers, changes.get("arrived", body))


def test_a_film_is_ready_when_the_provider_says_so_and_not_at_the_next_poll(
    studio: Studio, provider: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with url_of_function() as url:
        monkeypatch.setenv("KINORA_PROVIDER_WEBHOOK_URL", url)
        made = dispatched(ada)
        [(task, _)] = take()
        RemoteRunner().handle(task)
        called, poll = messages()
    RemoteRunner().handle(called)
    assert jobs.get(made).step(VIDEO).status == JobStatus.COMPLETED
    RemoteRunner().handle(poll)
    assert (len(provider.requests), set(studio.cloud.answers)) == (1, {GOOD})


def test_a_webhook_that_arrives_twice_polls_once(studio: Studio, provider: Service, job_id: str) -> None:
    take()
    assert [sent(job_id, provider) for _ in range(2)] == [204, 204]
    [(first, _), (second, _)] = take()
    assert first == second
    for body in (first, second):
        RemoteRunner().handle(body)
    assert (jobs.get(job_id).step(VIDEO).attempts, set(studio.cloud.answers)) == (1, {GOOD})


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"age": 301}, 401),
        ({"age": -301}, 401),
        ({"arrived": b'{"request_id": "another"}'}, 401),
        ({"headers": {"X-Fal-Webhook-Request-Id": "fal-2"}}, 401),
        ({"headers": {"X-Fal-Webhook-User-Id": "user-2"}}, 401),
        ({"headers": {"X-Fal-Webhook-Timestamp": "soon"}}, 401),
        ({"headers": {"X-Fal-Webhook-Signature": "00" * 64}}, 401),
        ({"headers": {"X-Fal-Webhook-Signature": "no hex"}}, 401),
        ({"headers": {"X-Fal-Webhook-Signature": ""}}, 401),
        ({"body": b"[]"}, 400),
        ({"body": b"not json"}, 400),
        ({"request_id": "fal-99"}, 404),
        ({"path": "/fal/job_unknown/VIDEO_SYNTHESIS"}, 404),
        ({"path": "/runway/job_unknown/VIDEO_SYNTHESIS"}, 404),
        ({"path": "/fal/job_unknown/VIDEO"}, 404),
        ({"path": "/fal//VIDEO_SYNTHESIS"}, 404),
        ({"path": "/"}, 404),
    ],
)
def test_another_request_starts_no_poll(
    provider: Service, job_id: str, changes: Mapping[str, Any], status: int
) -> None:
    take()
    assert (sent(job_id, provider, **changes), take()) == (status, [])


def test_a_request_without_a_signature_or_with_that_of_another_key_starts_no_poll(
    provider: Service, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    take()
    body = json.dumps({"request_id": provider.requests[0].id}).encode()
    assert call(f"/fal/{job_id}/VIDEO_SYNTHESIS", {}, body) == 401
    provider_webhook._key_client(f"{provider.url}/fal/.well-known/jwks.json").get_jwk_set()
    monkeypatch.setattr(fal, "_KEY", Ed25519PrivateKey.generate())
    assert (sent(job_id, provider), take()) == (401, [])


def test_a_webhook_before_the_ticket_is_refused_so_that_the_provider_sends_it_again(
    provider: Service, job_id: str
) -> None:
    take()
    tickets.close(job_id, VIDEO, attempt=str(jobs.get(job_id).step(VIDEO).attempt))
    assert (sent(job_id, provider), take()) == (404, [])


def test_a_webhook_after_the_end_of_the_step_changes_nothing(studio: Studio, provider: Service, job_id: str) -> None:
    [(poll, _)] = take()
    RemoteRunner().handle(poll)
    before = studio.dump()
    assert sent(job_id, provider) == 204
    [(late, _)] = take()
    RemoteRunner().handle(late)
    assert set(studio.cloud.answers) == {GOOD}
    after = studio.dump()
    assert {name: rows for name, rows in after.items() if "ticket" not in name} == {
        name: rows for name, rows in before.items() if "ticket" not in name
    }


def test_the_stored_message_is_deleted_with_its_job(
    studio: Studio, provider: Service, job_id: str, ada: Creator
) -> None:
    assert [key for key in media.keys(f"work/{job_id}/") if key.endswith("/polls/next.json")] != []
    take()
    assert ada.post(f"/api/jobs/{job_id}/cancel").status == 200
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    assert [*media.keys(f"work/{job_id}/")] == []
    assert (sent(job_id, provider), take()) == (404, [])


def test_without_the_stored_message_polls_find_the_end(studio: Studio, provider: Service, job_id: str) -> None:
    [(poll, _)] = take()
    [key] = [key for key in media.keys(f"work/{job_id}/") if key.endswith("/polls/next.json")]
    media.delete(key, client=clients.s3())
    assert (sent(job_id, provider), take()) == (404, [])
    RemoteRunner().handle(poll)
    assert studio.cloud.answers == [GOOD]


def test_a_webhook_for_a_request_of_another_provider_starts_no_poll(provider: Service, job_id: str) -> None:
    take()
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    held.update([StepTicketRecord.engine.set("runway-gen4.5"), StepTicketRecord.ticket.set("no JSON")])
    assert (sent(job_id, provider), take()) == (404, [])


# --- FLUX signs with a secret that it received with the request


def painting(ada: Creator) -> str:
    """Return a job whose picture is submitted to FLUX."""
    made = str(ada.job(ada.project(), engines={"IMAGE_GENERATION": "flux-pro"})["id"])
    dispatch({"jobId": made, "stage": IMAGE.value, "taskToken": "token-1"}, None)
    [(task, _)] = take()
    RemoteRunner().handle(task)
    return made


def test_a_picture_of_flux_is_ready_when_its_webhook_says_so(
    studio: Studio, provider: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with url_of_function() as url:
        monkeypatch.setenv("KINORA_PROVIDER_WEBHOOK_URL", url)
        made = painting(ada)
        called, _ = messages()
    RemoteRunner().handle(called)
    assert jobs.get(made).step(IMAGE).status == JobStatus.COMPLETED
    assert (len(provider.requests), set(studio.cloud.answers)) == (1, {GOOD})


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 204),
        ({"secret": "another"}, 401),
        ({"secret": ""}, 401),
        ({"arrived": b'{"id": "flux-1", "status": "Error"}'}, 401),
        ({"headers": {}}, 401),
        ({"headers": {"X-BFL-Signature": "sha256="}}, 401),
        ({"headers": {"X-BFL-Signature": "00" * 32}}, 401),
        ({"body": b"[]"}, 400),
        ({"body": b'{"id": "flux-99"}'}, 404),
        ({"stage": VIDEO}, 404),
    ],
)
def test_only_the_secret_of_the_request_starts_a_poll(
    provider: Service, ada: Creator, changes: Mapping[str, Any], status: int
) -> None:
    made = painting(ada)
    take()
    secret = str(provider.requests[0].body["webhook_secret"])
    body = changes.get("body", b'{"id": "flux-1", "status": "Ready"}')
    headers = changes.get("headers", flux.signed(body, changes.get("secret", secret)))
    path = f"/flux/{made}/{changes.get('stage', IMAGE)}"
    assert call(path, headers, changes.get("arrived", body)) == status
    assert len(take()) == (status == 204)


def test_the_secret_of_a_webhook_does_not_tell_the_proof_of_its_task(provider: Service, ada: Creator) -> None:
    made = painting(ada)
    [(poll, _)] = take()
    proof = json.loads(poll)["task"]["proof"]
    assert proof
    assert proof not in json.dumps(dict(provider.requests[0].body))
    held = tickets.get(made, IMAGE)
    assert held is not None
    assert str(provider.requests[0].body["webhook_secret"]) not in str(held.ticket)


def test_a_ticket_that_names_no_request_waits_for_no_webhook(provider: Service, ada: Creator) -> None:
    made = painting(ada)
    take()
    held = tickets.get(made, IMAGE)
    assert held is not None
    held.update([StepTicketRecord.ticket.set('{"poll": "https://api.bfl.ai/v1/get_result?id=flux-1"}')])
    body = b'{"id": "flux-1", "status": "Ready"}'
    headers = flux.signed(body, str(provider.requests[0].body["webhook_secret"]))
    assert (call(f"/flux/{made}/{IMAGE}", headers, body), take()) == (404, [])


@pytest.mark.parametrize(
    ("answer", "poll"),
    [
        ({"id": "flux-1", "polling_url": "https://api.eu.bfl.ai/v1/get_result?id=flux-1"}, "https://api.eu.bfl.ai"),
        ({"polling_url": "https://api.eu.bfl.ai/v1/get_result?id=flux-1"}, "https://api.eu.bfl.ai"),
        ({"id": "flux-1", "status": "Pending", "webhook_url": NOWHERE}, "https://api.bfl.ai"),
    ],
)
def test_each_answer_that_can_be_polled_is_a_ticket(
    answer: Mapping[str, str], poll: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Provider, "submit", lambda *_, **__: answer)
    request = ImageGenerationJob(
        job_id="job_1", user_id="usr_1", prompt="a lake", aspect_ratio="16:9", width=1280, height=720, seed=1
    )
    ticket = json.loads(FluxPicture(engine(IMAGE, "flux-pro")).submit(request, Files()))
    assert ticket["poll"] == f"{poll}/v1/get_result?id=flux-1"
