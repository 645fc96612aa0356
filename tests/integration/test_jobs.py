"""Jobs through the real handlers."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from functions.jobs import service
from shared.assets.record import AssetStatus, AssetType
from shared.aws import clients, media
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.credits.record import HoldRecord
from shared.credits.store import credits
from shared.jobs import executions, settlement
from shared.jobs.admission import WAIT, WORK
from shared.jobs.keys import WORK_LIFE, job_prefixes
from shared.jobs.record import JobStatus
from shared.jobs.steps import steps
from shared.jobs.store import JobRunning, StepResult, jobs
from shared.jobs.views import job_view
from shared.stages.failures import StageFailure
from shared.stages.stages import STAGES, Role, Stage
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType
from tests.support.steps import claim, complete_step, complete_steps
from tests.support.studio import Creator, Studio
from tools.sizes import item_bytes

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "StartExecution")
UNREACHABLE = EndpointConnectionError(endpoint_url="https://states.us-east-1.amazonaws.com")


def finished(ada: Creator, project: str) -> str:
    job_id = str(ada.job(project)["id"])
    settlement.complete(complete_steps(job_id), at=utc_now())
    return job_id


# --- submitting


@pytest.mark.endpoint("POST /api/jobs")
def test_submit_holds_the_price_and_plans_the_steps(ada: Creator) -> None:
    job = ada.job(ada.project())
    assert (job["status"], job["progress"]) == ("PENDING", 0)
    assert [step["stepType"] for step in job["steps"]] == ["IMAGE_GENERATION", "VIDEO_SYNTHESIS", "POST_PROCESSING"]
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (100 - job["credits"], job["credits"])
    assert ada.get(f"/api/jobs/{job['id']}").body["prompt"] == "a lighthouse at dusk"


def test_a_prompt_that_the_painter_does_not_know_is_refused_and_holds_no_credits(ada: Creator) -> None:
    body = {"projectId": ada.project(), "prompt": "perfume bottle"}
    refused = ada.post("/api/jobs", body)
    assert (refused.status, refused.body["code"]) == (422, "prompt_not_understood")
    assert credits.account(ada.user_id).held == 0
    job = ada.post("/api/jobs", {**body, "settings": {"allowUnrelatedPicture": True}}).body
    assert (job["understood"], job["notUnderstood"], job["readAs"]) == ([], ["perfume", "bottle"], {})


def test_a_job_shows_the_words_of_its_painted_picture(ada: Creator) -> None:
    job = ada.job(ada.project())
    assert (job["understood"], job["notUnderstood"], job["readAs"]) == (["lighthouse", "dusk"], [], {})
    attempt = claim(job["id"], Stage.IMAGE_GENERATION)
    painted = StepResult((), {"understood": ["lighthouse"], "notUnderstood": ["dusk"], "readAs": {"cove": "coast"}})
    steps.record_result(jobs.get(job["id"]), Stage.IMAGE_GENERATION, painted, attempt=attempt, at=utc_now())
    shown = ada.get(f"/api/jobs/{job['id']}").body
    assert {key: shown[key] for key in painted.metrics} == painted.metrics
    with_picture = {
        "projectId": ada.project(), "prompt": "quux", "inputs": [{"role": "picture", "assetId": ada.asset()}],
    }  # fmt: skip
    assert ada.post("/api/jobs", with_picture).body["notUnderstood"] is None


def test_submit_starts_the_job_under_its_own_name(studio: Studio, ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    assert executions.running(job_id)
    executions.start(job_id, [stage for stage, _ in jobs.get(job_id).planned()])
    machine = executions.ExecutionConfig().state_machine_arn
    assert len(clients.stepfunctions().list_executions(stateMachineArn=machine)["executions"]) == 1


def test_a_job_with_an_uploaded_picture_has_no_image_generation(ada: Creator) -> None:
    asset = ada.asset()
    body = {
        "projectId": ada.project(), "prompt": "a lighthouse", "inputs": [{"role": "picture", "assetId": asset}],
    }  # fmt: skip
    job = ada.post("/api/jobs", body).body
    assert [step["stepType"] for step in job["steps"]] == ["VIDEO_SYNTHESIS", "POST_PROCESSING"]
    assert jobs.spec(job["id"]).input_keys == {Role.PICTURE: f"assets/{asset}/clean"}


@pytest.mark.parametrize(("seconds", "status"), [(1.2, 422), (2.95, 202), (30, 202), (45, 422)])
def test_a_driving_clip_lasts_3_to_30_seconds(ada: Creator, seconds: float, status: int) -> None:
    asset = ada.asset(AssetType.VIDEO, duration=seconds)
    body = {
        "projectId": ada.project(), "prompt": "a lighthouse", "inputs": [{"role": "driving", "assetId": asset}],
    }  # fmt: skip
    answer = ada.post("/api/jobs", body)
    assert answer.status == status, answer.body
    assert status == 202 or "3 to 30 seconds" in answer.body["detail"]


def test_a_driving_clip_adds_motion_transfer(ada: Creator) -> None:
    asset = ada.asset(AssetType.VIDEO)
    body = {
        "projectId": ada.project(), "prompt": "a lighthouse", "inputs": [{"role": "driving", "assetId": asset}],
    }  # fmt: skip
    job = ada.post("/api/jobs", body).body
    assert [step["stepType"] for step in job["steps"]] == [
        stage for stage in Stage if STAGES[stage].needed_for(frozenset({Role.DRIVING}))
    ]
    assert Stage.MOTION_TRANSFER in [step["stepType"] for step in job["steps"]]


@pytest.mark.parametrize(
    ("type", "role", "status", "code"),
    [
        (AssetType.IMAGE, "picture", AssetStatus.PENDING, "asset_not_ready"),
        (AssetType.IMAGE, "picture", AssetStatus.VERIFYING, "asset_not_ready"),
        (AssetType.IMAGE, "picture", AssetStatus.REJECTED, "asset_not_ready"),
        (AssetType.VIDEO, "picture", AssetStatus.READY, "invalid"),
        (AssetType.IMAGE, "driving", AssetStatus.READY, "invalid"),
    ],
)
def test_only_ready_assets_of_the_right_type_are_inputs(
    studio: Studio, ada: Creator, type: AssetType, role: str, status: AssetStatus, code: str
) -> None:
    asset, project = ada.asset(type, status), ada.project()
    before = studio.dump()
    body = {"projectId": project, "prompt": "a lighthouse", "inputs": [{"role": role, "assetId": asset}]}
    answer = ada.post("/api/jobs", body)
    assert (answer.status, answer.body["code"]) == ({"invalid": 422}.get(code, 409), code)
    assert studio.dump() == before


def test_the_same_role_twice_is_refused(ada: Creator) -> None:
    clip = ada.asset(AssetType.VIDEO)
    inputs = [{"role": "driving", "assetId": clip}, {"role": "driving", "assetId": clip}]
    answer = ada.post("/api/jobs", {"projectId": ada.project(), "prompt": "a lighthouse", "inputs": inputs})
    assert (answer.status, answer.body["code"]) == (422, "invalid")


def test_a_seed_is_stored_or_else_chosen(ada: Creator) -> None:
    project = ada.project()
    assert ada.job(project, seed=0)["seed"] == 0
    assert ada.job(project)["seed"] != ada.job(project)["seed"]


@pytest.mark.parametrize("trouble", [THROTTLED, UNREACHABLE], ids=["throttled", "unreachable"])
def test_a_job_that_could_not_be_started_is_accepted(studio: Studio, ada: Creator, trouble: Exception) -> None:
    project = ada.project()
    studio.cloud.broken["StartExecution"] = trouble
    job = ada.job(project)
    assert jobs.get(job["id"]).status == JobStatus.PENDING
    assert executions.running(job["id"]) is None


def test_a_job_for_a_project_that_is_gone_writes_nothing(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    assert ada.delete(f"/api/projects/{project}").status == 204
    before = studio.dump()
    answer = ada.post("/api/jobs", {"projectId": project, "prompt": "a lighthouse"})
    assert (answer.status, answer.body["code"]) == (404, "project_not_found")
    assert studio.dump() == before


def test_the_deadline_counts_from_the_admission(ada: Creator) -> None:
    project, limit = ada.project(), PLANS[PlanType.FREE].running
    *admitted, waiting = [jobs.get(ada.job(project)["id"]) for _ in range(limit + 1)]
    assert {job.deadline_at - job.updated_at for job in admitted} == {WORK}
    assert waiting.deadline_at - waiting.created_at == WAIT


# --- reading


@pytest.mark.endpoint("GET /api/jobs")
def test_lists_are_newest_first_and_paged_without_gap_or_repeat(ada: Creator) -> None:
    project = ada.project()
    made = [ada.job(project)["id"] for _ in range(5)]
    pages: list[list[str]] = []
    query = {"limit": "2"}
    while page := ada.get("/api/jobs", **query).body:
        pages.append([job["id"] for job in page["data"]])
        if not page["hasMore"]:
            break
        query["cursor"] = page["nextCursor"]
    assert pages == [made[:2:-1], made[2:0:-1], made[:1]]


def test_a_project_lists_its_own_jobs(ada: Creator) -> None:
    one, other = ada.project("one"), ada.project("other")
    in_one = [ada.job(one)["id"], ada.job(one)["id"]]
    in_other = [ada.job(other)["id"]]
    assert [job["id"] for job in ada.list("/api/jobs", projectId=one)] == in_one[::-1]
    assert [job["id"] for job in ada.list("/api/jobs", projectId=other)] == in_other
    newest = ada.get("/api/jobs", projectId=one, limit="1").body
    assert ada.list("/api/jobs", projectId=one, cursor=newest["nextCursor"])[0]["id"] == in_one[0]
    assert len(ada.list("/api/jobs")) == 3


def test_a_list_is_one_query_and_one_batch_and_two_reads_for_places_if_jobs_wait(studio: Studio, ada: Creator) -> None:
    project, running = ada.project(), PLANS[PlanType.FREE].running
    for _ in range(running):
        ada.job(project)
    ada.list("/api/jobs")  # a process reads the pace once in five minutes
    studio.cloud.calls.clear()
    assert len(ada.list("/api/jobs")) == running
    assert studio.cloud.calls == ["UpdateItem", "Query", "BatchGetItem"], "the first call is that of the quota"
    for _ in range(2):
        ada.job(project)
    studio.cloud.calls.clear()
    assert [job["queuePosition"] for job in ada.list("/api/jobs")] == [2, 1, *[None] * running]
    assert studio.cloud.calls == ["UpdateItem", "Query", "BatchGetItem", "GetItem", "Query"]


@pytest.mark.parametrize("of_organization", [False, True], ids=["own", "organization"])
def test_a_job_is_read_with_at_most_three_calls(studio: Studio, ada: Creator, of_organization: bool) -> None:
    organization = ada.organization(credits=100) if of_organization else None
    project, shown = ada.project(organization=organization), dict[str, list[str]]()
    made = [str(ada.job(project)["id"]) for _ in range(PLANS[PlanType.FREE].running + 2)]
    complete_step(made[1], Stage.IMAGE_GENERATION)
    ended = finished(ada, project)
    retried = str(ada.post(f"/api/jobs/{ended}/retry").body["id"])
    ada.get(f"/api/jobs/{made[1]}")  # a process reads the pace once in five minutes
    read = {"begun": made[0], "running": made[1], "waiting": made[2], "ended": ended, "waiting again": retried}
    for name, job_id in read.items():
        studio.cloud.calls.clear()
        assert ada.get(f"/api/jobs/{job_id}").status == 200
        shown[name] = [call for call in studio.cloud.calls if call not in {"UpdateItem", "GetObject"}]
    assert shown == {
        "begun": ["BatchGetItem"] * (2 if organization else 1),
        "running": ["BatchGetItem", "BatchGetItem"],
        "waiting": ["BatchGetItem", "BatchGetItem", "Query"],
        "ended": ["BatchGetItem", "BatchGetItem"],
        "waiting again": ["BatchGetItem", "BatchGetItem", "Query"],
    }


def test_an_empty_list_has_an_empty_array(ada: Creator) -> None:
    assert ada.list("/api/jobs") == []
    assert ada.list("/api/jobs", projectId=ada.project()) == []


@pytest.mark.endpoint("GET /api/jobs/{job_id}")
def test_a_completed_job_shows_signed_urls_of_its_outputs(ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])
    complete_steps(job_id)
    playlist = jobs.results(jobs.get(job_id))[Stage.POST_PROCESSING].key(Role.PLAYLIST)
    assert playlist is not None
    text = '#EXTM3U\n#EXT-X-MAP:URI="film.mp4",BYTERANGE="10@0"\n#EXTINF:2,\n#EXT-X-BYTERANGE:9@10\nfilm.mp4\n'
    clients.s3().put_object(Bucket=media.config().media_bucket, Key=playlist, Body=text.encode())
    settlement.complete(jobs.get(job_id), at=utc_now())
    job = ada.get(f"/api/jobs/{job_id}").body
    assert (job["status"], job["progress"]) == ("COMPLETED", 100)
    for shown in ("imageUrl", "videoUrl", "thumbnailUrl", "posterUrl"):
        assert job[shown].startswith(f"https://media.kinora.test/jobs/{job_id}/")
        assert "Signature=" in job[shown]
    assert all(step["resultUrl"] and step["metadata"] == {"seconds": 1.5} for step in job["steps"])
    lines = job["hlsPlaylist"].splitlines()
    assert lines[-1].startswith("https://media.kinora.test/")
    assert 'URI="https://media.kinora.test/' in lines[1]


@pytest.mark.parametrize("code", ["NoSuchKey", "AccessDenied"])
def test_a_job_whose_playlist_is_deleted_is_shown_without_it(studio: Studio, ada: Creator, code: str) -> None:
    """S3 answers AccessDenied for a missing key to a role without s3:ListBucket."""
    job_id = str(ada.job(ada.project())["id"])
    complete_steps(job_id)
    settlement.complete(jobs.get(job_id), at=utc_now())
    studio.cloud.fails_once["GetObject"] = [ClientError({"Error": {"Code": code, "Message": ""}}, "GetObject")]
    answer = ada.get(f"/api/jobs/{job_id}")
    assert (answer.status, answer.body["status"], answer.body["hlsPlaylist"]) == (200, "COMPLETED", None)


# --- cancelling


@pytest.mark.endpoint("POST /api/jobs/{job_id}/cancel")
def test_cancelling_stops_the_execution_and_releases_the_credits(ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    assert ada.post(f"/api/jobs/{job_id}/cancel").body["status"] == "CANCELLED"
    assert executions.running(job_id) is False
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (100, 0)
    assert HoldRecord.get(job_id).state == "RELEASED"


def test_cancelling_succeeds_although_the_execution_cannot_be_stopped(studio: Studio, ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    throttled = ClientError({"Error": {"Code": "ThrottlingException"}}, "StopExecution")
    studio.cloud.broken["StopExecution"] = throttled
    answer = ada.post(f"/api/jobs/{job_id}/cancel")
    assert (answer.status, answer.body["status"]) == (200, "CANCELLED")


def test_cancelling_again_changes_nothing(studio: Studio, ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    first = ada.post(f"/api/jobs/{job_id}/cancel")
    before = studio.dump()
    second = ada.post(f"/api/jobs/{job_id}/cancel")
    assert (first.status, first.body["seq"]) == (second.status, second.body["seq"]) == (200, 3)
    assert studio.dump() == before


@pytest.mark.parametrize("end", ["complete", "fail"])
def test_an_ended_job_cannot_be_cancelled(studio: Studio, ada: Creator, end: str) -> None:
    job_id = ada.job(ada.project())["id"]
    if end == "complete":
        settlement.complete(complete_steps(job_id), at=utc_now())
    else:
        settlement.fail(jobs.get(job_id), error="no", at=utc_now())
    before = studio.dump()
    answer = ada.post(f"/api/jobs/{job_id}/cancel")
    assert (answer.status, answer.body["code"]) == (409, "job_ended")
    assert studio.dump() == before


def test_a_job_whose_start_was_lost_can_be_cancelled(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    studio.cloud.broken["StartExecution"] = THROTTLED
    job_id = ada.job(project)["id"]
    assert ada.post(f"/api/jobs/{job_id}/cancel").status == 200


def test_the_steps_of_a_cancelled_job_show_cancelled(ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])
    complete_step(job_id, Stage.IMAGE_GENERATION)
    claim(job_id, Stage.VIDEO_SYNTHESIS)
    steps = ada.post(f"/api/jobs/{job_id}/cancel").body["steps"]
    assert [step["status"] for step in steps] == ["COMPLETED", "CANCELLED", "CANCELLED"]


def test_a_failed_job_shows_the_failed_step(ada: Creator) -> None:
    job_id = str(ada.job(ada.project())["id"])
    complete_step(job_id, Stage.IMAGE_GENERATION)
    attempt = claim(job_id, Stage.VIDEO_SYNTHESIS)
    steps.record_failure(job_id, Stage.VIDEO_SYNTHESIS, StageFailure("x", "It broke."), attempt=attempt, at=utc_now())
    settlement.fail(jobs.get(job_id), error="It broke.", at=utc_now())
    job = ada.get(f"/api/jobs/{job_id}").body
    assert (job["status"], job["error"]) == ("FAILED", "It broke.")
    assert [step["status"] for step in job["steps"]] == ["COMPLETED", "FAILED", "CANCELLED"]


# --- deleting


def test_a_running_job_cannot_be_deleted(studio: Studio, ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    for prefix in job_prefixes(job_id):
        media.put(b"x", f"{prefix}x", "image/png", kind="work")
    before = studio.dump()
    answer = ada.delete(f"/api/jobs/{job_id}")
    assert (answer.status, answer.body["code"]) == (409, "job_running")
    assert studio.dump() == before


def test_the_store_deletes_an_ended_job_once(ada: Creator) -> None:
    job = jobs.get(ada.job(ada.project())["id"])

    def delete() -> None:
        with transaction() as tx:
            jobs.delete(job, tx=tx)

    with pytest.raises(JobRunning):
        delete()
    settlement.cancel(job, at=utc_now())
    delete()
    with pytest.raises(JobRunning):
        delete()


@pytest.mark.parametrize("operation", ["DeleteObjects", "BatchWriteItem"])
def test_a_deletion_that_stops_halfway_leaves_the_job(studio: Studio, ada: Creator, operation: str) -> None:
    job_id = ada.job(ada.project())["id"]
    complete_steps(job_id)
    settlement.complete(jobs.get(job_id), at=utc_now())
    studio.cloud.broken[operation] = EndpointConnectionError(endpoint_url="x")
    assert ada.delete(f"/api/jobs/{job_id}").status >= 500
    del studio.cloud.broken[operation]
    assert ada.delete(f"/api/jobs/{job_id}").status == 204


def test_a_job_id_is_used_once(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    project = ada.project()
    job_id = ada.job(project)["id"]
    monkeypatch.setattr(service, "new_id", lambda _kind: job_id)
    before = studio.dump()
    assert ada.post("/api/jobs", {"projectId": project, "prompt": "a lake"}).status == 409
    assert studio.dump() == before


def test_an_execution_is_started_once(studio: Studio, ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    exists = clients.stepfunctions().exceptions.ExecutionAlreadyExists
    studio.cloud.fails_once["StartExecution"] = [exists({}, "StartExecution")]
    executions.start(job_id, [Stage.IMAGE_GENERATION])


@pytest.mark.endpoint("DELETE /api/jobs/{job_id}")
def test_deleting_a_job_leaves_only_records_of_credits_and_slots(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    empty = studio.dump()
    job_id = finished(ada, project)
    clients.s3().put_object(Bucket=media.config().media_bucket, Key=f"jobs/{job_id}/post_processing/a/video", Body=b"x")
    steps.store_token(job_id, Stage.POST_PROCESSING, "token", at=utc_now())
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    assert ada.get(f"/api/jobs/{job_id}").status == 404
    remaining = studio.dump()
    assert {name for name in remaining if remaining[name] != empty[name]} == {
        "kinora-test-media-grants",  # it expires
        "kinora-test-slots",
        *(f"kinora-test-credit-{name}" for name in ("accounts", "holds", "ledger")),
    }


def test_deleting_a_job_again_is_not_found(ada: Creator) -> None:
    project = ada.project()
    one, other = finished(ada, project), finished(ada, project)
    assert [ada.delete(f"/api/jobs/{one}").status for _ in range(2)] == [204, 404]
    assert ada.get(f"/api/projects/{project}").body["jobCount"] == 1
    assert ada.get(f"/api/jobs/{other}").status == 200


# --- the hot item


def test_the_largest_job_item_is_below_one_kilobyte(ada: Creator) -> None:
    """A progress write then costs one write unit. The form: four steps, the last failed once and runs again."""
    driving, sentence = ada.asset(AssetType.VIDEO), "x" * 250
    body = {"projectId": ada.project(), "prompt": "sea " * 500, "inputs": [{"role": "driving", "assetId": driving}]}
    job_id, last, at = str(ada.post("/api/jobs", body).body["id"]), Stage.POST_PROCESSING, utc_now()
    for stage in list(Stage)[:3]:
        complete_step(job_id, stage)
    for retryable in (True, False):
        attempt = claim(job_id, last)
        steps.beat(job_id, last, attempt=attempt, lease_until=at, progress=(99, 99), at=at)
        assert item_bytes(jobs.get(job_id).serialize()) < 1024
        steps.record_failure(
            job_id,
            last,
            StageFailure("a_code_as_long_as_they_get", sentence, retryable=retryable),
            attempt=attempt,
            at=at,
        )
    failed = settlement.fail(jobs.get(job_id), error=str(jobs.get(job_id).step(last).error), at=at)
    assert item_bytes(failed.serialize()) < 1024


def test_the_url_of_a_step_disappears_with_its_file(ada: Creator) -> None:
    """A lifecycle rule deletes the files between the stages. The film stays."""
    job_id = str(ada.job(ada.project())["id"])
    results = jobs.results(complete_steps(job_id))
    job, spec = settlement.complete(jobs.get(job_id), at=utc_now()), jobs.spec(job_id)
    before, after = (
        job_view(job, spec, results, utc_now() + WORK_LIFE + later)
        for later in (timedelta(minutes=-1), timedelta(minutes=1))
    )
    assert before.image_url
    assert after.image_url is None
    assert after.video_url
    assert [step.result_url is None for step in before.steps] == [False, False, False]
    assert [step.result_url is None for step in after.steps] == [True, True, False]
    assert all(step.metadata for step in after.steps)
