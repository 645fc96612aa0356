"""Assets: an upload form for one file, its verification by a worker, and its use once READY."""

import base64
import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from time import sleep, time
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from PIL import Image

from functions.assets.verification import UPLOADS_AT_ONCE
from functions.jobs import service as jobs_service
from functions.pipeline import grant
from functions.upkeep import sweep
from shared.assets.record import AssetRecord, AssetStatus, VerificationsRecord
from shared.assets.store import assets
from shared.assets.verifications import TooManyUploads, VerificationStore, verifications
from shared.aws import clients, media
from shared.aws.queues import queue_url
from shared.core.clock import utc_now
from shared.grants.record import MediaGrantRecord
from shared.observability import logged
from shared.stages.queues import VERIFICATION_QUEUE
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.cloud import AtCall, nothing
from tests.support.studio import Answer, Creator, Studio
from workers.runtime.outages import AWS_ERRORS
from workers.verification import main as verification
from workers.verification import work
from workers.verification.inspect import inspect
from workers.verification.verdict import CleanMedia, Rejected

UPLOAD = {"name": "me.png", "type": "IMAGE", "contentType": "image/png", "size": 5000}
BUCKET = "kinora-test-media"


def picture(kind: str = "PNG", size: tuple[int, int] = (96, 80)) -> bytes:
    made = Image.effect_noise(size, 60).convert("RGB")
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    out = io.BytesIO()
    made.save(out, kind, exif=exif)
    return out.getvalue()


def uploaded(ada: Creator, content: bytes, **changed: Any) -> str:
    """Upload a file to quarantine as a browser does with the form, and return the id of its asset."""
    begun = ada.post("/api/assets/upload", UPLOAD | changed).body
    clients.s3().put_object(Bucket=BUCKET, Key=begun["upload"]["fields"]["key"], Body=content)
    return str(begun["asset"]["id"])


def register(ada: Creator, asset_id: str) -> Answer:
    return ada.post("/api/assets", {"assetId": asset_id})


def verify(studio: Studio) -> None:
    delivery = studio.deliver("asset-verification")
    assert delivery is not None
    with logged():  # the worker's loop does this
        verification.handle(delivery)


# --- the form


def policy(fields: dict[str, str]) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(base64.b64decode(fields["policy"]))
    return decoded


@pytest.mark.endpoint("POST /api/assets/upload")
def test_the_form_takes_exactly_one_key_type_and_size(ada: Creator) -> None:
    begun = ada.post("/api/assets/upload", UPLOAD).body
    asset, fields = begun["asset"], begun["upload"]["fields"]
    key = f"quarantine/{asset['id']}"
    conditions = policy(fields)["conditions"]
    assert {"key": key} in conditions
    assert {"bucket": BUCKET} in conditions
    assert {"Content-Type": "image/png"} in conditions
    assert ["content-length-range", 1, 5000] in conditions
    assert not [rule for rule in conditions if "starts-with" in rule], "the browser can choose nothing"
    assert (fields["key"], fields["Content-Type"]) == (key, "image/png")
    assert asset["status"] == "PENDING"


def test_the_form_is_valid_for_five_minutes(ada: Creator) -> None:
    fields = ada.post("/api/assets/upload", UPLOAD).body["upload"]["fields"]
    expires = datetime.fromisoformat(policy(fields)["expiration"])
    assert timedelta(minutes=4, seconds=50) < expires - utc_now() <= timedelta(minutes=5)


def test_the_name_of_an_upload_is_not_part_of_its_key(ada: Creator) -> None:
    begun = ada.post("/api/assets/upload", UPLOAD | {"name": "../../jobs/evil.png"}).body
    assert begun["upload"]["fields"]["key"] == f"quarantine/{begun['asset']['id']}"


# --- registering


def test_an_asset_without_an_upload_cannot_be_registered(studio: Studio, ada: Creator) -> None:
    asset_id = ada.post("/api/assets/upload", UPLOAD).body["asset"]["id"]
    before = studio.dump()
    answer = register(ada, asset_id)
    assert (answer.status, answer.body["code"]) == (409, "nothing_uploaded")
    assert studio.dump() == before
    assert studio.messages("asset-verification") == []


def test_the_upload_of_another_asset_is_not_accepted(ada: Creator) -> None:
    """The id of one asset can be a prefix of another id."""
    asset_id = ada.post("/api/assets/upload", UPLOAD).body["asset"]["id"]
    clients.s3().put_object(Bucket=BUCKET, Key=f"quarantine/{asset_id}X", Body=b"x")
    assert register(ada, asset_id).status == 409


def test_registering_sends_the_asset_to_verification(studio: Studio, ada: Creator) -> None:
    asset_id = uploaded(ada, picture())
    answer = register(ada, asset_id)
    assert (answer.status, answer.body["status"], answer.body["url"]) == (202, "VERIFYING", None)
    proof = MediaGrantRecord.get(asset_id).proof
    assert studio.messages("asset-verification") == [{"version": 1, "assetId": asset_id, "proof": proof}]


def test_sixty_requests_send_one_task(studio: Studio, ada: Creator) -> None:
    asset_id = uploaded(ada, picture())
    register(ada, ada.asset())  # the threads then find the domain's module and the keys of tokens loaded
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: register(ada, asset_id), range(60)))
    assert {(answer.status, answer.body["status"]) for answer in answers} == {(202, "VERIFYING")}
    assert len(studio.messages("asset-verification")) == 1


def test_a_task_that_was_perhaps_never_sent_is_sent_again_after_five_minutes(studio: Studio, ada: Creator) -> None:
    """The process can end between the write and the message."""
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    of_account = VerificationsRecord.get(ada.user_id)
    for minutes, sent in ((4, 1), (6, 2)):
        asked = {asset_id: (utc_now() - timedelta(minutes=minutes)).timestamp()}
        of_account.update([VerificationsRecord.asked.set(asked)])
        register(ada, asset_id)
        register(ada, asset_id)
        assert len(studio.messages("asset-verification")) == sent
    verify(studio)
    assert ada.get(f"/api/assets/{asset_id}").body["status"] == "VERIFYING", "only the newest message has access"
    verify(studio)
    assert ada.get(f"/api/assets/{asset_id}").body["status"] == "READY"


def test_a_task_that_could_not_be_sent_is_sent_by_the_next_request(studio: Studio, ada: Creator) -> None:
    asset_id = uploaded(ada, picture())
    refused = ClientError({"Error": {"Code": "ServiceUnavailable"}}, "SendMessage")
    studio.cloud.fails_once["SendMessage"] = [refused]
    assert register(ada, asset_id).status == 500
    assert studio.messages("asset-verification") == []
    assert register(ada, asset_id).status == 202
    assert len(studio.messages("asset-verification")) == 1


def test_a_request_whose_answer_is_lost_sends_its_task(studio: Studio, ada: Creator) -> None:
    """botocore sends the write again."""
    asset_id = uploaded(ada, picture())
    studio.cloud.loses_once("TransactWriteItems")
    assert register(ada, asset_id).status == 202
    assert len(studio.messages("asset-verification")) == 1


def test_a_decided_asset_does_not_change(studio: Studio, ada: Creator) -> None:
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    verify(studio)
    ready = ada.get(f"/api/assets/{asset_id}").body
    assert register(ada, asset_id).body["status"] == "READY"
    assert ada.get(f"/api/assets/{asset_id}").body["size"] == ready["size"]
    assert studio.messages("asset-verification") == []


def test_an_account_has_a_limited_number_of_uploads_under_verification(studio: Studio, ada: Creator) -> None:
    limit = UPLOADS_AT_ONCE[PlanType.FREE]
    ids = [uploaded(ada, picture()) for _ in range(limit + 2)]
    assert [register(ada, asset_id).status for asset_id in ids[:limit]] == [202] * limit
    before = studio.dump()
    refused = register(ada, ids[limit])
    assert (refused.status, refused.body["code"], refused.headers["retry-after"]) == (429, "too_many_uploads", "1")
    assert studio.dump() == before
    assert register(ada, ids[0]).status == 202, "it is among the verified ones"
    eve = studio.arrive("eve@example.com")
    assert register(eve, uploaded(eve, picture())).status == 202
    assert ada.delete(f"/api/assets/{ids[1]}").status == 204
    assert register(ada, ids[limit]).status == 429, "the inspection of the deleted asset may still run"
    assets.reject(assets.get(ids[2]), code="damaged", error="This is damaged.")
    assert register(ada, ids[limit]).status == 202
    subscriptions.put(ada.user_id, PlanType.PRO, SubscriptionStatus.ACTIVE, at=utc_now())
    assert register(ada, ids[limit + 1]).status == 202


class InterruptedVerifications(VerificationStore):
    """A store that calls `meanwhile` once between its read and its write."""

    def __init__(self, meanwhile: Callable[[], object]) -> None:
        self.meanwhile = meanwhile

    def _of(self, account_id: str) -> VerificationsRecord:
        read = super()._of(account_id)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return read


def test_simultaneous_requests_do_not_exceed_the_limit(ada: Creator) -> None:
    first, second = (assets.get(ada.asset(status=AssetStatus.PENDING)) for _ in range(2))
    late = InterruptedVerifications(lambda: verifications.begin(first, at_once=1, at=utc_now()))
    with pytest.raises(TooManyUploads):
        late.begin(second, at_once=1, at=utc_now())
    assert assets.get(second.asset_id).status == AssetStatus.PENDING


def test_an_upload_that_the_previous_release_sent_is_verified(studio: Studio, ada: Creator) -> None:
    """The previous release sent no proofs, and stored none."""
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    delivery = studio.deliver("asset-verification")
    assert delivery is not None
    MediaGrantRecord(asset_id).delete()
    verification.handle(replace(delivery, body=json.dumps({"version": 1, "assetId": asset_id})))
    assert ada.get(f"/api/assets/{asset_id}").body["status"] == "READY"


def test_an_upload_of_this_release_is_not_opened_without_its_proof(ada: Creator) -> None:
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    assert "refused" in grant.handler({"assetId": asset_id, "proof": ""}, None)


# --- verification, end to end


def test_an_upload_that_is_gone_is_rejected_even_if_s3_answers_403(studio: Studio, ada: Creator) -> None:
    """S3 answers 403 for a missing key to a role without s3:ListBucket."""
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    refused = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")
    studio.cloud.fails_once["HeadObject"] = [refused]
    verify(studio)
    asset = ada.get(f"/api/assets/{asset_id}").body
    assert (asset["status"], studio.messages("asset-verification")) == ("REJECTED", [])


@pytest.mark.parametrize(("kind", "content_type"), [("PNG", "image/png"), ("JPEG", "image/jpeg")])
@pytest.mark.endpoint("POST /api/assets", "GET /api/assets/{asset_id}")
def test_a_real_picture_is_encoded_again_and_becomes_ready(
    studio: Studio, ada: Creator, kind: str, content_type: str
) -> None:
    original = picture(kind)
    asset_id = uploaded(ada, original, contentType=content_type)
    register(ada, asset_id)
    verify(studio)
    asset = ada.get(f"/api/assets/{asset_id}").body
    assert (asset["status"], asset["width"], asset["height"]) == ("READY", 96, 80)
    assert asset["url"].startswith(f"https://media.kinora.test/assets/{asset_id}/")
    key, preview, thumbnail = (f"assets/{asset_id}/{name}" for name in ("clean.png", "depth.jpg", "thumbnail.jpg"))
    assert set(media.keys("")) == {key, preview, thumbnail}, "the uploaded file is deleted"
    assert asset["depthUrl"].startswith(f"https://media.kinora.test/{preview}?")
    depth = Image.open(io.BytesIO(clients.s3().get_object(Bucket=BUCKET, Key=preview)["Body"].read()))
    assert (depth.mode, depth.size) == ("L", (432, 360))
    clean = clients.s3().get_object(Bucket=BUCKET, Key=key)["Body"].read()
    assert len(clean) == asset["size"]
    assert b"where I live" in original
    assert b"where I live" not in clean
    assert Image.open(io.BytesIO(clean)).size == (96, 80)
    assert studio.messages("asset-verification") == []


BAD = {
    "a text": b"This is no picture.", "nothing": b"", "HTML": b"<html><script>alert(1)</script></html>",
    "an SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    "half a picture": picture("JPEG")[:400], "a playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
}  # fmt: skip


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_file_that_is_not_a_picture_is_rejected_with_a_reason(studio: Studio, ada: Creator, content: bytes) -> None:
    asset_id = uploaded(ada, content, name="me.jpg", contentType="image/jpeg")
    register(ada, asset_id)
    verify(studio)
    asset = ada.get(f"/api/assets/{asset_id}").body
    assert (asset["status"], asset["url"]) == ("REJECTED", None)
    assert asset["error"].endswith(".")
    assert asset["errorCode"] == (
        "empty" if not content else "damaged" if content[:2] == b"\xff\xd8" else "not_a_picture"
    )
    assert list(media.keys("")) == []
    job = {"projectId": ada.project(), "prompt": "a lake", "inputs": [{"role": "picture", "assetId": asset_id}]}
    assert ada.post("/api/jobs", job).body["code"] == "asset_not_ready"


def test_an_asset_of_captions_reports_what_was_read(studio: Studio, ada: Creator) -> None:
    words = (
        "WEBVTT\n\n00:01.000 --> 00:02.000\nПривет, как дела? Я приду завтра.\n\nother\n\n00:03.000 --> 00:01.000\nx\n"
    )
    asset_id = uploaded(ada, words.encode("cp1251"), name="a.vtt", type="OTHER", contentType="text/vtt")
    register(ada, asset_id)
    verify(studio)
    asset = ada.get(f"/api/assets/{asset_id}").body
    assert asset["status"] == "READY"
    assert asset["captions"] == {
        "cues": 1, "encoding": "cp1251", "droppedCues": 1, "ignoredLines": 1, "replacedLetters": 0,
    }  # fmt: skip


def test_the_second_verdict_changes_nothing(studio: Studio, ada: Creator) -> None:
    """The message is delivered twice at the same time. The second verdict changes nothing."""
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    stale = assets.get(asset_id)
    verify(studio)
    before = studio.dump()
    assets.reject(stale, code="other", error="Something else.")
    assert studio.dump() == before


@pytest.mark.parametrize("operation", ["Invoke", "GetObject", "PutObject", "UpdateItem"])
def test_an_upload_is_verified_after_an_outage(studio: Studio, ada: Creator, operation: str) -> None:
    """The dead letters of this queue reject the asset, so each outage begins with a new message."""
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    studio.cloud.broken[operation] = EndpointConnectionError(endpoint_url="x")
    with pytest.raises(AWS_ERRORS):
        verify(studio)
    studio.cloud.broken.clear()
    verify(studio)
    assert ada.get(f"/api/assets/{asset_id}").body["status"] == "READY"


def test_an_upload_that_is_gone_is_rejected(studio: Studio, ada: Creator) -> None:
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    media.delete_below(f"quarantine/{asset_id}")
    verify(studio)
    asset = ada.get(f"/api/assets/{asset_id}").body
    assert (asset["status"], asset["errorCode"]) == ("REJECTED", "nothing_uploaded")


def test_an_asset_deleted_before_verification_is_ignored(studio: Studio, ada: Creator) -> None:
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    assert ada.delete(f"/api/assets/{asset_id}").status == 204
    verify(studio)
    assert studio.dump()["kinora-test-assets"] == []
    assert list(media.keys("")) == []


def test_an_asset_deleted_during_verification_leaves_no_file(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id = uploaded(ada, picture())
    register(ada, asset_id)
    inspect_upload = inspect

    def slowly(*args: Any) -> Any:
        verdict = inspect_upload(*args)
        assert not isinstance(verdict, Rejected)
        assert ada.delete(f"/api/assets/{asset_id}").status == 204
        return verdict

    monkeypatch.setattr(work, "inspect", slowly)
    verify(studio)
    assert list(media.keys("")) == []


def run_apart(work: Callable[[str], None], asset_id: str, _operation: str) -> None:
    """Call `work` in a context of its own: its calls are not compared with the grants of the running handler."""
    Context().run(work, asset_id)


@pytest.mark.parametrize("verified_first", [True, False])
def test_a_deletion_at_any_call_of_a_verification_leaves_no_file(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch, verified_first: bool
) -> None:
    """The other one of the two runs after the first AWS call of the first one, then after its second call."""

    def accepted(_path: Path, _kind: object, folder: Path) -> CleanMedia:
        clean = folder / "clean.png"
        clean.write_bytes(b"clean")
        return CleanMedia(clean, "image/png", 1, 1, None, 5)

    def verify_it(_asset_id: str) -> None:
        verify(studio)

    def delete_it(asset_id: str) -> None:
        assert ada.delete(f"/api/assets/{asset_id}").status == 204

    monkeypatch.setattr(work, "inspect", accepted)
    first, second = (verify_it, delete_it) if verified_first else (delete_it, verify_it)
    subscriptions.put(ada.user_id, PlanType.ENTERPRISE, SubscriptionStatus.ACTIVE, at=utc_now())  # for many uploads
    for number in count(1):
        asset_id = uploaded(ada, picture())
        register(ada, asset_id)
        hook = AtCall(studio.cloud, number, partial(run_apart, second, asset_id))
        studio.cloud.afterwards = hook
        first(asset_id)
        studio.cloud.afterwards = nothing
        if not hook.operation:
            break
        assert ada.get(f"/api/assets/{asset_id}").status == 404, (number, hook.operation)
        assert list(media.keys("")) == [], (number, hook.operation)
    assert number > 5


def test_an_asset_without_its_file_is_not_ready_while_it_is_deleted(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id = ada.asset()
    studio.cloud.broken["DeleteItem"] = ClientError({"Error": {"Code": "InternalServerError"}}, "DeleteItem")
    assert ada.delete(f"/api/assets/{asset_id}").status == 500
    asset = ada.get(f"/api/assets/{asset_id}").body
    assert (asset["status"], asset["errorCode"], asset["url"]) == ("REJECTED", "deleted", None)
    studio.cloud.broken.clear()
    assert ada.delete(f"/api/assets/{asset_id}").status == 204


# --- late uploads


def upload_late(asset_id: str) -> None:
    """Use the asset's form once more."""
    clients.s3().put_object(Bucket=BUCKET, Key=f"quarantine/{asset_id}", Body=b"late")


def quarantined() -> set[str]:
    """Return the keys of all versions and markers in quarantine."""
    return {version.key for version in media.versions_page("quarantine/")[0]}


def clean_files() -> dict[str, bytes]:
    """Return the content of each verified file by its key."""
    return {key: clients.s3().get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in media.keys("assets/")}


def test_late_uploads_are_removed_and_change_no_verified_file(studio: Studio, ada: Creator) -> None:
    ready, rejected, deleted, unused = (uploaded(ada, content) for content in (picture(), b"x", picture(), picture()))
    for asset_id in (ready, rejected):
        register(ada, asset_id)
        verify(studio)
    assert ada.delete(f"/api/assets/{deleted}").status == 204
    before = ada.get(f"/api/assets/{ready}").body
    for asset_id in (ready, rejected, deleted):
        upload_late(asset_id)
    waiting = uploaded(ada, picture())
    register(ada, waiting)
    clean = clean_files()
    assert len(clean) == 3, "the picture, its thumbnail, and the preview of its depth"

    at = time()
    sleep(1.1 - at % 1)  # S3 stores the time of an upload in seconds
    assert sweep.quarantine({}, None)["found"] >= 3
    assert quarantined() == {f"quarantine/{asset_id}" for asset_id in (unused, waiting)}
    assert clean_files() == clean
    assert register(ada, ready).body["size"] == before["size"]
    assert sweep.quarantine({}, None)["found"] == 0


# --- reading and deleting


def job_with(ada: Creator, *asset_ids: str) -> Answer:
    inputs = [{"role": "picture", "assetId": asset_id} for asset_id in asset_ids]
    return ada.post("/api/jobs", {"projectId": ada.project(), "prompt": "a lake", "inputs": inputs})


def test_an_asset_that_a_job_needs_is_not_deleted(studio: Studio, ada: Creator) -> None:
    asset_id, other = ada.asset(), ada.asset()
    first, second = (job_with(ada, *used).body["id"] for used in ([asset_id], [other, asset_id]))
    for job_id in (first, second):
        before = studio.dump()
        answer = ada.delete(f"/api/assets/{asset_id}")
        assert (answer.status, answer.body["code"]) == (409, "asset_in_use")
        assert studio.dump() == before
        ada.post(f"/api/jobs/{job_id}/cancel")
    assert ada.delete(f"/api/jobs/{first}").status == 204
    assert ada.delete(f"/api/assets/{asset_id}").status == 204


@pytest.mark.parametrize("submitted_first", [True, False])
def test_a_submission_at_any_call_of_a_deletion_has_its_asset_or_is_refused(
    studio: Studio, ada: Creator, submitted_first: bool
) -> None:
    """The other one of the two runs after the first AWS call of the first one, then after its second call."""
    project, answers = ada.project(), list[Answer]()

    def submit(asset_id: str) -> None:
        inputs = [{"role": "picture", "assetId": asset_id}]
        answers.append(ada.post("/api/jobs", {"projectId": project, "prompt": "a lake", "inputs": inputs}))

    def delete(asset_id: str) -> None:
        ada.delete(f"/api/assets/{asset_id}")

    first, second = (submit, delete) if submitted_first else (delete, submit)
    for number in count(1):
        asset_id = ada.asset()
        hook = AtCall(studio.cloud, number, partial(run_apart, second, asset_id))
        studio.cloud.afterwards = hook
        first(asset_id)
        studio.cloud.afterwards = nothing
        if not hook.operation:
            break
        answer = answers[-1]
        assert (answer.status, bool(list(media.keys(f"assets/{asset_id}/")))) in {
            (202, True),
            (404, False),
            (409, False),
        }
        if answer.status == 202:
            ada.post(f"/api/jobs/{answer.body['id']}/cancel")
    assert number > 3


def test_an_asset_can_have_many_users_at_once(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_service, "MANY_USERS", 1)
    asset_id = ada.asset()
    running = {job_with(ada, asset_id).body["id"] for _ in range(3)}
    assert AssetRecord.get(asset_id).used_by == running


def test_the_list_of_an_assets_users_stays_short(ada: Creator) -> None:
    asset_id = ada.asset()
    running = job_with(ada, asset_id).body["id"]
    for _ in range(jobs_service.MANY_USERS + 3):
        ada.post(f"/api/jobs/{job_with(ada, asset_id).body['id']}/cancel")
    users = AssetRecord.get(asset_id).used_by
    assert running in users
    assert len(users) <= jobs_service.MANY_USERS


@pytest.mark.endpoint("DELETE /api/assets/{asset_id}")
def test_deleting_an_asset_deletes_its_media(ada: Creator) -> None:
    asset_id = ada.asset()
    assert list(media.keys("assets/"))
    assert ada.delete(f"/api/assets/{asset_id}").status == 204
    assert ada.get(f"/api/assets/{asset_id}").status == 404
    assert list(media.keys("")) == []


@pytest.mark.endpoint("GET /api/assets")
def test_assets_are_listed_newest_first_and_paged(studio: Studio, ada: Creator, eve: Creator) -> None:
    made = [ada.asset() for _ in range(3)]
    eve.asset()
    ada.get("/api/assets", limit="1")  # the process then has the keys of tokens and cursors
    studio.cloud.calls.clear()
    first = ada.get("/api/assets", limit="2").body
    rest = ada.get("/api/assets", limit="2", cursor=first["nextCursor"]).body
    assert [asset["id"] for asset in first["data"] + rest["data"]] == made[::-1]
    assert studio.cloud.calls == ["UpdateItem", "Query"] * 2  # the first call counts the request


def test_only_a_ready_asset_has_a_url(ada: Creator) -> None:
    for status in AssetStatus:
        asset = ada.get(f"/api/assets/{ada.asset(status=status)}").body
        assert (asset["url"] is not None) == (status is AssetStatus.READY)


def test_the_queue_of_verification_exists(studio: Studio) -> None:
    clients.sqs().get_queue_attributes(QueueUrl=queue_url(VERIFICATION_QUEUE), AttributeNames=["QueueArn"])
    assert AssetRecord("ast_1").quarantine_key == "quarantine/ast_1"
