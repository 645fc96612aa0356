"""Access to media after its end, with hostile names, and for uploads; and what a worker does without access (I20)."""

from typing import Any

import pytest

from functions.pipeline.dispatch import handler as dispatch
from shared.assets.record import AssetType
from shared.assets.store import assets
from shared.aws import clients, media
from shared.core.clock import utc_now
from shared.grants.record import MediaGrantRecord
from shared.grants.store import grants, step_task
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobStatus, OutputMap, StepResultRecord
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.stages.queues import REMOTE_QUEUE
from shared.stages.stages import STAGES
from tests.integration.test_worker_rights import IMAGE, VIDEO, ask, dispatched, policy_of
from tests.support.iam import allows
from tests.support.steps import LEASE, claim, complete_step, stored_result
from tests.support.studio import Creator, Studio
from workers.runtime.lambda_entry import RemoteRunner
from workers.runtime.step import StepRunner

BUCKET = "arn:aws:s3:::kinora-test-media"


@pytest.mark.parametrize("end", ["result", "cancelled"])
def test_an_attempt_that_has_ended_has_no_access(ada: Creator, end: str) -> None:
    job_id, proof = dispatched(ada, IMAGE)
    attempt = claim(job_id, IMAGE)
    request = {"jobId": job_id, "stage": IMAGE, "attempt": attempt, "proof": proof}
    assert "accessKey" in ask(**request)
    job = jobs.get(job_id)
    if end == "cancelled":
        settlement.cancel(job, at=utc_now())
    else:
        steps.record_result(job, IMAGE, stored_result(job_id, IMAGE, attempt), attempt=attempt, at=utc_now())
    assert "refused" in ask(**request)


def test_an_attempt_that_is_a_pattern_has_no_access(ada: Creator) -> None:
    """A worker can write any attempt into the job item. The prefix of `**` contains those of all attempts."""
    job_id, proof = dispatched(ada, IMAGE)
    steps.claim(job_id, IMAGE, attempt="**", lease_until=utc_now() + LEASE, at=utc_now())
    assert "refused" in ask(jobId=job_id, stage=IMAGE, attempt="**", proof=proof)


def test_a_prompt_with_a_pattern_opens_nothing(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = ada.asset(AssetType.AUDIO)
    prompt, inputs = media.address(f"assets/{sound}/*"), [{"role": "audio", "assetId": sound}]
    settings = {"allowUnrelatedPicture": True}
    body = {"projectId": ada.project(), "prompt": prompt, "inputs": inputs, "settings": settings}
    job_id = str(ada.post("/api/jobs", body).body["id"])
    dispatch({"jobId": job_id, "stage": IMAGE, "taskToken": "token-1"}, None)
    proof, attempt = MediaGrantRecord.get(step_task(job_id, IMAGE)).proof, claim(job_id, IMAGE)
    policy = policy_of(monkeypatch, jobId=job_id, stage=IMAGE, attempt=attempt, proof=proof)
    assert not allows(policy, "s3:GetObject", f"{BUCKET}/assets/{sound}/other")


def test_the_result_of_a_name_that_is_no_attempt_is_not_read(ada: Creator) -> None:
    """A worker can write it, and a part of the address of another job's media can be in it."""
    job_id, _ = dispatched(ada, IMAGE)
    name = "../../job_other/image_generation"
    steps.claim(job_id, IMAGE, attempt=name, lease_until=utc_now() + LEASE, at=utc_now())
    JobRecord(job_id).update([getattr(JobRecord.steps, IMAGE.folder).status.set(JobStatus.COMPLETED.value)])
    outputs = [OutputMap(role=role, name="picture", media_type="image/png") for role in STAGES[IMAGE].produces]
    StepResultRecord(job_id, f"{IMAGE}#{name}", outputs=outputs, metrics="{}").save()
    assert jobs.results(jobs.get(job_id)) == {}


def test_a_remote_engine_that_a_worker_wrote_receives_nothing(studio: Studio, ada: Creator) -> None:
    job_id, _ = dispatched(ada, IMAGE)
    complete_step(job_id, IMAGE)
    JobRecord(job_id).update([getattr(JobRecord.steps, VIDEO.folder).engine.set("fal-kling")])
    dispatch({"jobId": job_id, "stage": VIDEO, "taskToken": "token-2"}, None)
    assert studio.messages(REMOTE_QUEUE) == []


# --- uploads


@pytest.fixture
def upload(ada: Creator) -> tuple[str, str]:
    """An asset that waits for its verification, and the proof in its message."""
    form = {"name": "me.png", "type": "IMAGE", "contentType": "image/png", "size": 5000}
    begun = ada.post("/api/assets/upload", form).body
    asset_id = str(begun["asset"]["id"])
    clients.s3().put_object(Bucket=media.config().media_bucket, Key=begun["upload"]["fields"]["key"], Body=b"x")
    assert ada.post("/api/assets", {"assetId": asset_id}).status == 202
    return asset_id, MediaGrantRecord.get(asset_id).proof


def test_access_of_the_verifier_opens_the_upload_and_the_clean_file(
    upload: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asset_id, proof = upload
    policy = policy_of(monkeypatch, assetId=asset_id, proof=proof)

    def may(action: str, key: str) -> bool:
        return allows(policy, f"s3:{action}", f"{BUCKET}/{key}")

    assert may("GetObject", f"quarantine/{asset_id}")
    assert may("PutObject", f"assets/{asset_id}/clean.png")
    assert not may("PutObject", f"quarantine/{asset_id}")
    for action in ("GetObject", "PutObject", "DeleteObject"):
        assert not may(action, "quarantine/ast_other")
        assert not may(action, "assets/ast_other/clean.png")


def test_access_to_an_upload_needs_its_newest_proof_and_ends_with_the_verdict(upload: tuple[str, str]) -> None:
    asset_id, proof = upload
    assert "accessKey" in ask(assetId=asset_id, proof=proof)
    assert "refused" in ask(assetId=asset_id, proof="")
    assert "refused" in ask(assetId="ast_none", proof=proof)
    grants.issue(asset_id, at=utc_now())
    assert "refused" in ask(assetId=asset_id, proof=proof)
    newest = MediaGrantRecord.get(asset_id).proof
    assets.reject(assets.get(asset_id), code="damaged", error="It is damaged.")
    assert "refused" in ask(assetId=asset_id, proof=newest)


# --- a worker without access


@pytest.mark.parametrize("outdated", [True, False])
def test_a_step_without_access_is_released_and_its_message_deleted_only_if_a_newer_one_exists(
    studio: Studio, ada: Creator, outdated: bool
) -> None:
    job_id, _ = dispatched(ada, IMAGE)
    delivery = studio.deliver(IMAGE.queue)
    assert delivery is not None
    grants.issue(step_task(job_id, IMAGE), at=utc_now())
    if outdated:
        steps.store_token(job_id, IMAGE, "token-2", at=utc_now())
    StepRunner({}, shutdown_requested=lambda: False).handle(delivery)
    step = jobs.get(job_id).step(IMAGE)
    assert step.status == JobStatus.QUEUED
    assert step.lease_until is None
    assert (len(studio.in_flight(IMAGE.queue)), studio.cloud.answers) == (0 if outdated else 1, [])


def test_a_remote_step_without_access_is_released_and_not_submitted(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.jobs.service.has_value", lambda _name: True)
    settings: dict[str, Any] = {"engines": {VIDEO: "fal-kling"}, "duration": 5}
    job_id, _ = dispatched(ada, VIDEO, **settings)
    delivery = studio.deliver(REMOTE_QUEUE)
    assert delivery is not None
    grants.issue(step_task(job_id, VIDEO), at=utc_now())
    RemoteRunner().handle(delivery.body)
    step = jobs.get(job_id).step(VIDEO)
    assert step.status == JobStatus.QUEUED
    assert step.lease_until is None
    assert studio.dump()["kinora-test-step-tickets"] == []
