"""The laptop cloud as processes: moto and the gateway with the real functions, without workers."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config
from botocore.signers import CloudFrontSigner
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from functions.pipeline.signal import MAX_ATTEMPTS
from infra import edge
from local.cloud import Cloud, CloudFailed, laptop_cloud
from local.environment import MEDIA_BUCKET, MEDIA_KEY_ID, ROOT
from local.keys import media_signing_key
from local.processes import listen
from local.studio import StudioClient, StudioError
from tests.support.variants import few_quick


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with laptop_cloud(folder=tmp_path_factory.mktemp("kinora"), with_workers=False) as running:
        yield running


@pytest.fixture(scope="module")
def ada(cloud: Cloud) -> Iterator[StudioClient]:
    creator = StudioClient(cloud.api_url, cloud.socket_url, cloud.outbox_url)
    creator.sign_up("ada@example.com", "correct horse battery")
    yield creator
    creator.close()


def _eventually(true: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.05)
    return False


def _signed(cloud: Cloud, key: str, prefix: str, expires_in: float = 60) -> str:
    pem = media_signing_key(cloud.folder / "keys")
    private: Any = serialization.load_pem_private_key(pem.encode(), None)
    sha1 = hashes.SHA1()  # noqa: S303  # CloudFront accepts no other hash
    signer = CloudFrontSigner(MEDIA_KEY_ID, lambda text: private.sign(text, padding.PKCS1v15(), sha1))
    resource = f"{cloud.api_url}/media/{prefix}*"
    policy = signer.build_policy(resource, datetime.now(UTC) + timedelta(seconds=expires_in))
    query = signer.generate_presigned_url(resource, policy=policy).partition("?")[2]
    return f"{cloud.api_url}/media/{key}?{query}"


def test_a_job_runs_its_state_machine_and_its_end_reaches_the_socket(cloud: Cloud, ada: StudioClient) -> None:
    job = ada.submit({"projectId": ada.create_project("Sea"), "prompt": "a lighthouse", "settings": {"duration": 3}})
    queue = cloud.environment["KINORA_QUEUE_URL_PREFIX"] + "image-generation"
    task = cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"][0]
    assert json.loads(task["Body"])["jobId"] == job["id"]

    events = ada.events(job["id"])
    next(events)
    ada.cancel(job["id"])
    numbered = [(event["seq"], event["status"]) for event in events if event["type"] == "job.progress"]
    assert numbered[-1] == (ada.job(job["id"])["seq"], "CANCELLED")


def test_a_dead_letter_ends_its_job(cloud: Cloud, ada: StudioClient) -> None:
    job = ada.submit({"projectId": ada.create_project("Sea"), "prompt": "a lighthouse", "settings": {"duration": 3}})
    sqs, prefix = cloud.client("sqs"), cloud.environment["KINORA_QUEUE_URL_PREFIX"]
    task = sqs.receive_message(QueueUrl=f"{prefix}image-generation", WaitTimeSeconds=10)["Messages"][0]
    cloud.client("dynamodb").update_item(
        TableName="kinora-local-jobs",
        Key={"job_id": {"S": job["id"]}},
        UpdateExpression="SET steps.i.n = :all",
        ExpressionAttributeValues={":all": {"N": str(MAX_ATTEMPTS)}},
    )
    sqs.send_message(QueueUrl=f"{prefix}image-generation-dlq", MessageBody=task["Body"])
    assert _eventually(lambda: ada.job(job["id"])["status"] == "FAILED", 20)


def test_a_plan_is_bought_changed_and_ended_on_the_pages_of_the_fake_stripe(cloud: Cloud, ada: StudioClient) -> None:
    """The events reach the webhook, and the queue's reader, as those of Stripe do."""
    pages = httpx.Client(follow_redirects=True, trust_env=False, timeout=30)

    def subscription() -> dict[str, Any]:
        return ada.call("GET", "/api/billing/subscription")

    def page_of(path: str, body: dict[str, Any] | None = None) -> str:
        return str(ada.call("POST", f"/api/billing/{path}", body)["url"])

    page = page_of("checkout", {"plan": "PRO"})
    assert "29.00 USD" in pages.get(page).text
    assert "declined" in pages.post(page, data={"action": "decline"}).text
    assert "Back to Kinora" in pages.post(page, data={"action": "pay"}).text
    assert _eventually(lambda: subscription()["plan"] == "PRO", 20)
    assert subscription()["creditsAvailable"] >= 3000

    confirm = page_of("checkout", {"plan": "ENTERPRISE"})
    assert "kinora-enterprise-monthly: active" in pages.post(confirm, data={"action": "confirm"}).text
    assert _eventually(lambda: subscription()["plan"] == "ENTERPRISE", 20)
    portal = page_of("portal")
    pages.post(portal, data={"action": "cancel"})
    assert _eventually(lambda: subscription()["cancelAtPeriodEnd"] is True, 20)
    pages.post(portal, data={"action": "renew"})
    assert _eventually(lambda: subscription()["status"] == "CANCELLED", 20)


def test_media_needs_a_signature_and_comes_in_ranges(cloud: Cloud) -> None:
    body = bytes(range(256)) * 400
    cloud.client("s3").put_object(
        Bucket=MEDIA_BUCKET, Key="jobs/a/film é.mp4", Body=body, ContentType="video/mp4", CacheControl="private"
    )
    url = _signed(cloud, "jobs/a/film%20%C3%A9.mp4", "jobs/a/")
    whole = httpx.get(url)
    assert (whole.status_code, whole.content == body) == (200, True)
    assert whole.headers["content-type"] == "video/mp4"
    assert "access-control-allow-origin" not in whole.headers
    part = httpx.get(url, headers={"Range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, body[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(body)}"
    assert httpx.get(url, headers={"Range": f"bytes={len(body)}-"}).status_code == 416
    head = httpx.head(url)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(body)))

    for refused in (
        url.partition("?")[0],
        url.replace("jobs/a/", "jobs/b/", 1),
        _signed(cloud, "jobs/a/film%20%C3%A9.mp4", "jobs/a/", expires_in=-1),
        _signed(cloud, "jobs/a/..%2Fb/film.mp4", "jobs/a/"),
    ):
        answer = httpx.get(refused)
        assert (answer.status_code, answer.json()["code"]) == (403, "signature_refused")
    assert httpx.get(_signed(cloud, "jobs/a/none.mp4", "jobs/a/")).status_code == 404


@pytest.mark.parametrize("path", ["/api/presets", "/api/nothing", "/media/jobs/a/none.mp4", "/media/unsigned"])
def test_answers_have_the_headers_of_the_deployed_edge(cloud: Cloud, path: str) -> None:
    answer = httpx.get(cloud.api_url + path)
    assert dict(answer.headers) == dict(answer.headers) | lower(edge.headers(path.split("/")[1]))
    assert "access-control-allow-origin" not in answer.headers


def lower(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("name", ["Authorization", "Idempotency-Key", "User-Agent", "Cookie", "Origin", "X-Other"])
def test_a_header_byte_that_is_not_utf8_is_no_fault_of_the_server(cloud: Cloud, name: str) -> None:
    connection = http.client.HTTPConnection(cloud.api_url.removeprefix("http://"), timeout=10)
    headers: dict[str, str | bytes] = {"Authorization": "Bearer x", "Content-Length": "0", name: b"a\xffb"}
    for path in ("/api/auth/refresh", "/api/projects"):
        connection.request("POST", path, headers=headers)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        assert (400 <= answer.status < 500, body["status"]) == (True, answer.status), (path, body)


def test_pictures_of_presets_have_the_origin_of_the_studio(cloud: Cloud, ada: StudioClient) -> None:
    preset = ada.preset("crash-zoom-in")
    for path, kind in ((preset["thumbnail"], "image/jpeg"), (preset["preview"], "image/webp")):
        answer = httpx.get(cloud.api_url + path)
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert len(answer.content) > 1000


def test_an_upload_form_accepts_only_its_declared_upload(cloud: Cloud) -> None:
    s3 = boto3.client(  # the client that makes the form, with the gateway as its S3
        "s3",
        endpoint_url=f"{cloud.api_url}/s3",
        aws_access_key_id=cloud.environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud.environment["AWS_SECRET_ACCESS_KEY"],
        config=Config(signature_version="s3v4"),
    )
    form = s3.generate_presigned_post(
        MEDIA_BUCKET,
        "quarantine/a",
        Fields={"Content-Type": "image/png"},
        Conditions=[{"Content-Type": "image/png"}, ["content-length-range", 1, 2_000_000]],
    )

    def post(content: bytes, **changed: str) -> httpx.Response:
        return httpx.post(form["url"], data=form["fields"] | changed, files={"file": ("a.png", content, "image/png")})

    assert post(b"x" * 2_000_000).status_code == 204
    stored = cloud.client("s3").get_object(Bucket=MEDIA_BUCKET, Key="quarantine/a")
    assert (stored["ContentType"], stored["ContentLength"]) == ("image/png", 2_000_000)
    large = post(b"x" * 2_000_001)
    assert (large.status_code, "<Code>EntityTooLarge</Code>" in large.text) == (400, True)
    assert "<Code>EntityTooSmall</Code>" in post(b"").text
    moved = post(b"x", key="quarantine/b")
    assert (moved.status_code, "<Code>AccessDenied</Code>" in moved.text) == (403, True)
    assert cloud.client("s3").list_objects_v2(Bucket=MEDIA_BUCKET, Prefix="quarantine/")["KeyCount"] == 1


def test_a_socket_without_a_token_is_refused(cloud: Cloud) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(cloud.socket_url, proxy=None):
        pass
    assert refused.value.response.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"}, {"Host": "evil.test"}, {"Host": "127.0.0.1.evil.test:8700"},
    ],
    ids=str,
)  # fmt: skip
def test_a_web_page_reads_nothing_from_the_laptop(cloud: Cloud, headers: dict[str, str]) -> None:
    """Any page can send requests to the ports of the computer, and moto would return the keys to it."""
    credential = "AWS4-HMAC-SHA256 Credential=any/20261127/us-east-1/secretsmanager/aws4_request, Signature=any"
    read = {"X-Amz-Target": "secretsmanager.GetSecretValue", "Authorization": credential}
    asked = json.dumps({"SecretId": "kinora/local/refresh-token-key"})
    for sent, status in ((read, 200), (read | headers, 403)):
        answer = httpx.post(cloud.moto_url, headers=sent, content=asked)
        assert (answer.status_code, "SecretString" in answer.text) == (status, status == 200)
    assert httpx.get(f"{cloud.moto_url}/{MEDIA_BUCKET}", headers=headers).status_code == 403
    connection = "/socket/@connections/x"
    assert httpx.post(cloud.api_url + connection).status_code == 410
    for path in (connection, "/functions/kinora-local-authorizer/invocations"):
        assert httpx.post(cloud.api_url + path, headers=headers, content="{}").status_code == 403


def test_the_gateway_answers_under_its_own_names_only(cloud: Cloud) -> None:
    """With DNS rebinding, a page of another name has the origin of the gateway."""
    port = cloud.api_url.rpartition(":")[2]
    for host, status in ((f"localhost:{port}", 200), (f"[::1]:{port}", 200), (f"evil.test:{port}", 403), ("[", 403)):
        assert httpx.get(f"{cloud.api_url}/docs", headers={"Host": host}).status_code == status, host


def test_a_socket_of_another_sites_page_is_refused(cloud: Cloud, ada: StudioClient) -> None:
    headers = {"Authorization": f"Bearer {ada._token}"}
    with connect(cloud.socket_url, additional_headers=headers, origin=Origin(cloud.api_url), proxy=None):
        pass
    for origin in ("https://evil.test", "http://localhost:1"):
        with (
            pytest.raises(InvalidStatus) as refused,
            connect(cloud.socket_url, additional_headers=headers, origin=Origin(origin), proxy=None),
        ):
            pass
        assert refused.value.response.status_code == 403


def test_an_invited_user_joins_an_organization_with_the_token_of_the_outbox(cloud: Cloud, ada: StudioClient) -> None:
    team = ada.call("POST", "/api/teams", {"name": "Harbour Films", "slug": "harbour-films"})["id"]
    ada.call("POST", f"/api/teams/{team}/members/invite", {"email": "bob@example.com"})
    sent, *_ = httpx.get(cloud.outbox_url, trust_env=False).json()
    assert sent["to"] == ["bob@example.com"]
    assert sent["subject"] == "You are invited to Harbour Films on Kinora"
    token = sent["html"].partition("#token=")[2].partition('"')[0]
    bob = StudioClient(cloud.api_url, cloud.socket_url, cloud.outbox_url)
    bob.sign_up("bob@example.com", "correct horse battery")
    assert bob.call("POST", "/api/teams/accept", {"token": token})["role"] == "MEMBER"
    bob.close()


def test_a_browser_opens_one_socket_with_a_ticket(cloud: Cloud, ada: StudioClient) -> None:
    url = f"{cloud.socket_url}?ticket={ada.call('POST', '/api/auth/ws-ticket')['ticket']}"
    with connect(url, proxy=None) as socket:
        socket.send('{"type": "ping"}')
        assert json.loads(socket.recv(20))["type"] == "pong"
    with pytest.raises(InvalidStatus) as refused, connect(url, proxy=None):
        pass
    assert refused.value.response.status_code == 401


def test_the_client_signs_in_again_after_its_token_expired(ada: StudioClient) -> None:
    ada._token = "an.expired.token"
    assert ada.me()["email"] == "ada@example.com"


def test_a_refusal_is_shown_as_one_sentence(ada: StudioClient) -> None:
    with pytest.raises(StudioError, match="Did you mean crash-zoom-in"):
        ada.preset("crash-zom-in")


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with listen() as listener:
        port = listener.getsockname()[1]
        with pytest.raises(CloudFailed, match=f"Port {port} cannot be used"), laptop_cloud(port=port, folder=tmp_path):
            pass
        ran = subprocess.run(  # noqa: S603  # our own module
            [sys.executable, "-m", "local.dev", "--port", str(port)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ran.returncode == 1
    assert f"Port {port} cannot be used" in ran.stdout
    assert "Traceback" not in ran.stdout + ran.stderr


_PARENT = """
import signal, sys, time
from pathlib import Path
from functions.pipeline.signal import MAX_ATTEMPTS
from local.cloud import laptop_cloud
signal.signal(signal.SIGINT, signal.default_int_handler)  # background processes inherit an ignored SIGINT
with laptop_cloud(folder=Path(sys.argv[1]), with_workers=False) as cloud:
    print(*(process.pid for process in cloud.services), flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("number", few_quick([signal.SIGKILL, signal.SIGINT], 1))
def test_the_processes_end_with_their_parent(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", _PARENT, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as parent:  # noqa: S603  # our own program
        assert parent.stdout is not None
        pids = parent.stdout.readline().split()
        assert len(pids) == 2
        parent.send_signal(number)
        parent.wait(10)
    assert _eventually(lambda: not any(_runs(pid) for pid in pids))


def _runs(pid: str) -> bool:
    state = subprocess.run(["ps", "-o", "stat=", "-p", pid], capture_output=True, text=True, check=False).stdout  # noqa: S603, S607  # ps is on every system
    return bool(state.strip()) and not state.startswith("Z")


def test_a_stopped_cloud_can_be_stopped_again(tmp_path: Path) -> None:
    with laptop_cloud(folder=tmp_path, with_workers=False) as running:
        port = int(running.api_url.rpartition(":")[2])
        running.stop()
        running.stop()
        assert not any(process.alive for process in running.services)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", port)) != 0
