"""Assets that are imported from a URL or from a job's output, and searches of assets."""

import io
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from PIL import Image

from functions.assets import imports, verification
from functions.upkeep import sweep
from infra.functions import FUNCTIONS
from local.environment import ROOT
from shared.assets import store
from shared.assets.record import AssetRecord, AssetStatus, AssetType
from shared.assets.store import assets
from shared.aws import clients
from shared.core.clock import utc_now
from shared.egress import addresses
from shared.jobs import settlement
from shared.observability import logged
from shared.stages.queues import IMPORT_QUEUE, VERIFICATION_QUEUE
from tests.support.steps import complete_steps
from tests.support.studio import Answer, Creator, Studio
from workers.verification import main as verifier

BUCKET = "kinora-test-media"
IMPORT = {"url": "https://example.com/me.png", "name": "me.png", "type": "IMAGE"}


class Web(ThreadingHTTPServer):
    """A web server on loopback. `files` are its answers by path; a text is a redirect."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _WebRequest)
        self.files: dict[str, bytes | str] = {}
        self.asked: list[str] = []

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class _WebRequest(BaseHTTPRequestHandler):
    server: Web

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        found = self.server.files.get(self.path)
        body = found if isinstance(found, bytes) else b""
        self.send_response(404 if found is None else 302 if isinstance(found, str) else 200)
        if isinstance(found, str):
            self.send_header("Location", found)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def servers() -> Iterator[tuple[Web, Web]]:
    """Two web servers on loopback."""
    with Web() as one, Web() as other:
        for server in (one, other):
            Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield one, other
        one.shutdown()
        other.shutdown()


@pytest.fixture
def web(servers: tuple[Web, Web], monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """The server that imports may reach."""
    monkeypatch.setenv("KINORA_EGRESS_OPEN_TO", servers[0].host)
    addresses.open_hosts.cache_clear()
    yield servers[0]
    addresses.open_hosts.cache_clear()


@pytest.fixture
def inside(servers: tuple[Web, Web], monkeypatch: pytest.MonkeyPatch) -> Web:
    """A server that no import may reach, on a port that the rules would allow."""
    monkeypatch.setattr(addresses, "PORTS", frozenset({443, servers[1].server_address[1]}))
    return servers[1]


def png(size: tuple[int, int] = (640, 320)) -> bytes:
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, "PNG")
    return out.getvalue()


def run_imports(studio: Studio) -> list[Any]:
    """Handle all messages of the queue of imports, as Lambda does. Return the failures."""
    failures: list[Any] = []
    while delivery := studio.deliver(IMPORT_QUEUE):
        event = {"Records": [{"messageId": "m1", "body": delivery.body}]}
        failed = imports.handler(event, None)["batchItemFailures"]
        failures += failed
        if not failed:
            delivery.delete()
    return failures


def verify(studio: Studio) -> None:
    delivery = studio.deliver(VERIFICATION_QUEUE)
    assert delivery
    with logged():
        verifier.handle(delivery)


def imported(ada: Creator, url: str, **changed: Any) -> str:
    answer = ada.post("/api/assets/import", IMPORT | {"url": url} | changed)
    assert (answer.status, answer.body["status"]) == (202, "PENDING"), answer.body
    return str(answer.body["id"])


@pytest.mark.endpoint("POST /api/assets/import")
def test_a_picture_is_imported_verified_and_shown(studio: Studio, ada: Creator, web: Web) -> None:
    web.files = {"/a": f"http://{web.host}/b", "/b": png()}
    asset = imported(ada, f"http://{web.host}/a")
    assert run_imports(studio) == []
    assert ada.get(f"/api/assets/{asset}").body["status"] == "VERIFYING"
    verify(studio)
    shown = ada.get(f"/api/assets/{asset}").body
    assert (shown["status"], shown["width"], shown["contentType"]) == ("READY", 640, "image/png")
    stored = clients.s3().get_object(Bucket=BUCKET, Key=f"assets/{asset}/thumbnail.jpg")["Body"].read()
    assert Image.open(io.BytesIO(stored)).size == (480, 240)
    assert f"/assets/{asset}/thumbnail.jpg?" in shown["thumbnailUrl"]
    sweep.quarantine({}, None)
    assert not clients.s3().list_objects_v2(Bucket=BUCKET, Prefix="quarantine/").get("Contents")


@pytest.mark.parametrize(
    "url",
    ["http://example.com/a.png", "https://127.0.0.1/a", "https://[::1]/", "https://2130706433/", "https://0x7f.1/",
     "https://169.254.169.254/latest/meta-data", "https://a:b@example.com/", "file:///etc/passwd", "x"],
)  # fmt: skip
def test_an_unsafe_url_is_refused_at_once(studio: Studio, ada: Creator, url: str) -> None:
    before = studio.dump()
    answer = ada.post("/api/assets/import", IMPORT | {"url": url})
    assert (answer.status, answer.body["code"]) == (422, "unsafe_url")
    assert studio.dump() == before
    assert studio.messages(IMPORT_QUEUE) == []


@pytest.mark.parametrize("target", ["https://localhost:{}/", "https://127.0.0.1:{}/", "http://127.0.0.1:{}/"])
def test_a_redirect_into_the_network_is_refused(
    studio: Studio, ada: Creator, web: Web, inside: Web, target: str
) -> None:
    web.files = {"/a": target.format(inside.server_address[1])}
    asset = imported(ada, f"http://{web.host}/a")
    assert run_imports(studio) == []
    shown = ada.get(f"/api/assets/{asset}").body
    assert (shown["status"], shown["errorCode"], inside.asked) == ("REJECTED", "unsafe_url", [])


def test_a_name_with_a_private_address_is_refused(studio: Studio, ada: Creator, web: Web, inside: Web) -> None:
    asset = imported(ada, f"https://localhost:{inside.server_address[1]}/a")
    run_imports(studio)
    shown = ada.get(f"/api/assets/{asset}").body
    assert (shown["status"], shown["errorCode"], inside.asked) == ("REJECTED", "unsafe_url", [])


def test_a_failed_download_rejects_the_asset(
    studio: Studio, ada: Creator, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.files = {"/large": png()}
    missing = imported(ada, f"http://{web.host}/nothing")
    run_imports(studio)
    monkeypatch.setattr(imports, "MAX_BYTES", 1000)
    large = imported(ada, f"http://{web.host}/large")
    run_imports(studio)
    for asset in (missing, large):
        shown = ada.get(f"/api/assets/{asset}").body
        assert (shown["status"], shown["errorCode"]) == ("REJECTED", "download_failed")
    assert not clients.s3().list_objects_v2(Bucket=BUCKET).get("Contents")


def test_an_import_counts_against_the_plan(
    studio: Studio, ada: Creator, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.files = {"/a": png()}
    asset = imported(ada, f"http://{web.host}/a")
    monkeypatch.setattr(assets, "check_space", full)
    run_imports(studio)
    assert ada.get(f"/api/assets/{asset}").body["errorCode"] == "storage_full"
    assert ada.post("/api/assets/import", IMPORT).body["code"] == "storage_full"


def full(*_: object, **__: object) -> None:
    raise store.StorageFull("full")


def test_a_repeated_message_downloads_once(studio: Studio, ada: Creator, web: Web) -> None:
    web.files = {"/a": png()}
    imported(ada, f"http://{web.host}/a")
    [message] = studio.messages(IMPORT_QUEUE)
    event = {"Records": [{"messageId": "m1", "body": json.dumps(message)}]}
    for _ in range(2):
        assert imports.handler(event, None) == {"batchItemFailures": []}
    assert web.asked == ["/a"]
    assert len(studio.messages(VERIFICATION_QUEUE)) == 1


def test_an_import_waits_for_a_free_verifier(
    studio: Studio, ada: Creator, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.files = {"/a": png()}
    monkeypatch.setattr(verification, "UPLOADS_AT_ONCE", dict.fromkeys(verification.UPLOADS_AT_ONCE, 0))
    asset = imported(ada, f"http://{web.host}/a")
    assert len(run_imports(studio)) == 1
    assert assets.get(asset).status == AssetStatus.PENDING


def test_an_import_that_cannot_be_sent_is_rejected(studio: Studio, ada: Creator) -> None:
    studio.cloud.broken["SendMessage"] = RuntimeError("no queue")
    asset = ada.post("/api/assets/import", IMPORT).body["id"]
    assert ada.get(f"/api/assets/{asset}").body["errorCode"] == "not_started"


def test_no_function_is_open_to_other_hosts() -> None:
    """The exceptions of the laptop and of tests would open the network of a deployment."""
    assert "assets-imports" in {row.name for row in FUNCTIONS}
    assert not [path for path in (ROOT / "infra").rglob("*.py") if "EGRESS_OPEN_TO" in path.read_text()]


# --- outputs of jobs


def outcome(ada: Creator, job: str, output: str) -> Answer:
    return ada.post("/api/assets/import-output", {"jobId": job, "output": output, "name": "Pier"})


@pytest.mark.endpoint("POST /api/assets/import-output")
def test_the_film_of_a_job_becomes_an_asset(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    job = ada.job(project)["id"]
    before = studio.dump()
    refused = outcome(ada, job, "VIDEO")
    assert (refused.status, refused.body["code"]) == (409, "nothing_delivered")
    assert studio.dump() == before
    settlement.complete(complete_steps(job), at=utc_now())
    for output, kind in (("VIDEO", "VIDEO"), ("POSTER", "IMAGE")):
        answer = outcome(ada, job, output)
        assert (answer.status, answer.body["type"], answer.body["projectId"]) == (202, kind, project)
        assert ada.get(f"/api/assets/{answer.body['id']}").body["status"] == "VERIFYING"
        copied = clients.s3().get_object(Bucket=BUCKET, Key=f"quarantine/{answer.body['id']}")["Body"].read()
        assert copied == b"x"


def test_an_unpaid_film_is_not_copied(studio: Studio, ada: Creator) -> None:
    """The last step has its result before the credits are captured."""
    job = ada.job(ada.project())["id"]
    complete_steps(job)
    before = studio.dump()
    assert outcome(ada, job, "VIDEO").body["code"] == "nothing_delivered"
    assert studio.dump() == before


# --- searches


def test_assets_are_found_by_type_status_project_and_words(ada: Creator, eve: Creator) -> None:
    picture, clip = ada.asset(), ada.asset(AssetType.VIDEO)
    pending = ada.asset(status=AssetStatus.PENDING)
    project = ada.project()
    AssetRecord(clip).update([AssetRecord.name.set("Harbour at NIGHT.mp4"), AssetRecord.project_id.set(project)])

    def found(**query: str) -> list[str]:
        return [asset["id"] for asset in ada.list("/api/assets", **query)]

    assert found() == [pending, clip, picture]
    assert found(type="VIDEO") == [clip]
    assert found(status="READY") == [clip, picture]
    assert found(text="night harbour") == [clip]
    assert found(projectId=project) == [clip]
    assert found(projectId=project, type="IMAGE") == []
    assert eve.get("/api/assets", projectId=project).status == 404
    assert ada.get("/api/assets", status="LOST").status == 422


def test_a_search_has_pages_and_examines_a_bounded_number(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [ada.asset(), ada.asset(AssetType.VIDEO), ada.asset(), ada.asset(AssetType.VIDEO), ada.asset()]
    pictures = made[::-2]
    first = ada.get("/api/assets", type="IMAGE", limit="2").body
    rest = ada.get("/api/assets", type="IMAGE", limit="2", cursor=first["nextCursor"]).body
    assert [asset["id"] for asset in first["data"] + rest["data"]] == pictures
    assert (first["hasMore"], rest["hasMore"]) == (True, False)
    monkeypatch.setattr(store, "MOST_SEARCHED", 2)
    found, cursor = list[Any](), None
    while cursor or not found:
        page = ada.get("/api/assets", type="IMAGE", **({"cursor": cursor} if cursor else {})).body
        found += page["data"]
        cursor = page["nextCursor"]
    assert [asset["id"] for asset in found] == pictures
