"""Dispatch, settle, signal and reconcile, called as the state machine, the queues and the schedule call them."""

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from functions.pipeline import dispatch as dispatching
from functions.pipeline import reconcile, settle, signal
from functions.pipeline.dispatch import Unavailable
from functions.pipeline.dispatch import handler as dispatch
from functions.pipeline.requests import stage_task
from local.environment import ROOT
from shared.assets.record import AssetStatus, AssetType
from shared.aws import clients, media
from shared.aws.queues import queue_url
from shared.aws.records import REGION
from shared.core.clock import utc_now
from shared.credits.record import AccountRecord, HoldRecord
from shared.credits.store import credits
from shared.grants.record import MediaGrantRecord
from shared.jobs import executions, settlement
from shared.jobs.keys import job_prefixes, output_key
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.stages.failures import JOB_ENDED, StageFailure
from shared.stages.messages import AssetVerificationTask, StageTask, sending
from shared.stages.requests import ImageGenerationJob, MotionTransferJob, PostProcessingJob
from shared.stages.stages import Role, Stage
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.cloud import TaskAnswer
from tests.support.steps import claim, complete_step, complete_steps, result_of
from tests.support.studio import Creator, Studio

IMAGE = Stage.IMAGE_GENERATION
VIDEO = Stage.VIDEO_SYNTHESIS
MOTION = Stage.MOTION_TRANSFER
POST = Stage.POST_PROCESSING


def dispatch_step(job_id: str, stage: Stage, token: str = "token-1") -> None:  # noqa: S107  # a test's token
    dispatch({"jobId": job_id, "stage": stage.value, "taskToken": token}, None)


def submitted(ada: Creator, *inputs: tuple[str, AssetType], **settings: Any) -> str:
    given = [{"role": role, "assetId": ada.asset(type)} for role, type in inputs]
    body = {"projectId": ada.project(), "prompt": "a lighthouse", "inputs": given, "settings": settings}
    return str(ada.post("/api/jobs", body).body["id"])


# --- dispatch


def test_dispatch_stores_the_token_and_sends_the_task(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada, seed=7)
    dispatch_step(job_id, IMAGE)
    assert steps.token(job_id, IMAGE) == "token-1"
    [message] = studio.messages("image-generation")
    request = message.pop("request")
    assert message.pop("proof") == MediaGrantRecord.get(f"{job_id}#{IMAGE}").proof
    assert message == {
        "version": 1, "jobId": job_id, "stepId": f"stp_{job_id[4:]}_1", "engine": "procedural",
        "stage": "IMAGE_GENERATION", "sending": sending("token-1"),
    }  # fmt: skip
    assert request == {
        "jobId": job_id, "userId": ada.user_id, "prompt": "a lighthouse", "aspectRatio": "16:9",
        "width": 2304, "height": 1296, "seed": 7,
    }  # fmt: skip
    job = jobs.get(job_id)
    assert (job.status, job.step(IMAGE).status) == (JobStatus.QUEUED, JobStatus.QUEUED)
    assert studio.cloud.answers == []


def test_the_token_is_stored_only_in_its_own_table(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE, "a-secret-token")
    holders = [name for name, items in studio.dump().items() if "a-secret-token" in json.dumps(items)]
    assert holders == ["kinora-test-step-tokens"]
    assert "a-secret-token" not in json.dumps(studio.messages("image-generation"))
    assert "a-secret-token" not in json.dumps(ada.get(f"/api/jobs/{job_id}").body)


def test_dispatch_stores_the_token_the_proof_and_the_status_before_it_sends_the_message(
    studio: Studio, ada: Creator
) -> None:
    """A fast worker reads all three."""
    job_id = submitted(ada)
    studio.cloud.calls.clear()
    dispatch_step(job_id, IMAGE)
    writes = [call for call in studio.cloud.calls if call in {"PutItem", "UpdateItem", "SendMessage"}]
    assert writes == ["PutItem", "UpdateItem", "UpdateItem", "SendMessage"]


def test_a_result_row_of_a_running_step_is_not_a_result(ada: Creator) -> None:
    """A worker writes the row before it changes the step."""
    job_id = submitted(ada)
    attempt = complete_step(job_id, IMAGE)
    step = getattr(JobRecord.steps, IMAGE.folder)
    JobRecord(job_id).update([step.status.set(JobStatus.RUNNING.value)])
    job = jobs.get(job_id)
    assert (job.step(IMAGE).attempt, jobs.results(job)) == (attempt, {})


def test_a_second_dispatch_replaces_the_token(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE, "first")
    dispatch_step(job_id, IMAGE, "second")
    assert steps.token(job_id, IMAGE) == "second"
    assert len(studio.messages("image-generation")) == 2


def test_a_finished_step_is_answered_at_once(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    complete_step(job_id, IMAGE)
    dispatch_step(job_id, IMAGE)
    assert studio.cloud.answers == [TaskAnswer("token-1", None, "")]
    assert studio.messages("image-generation") == []


def test_a_stage_that_is_not_planned_is_answered_at_once(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    planned: Any = executions.execution_input(job_id, [stage for stage, _ in jobs.get(job_id).planned()])
    before = studio.dump()
    for stage in (Stage.MOTION_TRANSFER, IMAGE):
        dispatch({"jobId": job_id, "stage": stage.value, "taskToken": stage.value, **planned[stage.key]}, None)
        if stage is not IMAGE:
            assert studio.dump() == before
    assert studio.cloud.answers == [TaskAnswer("MOTION_TRANSFER", None, "")]
    assert len(studio.messages("image-generation")) == 1


def test_the_step_of_an_ended_job_is_a_final_failure(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    settlement.cancel(jobs.get(job_id), at=utc_now())
    before = studio.dump()
    dispatch_step(job_id, IMAGE)
    assert [(a.token, a.error) for a in studio.cloud.answers] == [("token-1", "Stage.Final")]
    assert studio.dump() == before
    assert studio.messages("image-generation") == []


def test_a_step_without_its_input_is_a_final_failure(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, VIDEO)
    [answer] = studio.cloud.answers
    assert answer.error == "Stage.Final"
    assert json.loads(answer.cause)["code"] == "input_missing"
    assert studio.messages("video-synthesis") == []


def test_a_job_stays_running_while_its_next_step_waits(ada: Creator) -> None:
    job_id = submitted(ada)
    complete_step(job_id, IMAGE)
    seq = jobs.get(job_id).seq
    dispatch_step(job_id, VIDEO)
    assert (jobs.get(job_id).status, jobs.get(job_id).seq) == (JobStatus.RUNNING, seq)


# --- short failures of AWS


THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "any")


def dispatch_with_retries(job_id: str, stage: Stage) -> int:
    """Call dispatch until it succeeds, at most as often as the state's Retry allows. Return the number of calls."""
    definition = json.loads((ROOT / "stepfunctions" / "generate_video.asl.json").read_text())
    rules = definition["States"][stage.state]["Retry"]
    calls = 1
    while True:
        try:
            dispatch_step(job_id, stage, f"token-{calls}")
        except Unavailable as error:
            [most] = [rule["MaxAttempts"] for rule in rules if type(error).__name__ in rule["ErrorEquals"]]
            assert calls <= most
            calls += 1
        else:
            return calls


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("SendMessage", EndpointConnectionError(endpoint_url="x")),
        ("SendMessage", THROTTLED),
        ("GetItem", THROTTLED),
        ("UpdateItem", EndpointConnectionError(endpoint_url="x")),
        ("UpdateItem", ConnectionClosedError(endpoint_url="x")),
    ],
)
def test_a_job_completes_although_aws_fails_once_in_each_dispatch(
    studio: Studio, ada: Creator, operation: str, error: Exception
) -> None:
    job_id = submitted(ada)
    for stage, _ in jobs.get(job_id).planned():
        studio.cloud.fails_once[operation] = [error]
        assert dispatch_with_retries(job_id, stage) == 2
        assert steps.token(job_id, stage) == "token-2"
        assert studio.messages(stage.queue)
        complete_step(job_id, stage)
    assert settle.handler({"jobId": job_id}, None)["status"] == "COMPLETED"


def test_an_answer_that_failed_is_sent_again(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    complete_step(job_id, IMAGE)
    studio.cloud.fails_once["SendTaskSuccess"] = [EndpointConnectionError(endpoint_url="x")]
    assert dispatch_with_retries(job_id, IMAGE) == 2
    assert studio.cloud.answers == [TaskAnswer("token-2", None, "")]


def test_errors_of_our_code_are_not_retried(monkeypatch: pytest.MonkeyPatch, ada: Creator) -> None:
    job_id = submitted(ada)

    def faulty(*_: object, **__: object) -> None:
        raise KeyError("a fault of our code")

    monkeypatch.setattr(dispatching, "stage_task", faulty)
    with pytest.raises(KeyError):
        dispatch_step(job_id, IMAGE)


# --- the request of each stage


def test_each_stage_receives_the_outputs_of_earlier_stages(ada: Creator) -> None:
    job_id = submitted(ada, ("driving", AssetType.VIDEO), resolution="4k", operations=["grade"])
    attempts = {stage: complete_step(job_id, stage) for stage in (IMAGE, VIDEO, MOTION)}
    job, spec = jobs.get(job_id), jobs.spec(job_id)

    def made(stage: Stage, role: str) -> str:
        key = output_key(job_id, stage, attempts[stage], Role(role), role)
        return f"s3://kinora-test-media/{key}"

    video: Any = stage_task(job, spec, jobs.results(job), VIDEO)
    assert (video.request.image_url, video.request.depth_url) == (made(IMAGE, "picture"), made(IMAGE, "depth"))
    assert (video.request.scenery_url, video.request.width, video.request.height) == (None, 2560, 1440)
    motion = stage_task(job, spec, jobs.results(job), MOTION)
    assert isinstance(motion.request, MotionTransferJob)
    assert motion.request.video_url == made(VIDEO, "clip")
    assert motion.request.driving_url.startswith("s3://kinora-test-media/assets/")
    post = stage_task(job, spec, jobs.results(job), POST)
    assert isinstance(post.request, PostProcessingJob)
    assert post.request.video_url == made(MOTION, "clip")
    assert (post.request.width, post.request.height, post.request.operations) == (3840, 2160, ("grade", "watermark"))


def test_later_stages_receive_the_scenery_of_a_picture(ada: Creator) -> None:
    job_id = submitted(ada, ("driving", AssetType.VIDEO))
    attempt = claim(job_id, IMAGE)
    made, at = result_of(job_id, IMAGE, attempt, (Role.SCENERY,)), utc_now()
    steps.record_result(jobs.get(job_id), IMAGE, made, attempt=attempt, at=at)
    complete_step(job_id, VIDEO)
    job = jobs.get(job_id)
    for stage in (VIDEO, MOTION):
        task: Any = stage_task(job, jobs.spec(job_id), jobs.results(job), stage)
        assert task.request.scenery_url == f"s3://kinora-test-media/{made.key(Role.SCENERY)}"


def test_post_processing_receives_the_ingredients_of_the_film(ada: Creator) -> None:
    brought = [("picture", AssetType.IMAGE), ("driving", AssetType.VIDEO), ("audio", AssetType.AUDIO)]
    job_id = submitted(ada, *brought, ("captions", AssetType.OTHER))
    for stage in (VIDEO, MOTION):
        complete_step(job_id, stage)
    job = jobs.get(job_id)
    post = stage_task(job, jobs.spec(job_id), jobs.results(job), POST)
    assert isinstance(post.request, PostProcessingJob)
    assert post.request.audio_url
    assert post.request.captions_url
    assert [(one.role, one.engine) for one in post.request.ingredients] == [
        ("picture", None), ("driving", None), ("audio", None), ("clip", "transfer"),
    ]  # fmt: skip


def test_without_motion_transfer_post_processing_receives_the_synthesized_clip(ada: Creator) -> None:
    job_id = submitted(ada)
    complete_step(job_id, IMAGE)
    attempt = complete_step(job_id, VIDEO)
    job = jobs.get(job_id)
    post: Any = stage_task(job, jobs.spec(job_id), jobs.results(job), POST)
    assert post.request.video_url == f"s3://kinora-test-media/work/{job_id}/video_synthesis/{attempt}/clip"


def test_an_uploaded_picture_has_no_depth(ada: Creator) -> None:
    job_id = submitted(ada, ("picture", AssetType.IMAGE))
    job = jobs.get(job_id)
    video: Any = stage_task(job, jobs.spec(job_id), {}, VIDEO)
    assert video.request.image_url.startswith("s3://kinora-test-media/assets/")
    assert (video.request.depth_url, video.request.scenery_url) == (None, None)


@pytest.mark.parametrize("stage", [VIDEO, MOTION, POST])
def test_a_stage_without_its_input_is_a_final_failure(ada: Creator, stage: Stage) -> None:
    job_id = submitted(ada, ("driving", AssetType.VIDEO))
    with pytest.raises(StageFailure) as failed:
        stage_task(jobs.get(job_id), jobs.spec(job_id), {}, stage)
    assert (failed.value.code, failed.value.state_error) == ("input_missing", "Stage.Final")


def test_a_portrait_film_has_a_portrait_picture(ada: Creator) -> None:
    job_id = submitted(ada, aspectRatio="9:16", resolution="720p")
    task = stage_task(jobs.get(job_id), jobs.spec(job_id), {}, IMAGE)
    assert isinstance(task.request, ImageGenerationJob)
    assert (task.request.width, task.request.height) == (864, 1536)


# --- settle


def test_settle_completes_a_job_whose_steps_are_complete(ada: Creator) -> None:
    job_id = submitted(ada)
    complete_steps(job_id)
    assert settle.handler({"jobId": job_id, "imageGeneration": {}}, None) == {"jobId": job_id, "status": "COMPLETED"}
    assert settle.handler({"jobId": job_id}, None)["status"] == "COMPLETED"
    assert credits.account(ada.user_id).held == 0


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        ({"Error": "States.Timeout", "Cause": ""}, "A step took too long."),
        ({"Error": "States.HeartbeatTimeout"}, "A step took too long."),
        ({"Error": "Stage.Final", "Cause": '{"code": "x", "message": "The clip is empty."}'}, "The clip is empty."),
        (
            {"Error": "Lambda.Unknown", "Cause": "Traceback: secret"},
            "Something went wrong on our side. Nothing was charged.",
        ),
        (
            {"Error": "KeyError", "Cause": '{"errorMessage": "secret"}'},
            "Something went wrong on our side. Nothing was charged.",
        ),
        ({"Error": "x", "Cause": "[1]"}, "Something went wrong on our side. Nothing was charged."),
        ({"Error": "x", "Cause": None}, "Something went wrong on our side. Nothing was charged."),
        ({}, "Something went wrong on our side. Nothing was charged."),
    ],
)
def test_settle_shows_the_creator_a_public_message(ada: Creator, error: dict[str, Any], sentence: str) -> None:
    job_id = submitted(ada)
    assert settle.handler({"jobId": job_id, "error": error}, None)["status"] == "FAILED"
    assert jobs.get(job_id).error == sentence
    assert credits.account(ada.user_id).available == 100


def test_settle_prefers_the_error_of_the_step(ada: Creator) -> None:
    job_id = submitted(ada)
    attempt = claim(job_id, IMAGE)
    steps.record_failure(job_id, IMAGE, StageFailure("x", "Too dark."), attempt=attempt, at=utc_now())
    settle.handler({"jobId": job_id, "error": {"Error": "Stage.Final", "Cause": '{"message": "Other."}'}}, None)
    assert jobs.get(job_id).error == "Too dark."


def test_settle_ignores_a_failure_before_a_later_success(ada: Creator) -> None:
    job_id = submitted(ada)
    attempt = claim(job_id, IMAGE)
    steps.record_failure(job_id, IMAGE, StageFailure("x", "Once.", retryable=True), attempt=attempt, at=utc_now())
    complete_step(job_id, IMAGE)
    settle.handler({"jobId": job_id, "error": {"Error": "States.Timeout"}}, None)
    assert jobs.get(job_id).error == "A step took too long."


# --- signal


def dead_letter(studio: Studio, queue: str) -> dict[str, str]:
    delivery = studio.deliver(queue)
    assert delivery is not None
    delivery.delete()
    return {
        "messageId": "m-1",
        "body": delivery.body,
        "eventSourceARN": f"arn:aws:sqs:us-east-1:1:kinora-test-{queue}-dlq",
    }


def attempted(job_id: str, times: int) -> None:
    """Let `times` workers claim the step of image generation and die."""
    for number in range(times):
        claim(job_id, IMAGE, utc_now() - timedelta(hours=1) + number * timedelta(minutes=1))


def test_a_dead_letter_is_answered_with_a_failure_after_many_attempts(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    attempted(job_id, signal.MAX_ATTEMPTS)
    assert signal.handler({"Records": [dead_letter(studio, "image-generation")]}, None) == {"batchItemFailures": []}
    [answer] = studio.cloud.answers
    assert (answer.token, answer.error, json.loads(answer.cause)["code"]) == ("token-1", "Stage.Final", "worker_lost")


@pytest.mark.parametrize("attempts", [0, signal.MAX_ATTEMPTS - 1])
@pytest.mark.parametrize("queue", [IMAGE.queue, IMAGE.priority_queue])
def test_a_step_with_attempts_left_is_sent_again_later(studio: Studio, ada: Creator, attempts: int, queue: str) -> None:
    """A receive is not a failure: the table was down, or workers stopped."""
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    attempted(job_id, attempts)
    letter = dead_letter(studio, IMAGE.queue) | {"eventSourceARN": f"arn:aws:sqs:us-east-1:1:kinora-test-{queue}-dlq"}
    assert signal.handler({"Records": [letter]}, None) == {"batchItemFailures": []}
    assert studio.cloud.answers == []
    assert studio.messages(queue) == [], "delayed"
    found = clients.sqs().get_queue_attributes(
        QueueUrl=queue_url(queue), AttributeNames=["ApproximateNumberOfMessagesDelayed"]
    )
    assert found["Attributes"]["ApproximateNumberOfMessagesDelayed"] == "1"


def test_an_attempt_that_was_handed_back_is_no_failure(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    for _ in range(signal.MAX_ATTEMPTS):
        steps.release(job_id, IMAGE, attempt=claim(job_id, IMAGE), at=utc_now())
    assert signal.handler({"Records": [dead_letter(studio, IMAGE.queue)]}, None) == {"batchItemFailures": []}
    assert studio.cloud.answers == []


def test_a_dead_letter_waits_while_an_attempt_is_alive(studio: Studio, ada: Creator) -> None:
    """A duplicate of the message ran out of receives. The worker that has the step is healthy."""
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    letter = dead_letter(studio, IMAGE.queue)
    attempted(job_id, signal.MAX_ATTEMPTS)
    claim(job_id, IMAGE)
    assert signal.handler({"Records": [letter]}, None) == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    assert studio.cloud.answers == []


def test_a_dead_letter_does_not_believe_a_lease_of_a_fast_clock(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    attempted(job_id, signal.MAX_ATTEMPTS)
    claim(job_id, IMAGE, utc_now() + timedelta(hours=12))
    signal.handler({"Records": [dead_letter(studio, IMAGE.queue)]}, None)
    assert [answer.error for answer in studio.cloud.answers] == ["Stage.Final"]


def test_a_dead_letter_of_an_earlier_sending_is_dropped(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    letter = dead_letter(studio, IMAGE.queue)
    dispatch_step(job_id, IMAGE, "token-2")
    attempted(job_id, signal.MAX_ATTEMPTS)
    assert signal.handler({"Records": [letter]}, None) == {"batchItemFailures": []}
    assert studio.cloud.answers == []
    assert len(studio.messages(IMAGE.queue)) == 1, "only the message of the second dispatch"


def test_a_dead_letter_of_an_older_version_is_of_the_current_sending(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    letter = dead_letter(studio, IMAGE.queue)
    body = json.loads(letter["body"])
    del body["sending"]
    attempted(job_id, signal.MAX_ATTEMPTS)
    signal.handler({"Records": [letter | {"body": json.dumps(body)}]}, None)
    assert [answer.error for answer in studio.cloud.answers] == ["Stage.Final"]


def test_a_dead_letter_of_a_deleted_job_whose_token_stayed_is_dropped(studio: Studio, ada: Creator) -> None:
    """A dispatch that ran at the time of the deletion stored its token after it."""
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    letter = dead_letter(studio, IMAGE.queue)
    settlement.cancel(jobs.get(job_id), at=utc_now())
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    steps.store_token(job_id, IMAGE, "token-1", at=utc_now())
    assert signal.handler({"Records": [letter]}, None) == {"batchItemFailures": []}


def test_a_dead_letter_of_a_completed_step_is_answered_with_success(studio: Studio, ada: Creator) -> None:
    """The result was recorded, but the report failed until the queue gave up. A lost report loses no result."""
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    letter = dead_letter(studio, "image-generation")
    complete_step(job_id, IMAGE)
    signal.handler({"Records": [letter]}, None)
    assert studio.cloud.answers == [TaskAnswer("token-1", None, "")]


def test_a_dead_letter_of_an_ended_job_ends_its_task(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    letter = dead_letter(studio, "image-generation")
    settlement.cancel(jobs.get(job_id), at=utc_now())
    signal.handler({"Records": [letter]}, None)
    assert [answer.error for answer in studio.cloud.answers] == [JOB_ENDED.state_error]
    assert studio.messages("image-generation") == []


def test_a_dead_letter_of_a_deleted_job_is_dropped(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    letter = dead_letter(studio, "image-generation")
    settlement.cancel(jobs.get(job_id), at=utc_now())
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    assert signal.handler({"Records": [letter]}, None) == {"batchItemFailures": []}
    assert studio.cloud.answers == []


def test_a_bad_dead_letter_does_not_block_the_others(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    complete_step(job_id, IMAGE)
    good, bad = dead_letter(studio, "image-generation"), {"messageId": "m-bad", "body": "{not ours"}
    assert signal.handler({"Records": [bad, good]}, None) == {"batchItemFailures": [{"itemIdentifier": "m-bad"}]}
    assert len(studio.cloud.answers) == 1


def test_an_asset_that_no_worker_could_verify_is_rejected(ada: Creator) -> None:
    asset_id = ada.asset(AssetType.IMAGE, status=AssetStatus.VERIFYING)
    letter = {"messageId": "m-1", "body": AssetVerificationTask(asset_id=asset_id).model_dump_json(by_alias=True)}
    assert signal.handler({"Records": [letter, letter]}, None) == {"batchItemFailures": []}
    assert ada.get(f"/api/assets/{asset_id}").body["status"] == "REJECTED"


# --- reconcile


def swept(at: datetime) -> dict[str, int]:
    """Sweep, and return the counts that are not zero."""
    return {what: count for what, count in reconcile.sweep(at).items() if count}


def swept_for_ten_minutes(at: datetime) -> Counter[str]:
    """Sweep in each job's turn, and return the sums of the counts."""
    return sum((Counter(swept(at + timedelta(minutes=minute))) for minute in range(reconcile.TURNS)), Counter())


def twenty_jobs(studio: Studio) -> list[str]:
    creator = studio.arrive("rich@example.com", credits=1000)
    subscriptions.put(creator.user_id, PlanType.ENTERPRISE, SubscriptionStatus.ACTIVE, at=utc_now())
    project = creator.project()
    return [str(creator.job(project)["id"]) for _ in range(20)]


def ended_badly(job_id: str) -> dict[str, Any]:
    detail = {"name": job_id, "status": "ABORTED", "executionArn": executions._arn(job_id)}
    return {"source": "aws.states", "detail-type": "Step Functions Execution Status Change", "detail": detail}


def test_a_job_whose_start_was_lost_is_started(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    studio.cloud.broken["StartExecution"] = EndpointConnectionError(endpoint_url="x")
    job_id = ada.job(project)["id"]
    studio.cloud.broken.clear()
    at = utc_now() + timedelta(minutes=1)
    assert swept(at) == {"seen": 1, "started": 1}
    assert executions.running(job_id)
    assert swept(at) == {"seen": 1}


def test_reconcile_ignores_a_job_that_was_just_submitted(studio: Studio, ada: Creator) -> None:
    project = ada.project()
    studio.cloud.broken["StartExecution"] = EndpointConnectionError(endpoint_url="x")
    ada.job(project)
    studio.cloud.broken.clear()
    assert reconcile.handler({}, None)["started"] == 0


def test_reconcile_ignores_a_healthy_job(studio: Studio, ada: Creator) -> None:
    submitted(ada)
    before = studio.dump()
    at = utc_now() + timedelta(minutes=30)
    assert swept(at) == {"seen": 1}
    assert studio.dump() == before


def test_a_job_past_its_deadline_is_failed_and_stopped(ada: Creator) -> None:
    job_id = submitted(ada)
    at = utc_now() + timedelta(hours=2, minutes=1)
    assert reconcile.sweep(at)["failed"] == 1
    assert jobs.get(job_id).status == JobStatus.FAILED
    assert executions.running(job_id) is False
    assert credits.account(ada.user_id).available == 100
    assert reconcile.sweep(at)["seen"] == 0


def test_the_deadline_applies_to_a_job_that_still_beats(ada: Creator) -> None:
    """The beat runs in its own thread, so an engine that hangs still extends its lease."""
    job_id = submitted(ada)
    late = utc_now() + timedelta(hours=2, minutes=1)
    claim(job_id, IMAGE, late)
    assert reconcile.sweep(late)["failed"] == 1


def test_a_job_whose_execution_died_is_failed(ada: Creator) -> None:
    job_id = submitted(ada)
    clients.stepfunctions().stop_execution(executionArn=executions._arn(job_id))
    at = utc_now() + timedelta(minutes=1)
    assert reconcile.sweep(at)["failed"] == 1
    assert jobs.get(job_id).error == "Something went wrong on our side. Nothing was charged."


def test_a_job_whose_settle_was_lost_is_completed_and_charged(ada: Creator) -> None:
    job_id = submitted(ada)
    complete_steps(job_id)
    clients.stepfunctions().stop_execution(executionArn=executions._arn(job_id))
    at = utc_now() + timedelta(minutes=1)
    assert reconcile.sweep(at)["completed"] == 1
    account = credits.account(ada.user_id)
    assert (account.available, account.held) == (100 - jobs.get(job_id).credits, 0)


def test_reconcile_ignores_a_job_that_was_just_changed(ada: Creator) -> None:
    """Settlement follows the end of the state machine after a short delay."""
    job_id = submitted(ada)
    clients.stepfunctions().stop_execution(executionArn=executions._arn(job_id))
    for minute in range(1, reconcile.TURNS + 1):  # the job's turn is one of these
        at = utc_now() + timedelta(minutes=minute)
        JobRecord(job_id).update([JobRecord.updated_at.set(at - timedelta(seconds=5))])
        assert reconcile.sweep(at)["failed"] == 0


def test_the_clock_of_a_worker_hides_no_job(ada: Creator) -> None:
    """The worker that wrote last has a clock that is one hour fast."""
    job_id = submitted(ada)
    complete_steps(job_id)
    clients.stepfunctions().stop_execution(executionArn=executions._arn(job_id))
    JobRecord(job_id).update([JobRecord.updated_at.set(utc_now() + timedelta(hours=1))])
    assert reconcile.sweep(utc_now() + timedelta(minutes=1))["completed"] == 1


def test_an_ended_job_is_never_reconciled(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    settlement.cancel(jobs.get(job_id), at=utc_now())
    before = studio.dump()
    assert reconcile._reconcile(job_id, None, utc_now() + timedelta(days=1), in_turn=True) is None
    assert studio.dump() == before


@pytest.mark.parametrize("broken", ["account", "status", "deadline"])
def test_a_job_that_cannot_be_reconciled_does_not_block_the_others(ada: Creator, broken: str) -> None:
    """The first job's account holds less than its hold, or a newer release wrote what this one cannot read."""
    first, second = submitted(ada), submitted(ada)
    if broken == "account":
        eve = "usr_other"
        AccountRecord(eve, available=0, held=0).save()
        HoldRecord(first).update([HoldRecord.account_id.set(eve)])
    elif broken == "status":
        JobRecord(first).update([JobRecord.status.set("ARCHIVED")])
    else:
        _write_an_unreadable_deadline(first)
    at = utc_now() + timedelta(hours=3)
    assert swept(at) == {"seen": 2, "failed": 2 if broken == "status" else 1}
    assert jobs.get(second).status == JobStatus.FAILED


def _write_an_unreadable_deadline(job_id: str) -> None:
    boto3.client("dynamodb", region_name=REGION).update_item(
        TableName="kinora-test-jobs",
        Key={"job_id": {"S": job_id}},
        UpdateExpression="SET deadline_at = :text",
        ExpressionAttributeValues={":text": {"S": "soon"}},
    )


def test_the_event_of_an_ended_execution_heals_only_its_job_and_at_once(studio: Studio, ada: Creator) -> None:
    job_id, other = submitted(ada), submitted(ada)
    claim(job_id, IMAGE)
    studio.cloud.calls.clear()
    assert reconcile.handler(ended_badly(job_id), None)["failed"] == 1
    assert jobs.get(job_id).status == JobStatus.FAILED
    assert jobs.get(other).status == JobStatus.PENDING
    assert "DescribeExecution" not in studio.cloud.calls
    assert studio.cloud.calls.count("BatchGetItem") == 2, "of the slots, before the next admissions"


def test_the_event_of_an_ended_execution_completes_a_job_whose_settle_failed(ada: Creator) -> None:
    job_id = submitted(ada)
    complete_steps(job_id)
    assert reconcile.handler(ended_badly(job_id), None)["completed"] == 1
    assert credits.get_hold(job_id).state == "CAPTURED"


def test_the_event_of_a_cancelled_or_deleted_job_changes_nothing(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    settlement.cancel(jobs.get(job_id), at=utc_now())
    before = studio.dump()
    studio.cloud.calls.clear()
    reconcile.handler(ended_badly(job_id), None)
    assert studio.dump() == before
    assert "TransactWriteItems" not in studio.cloud.calls
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    reconcile.handler(ended_badly(job_id), None)


def test_the_event_of_an_ended_job_ends_its_open_hold(ada: Creator) -> None:
    job_id = submitted(ada)
    JobRecord(job_id).update([JobRecord.status.set(JobStatus.CANCELLED.value), JobRecord.completed_at.set(utc_now())])
    reconcile.handler(ended_badly(job_id), None)
    assert credits.account(ada.user_id).available == 100


def test_open_jobs_are_read_together_and_their_executions_in_turns(studio: Studio) -> None:
    waiting = twenty_jobs(studio)
    for job_id in waiting:
        dispatch_step(job_id, IMAGE)
    at = utc_now() + timedelta(minutes=1)
    studio.cloud.calls.clear()
    reconcile.sweep(at)
    assert studio.cloud.calls.count("BatchGetItem") == 2, "of the jobs, and of the slots before an admission"
    assert studio.cloud.calls.count("GetItem") == 2, "of the slots, to take back those of ended jobs"
    assert studio.cloud.calls.count("DescribeExecution") < 20
    for minute in range(1, reconcile.TURNS):
        reconcile.sweep(at + timedelta(minutes=minute))
    assert studio.cloud.calls.count("DescribeExecution") == 20


def test_a_sweep_without_time_for_all_jobs_reaches_each_job_within_the_turns(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = set(twenty_jobs(studio))
    largest = max(Counter(reconcile._turns_until(job_id, 0) for job_id in waiting).values())
    ticks = count()
    monkeypatch.setattr(reconcile, "monotonic", lambda: next(ticks))
    monkeypatch.setattr(reconcile, "SWEEP_SECONDS", float(largest))
    reached: set[str] = set()
    real = reconcile._reconcile

    def noting(job_id: str, *rest: Any, **more: Any) -> str | None:
        reached.add(job_id)
        return real(job_id, *rest, **more)

    monkeypatch.setattr(reconcile, "_reconcile", noting)
    first = reconcile.sweep(utc_now() + timedelta(minutes=1))
    assert (first["seen"], first["left"]) == (largest, 20 - largest)
    swept_for_ten_minutes(utc_now() + timedelta(minutes=2))
    assert reached == waiting


def test_an_execution_that_waits_for_a_completed_step_is_answered_again(studio: Studio, ada: Creator) -> None:
    """The report of a result was accepted by nobody: the worker deleted the message, and the execution still waits."""
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    complete_step(job_id, IMAGE)
    at = utc_now() + timedelta(minutes=1)
    assert swept_for_ten_minutes(at)["answered"] == 1
    assert studio.cloud.answers == [TaskAnswer("token-1", None, "")]
    dispatch_step(job_id, VIDEO, "token-2")
    assert swept_for_ten_minutes(at)["answered"] == 0


def test_an_execution_that_waits_for_the_last_step_is_answered_again(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    steps.store_token(job_id, POST, "token-3", at=utc_now())
    complete_steps(job_id)
    assert swept(utc_now() + timedelta(minutes=1)) == {"seen": 1, "answered": 1}
    assert studio.cloud.answers == [TaskAnswer("token-3", None, "")]


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.COMPLETED, None])
def test_the_hold_of_a_job_that_ended_or_is_gone_is_ended(ada: Creator, status: JobStatus | None) -> None:
    job_id = submitted(ada)
    price = jobs.get(job_id).credits
    if status is None:
        JobRecord(job_id).delete()
    else:
        complete_steps(job_id)
        JobRecord(job_id).update([JobRecord.status.set(status.value), JobRecord.completed_at.set(utc_now())])
    at = utc_now() + timedelta(minutes=1)
    assert swept(at) == {"seen": 1, "released": 1}
    account = credits.account(ada.user_id)
    charged = price if status is JobStatus.COMPLETED else 0
    assert (account.available, account.held) == (100 - charged, 0)
    assert swept(at) == {}


def test_the_hold_of_a_completed_job_without_its_film_is_released(ada: Creator) -> None:
    job_id = submitted(ada)
    complete_steps(job_id)
    for prefix in job_prefixes(job_id):
        media.delete_below(prefix)
    JobRecord(job_id).update([JobRecord.status.set(JobStatus.COMPLETED.value), JobRecord.completed_at.set(utc_now())])
    assert swept(utc_now() + timedelta(minutes=1)) == {"seen": 1, "released": 1}
    assert credits.account(ada.user_id).available == 100


def test_a_report_is_not_sent_again_after_the_next_dispatch(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    complete_step(job_id, IMAGE)
    dispatch_step(job_id, Stage.VIDEO_SYNTHESIS, "token-2")
    swept_for_ten_minutes(utc_now() + timedelta(minutes=1))
    assert studio.cloud.answers == []


def test_a_step_that_a_late_claim_has_taken_is_dispatched_again(studio: Studio, ada: Creator) -> None:
    """The network carries out the claim of an attempt that has ended, after the message was deleted."""
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    claim(job_id, IMAGE, utc_now())
    assert swept_for_ten_minutes(utc_now() + reconcile.LOST_AFTER - timedelta(minutes=10))["dispatched"] == 0
    later = utc_now() + reconcile.LOST_AFTER + timedelta(minutes=1)
    assert swept_for_ten_minutes(later)["dispatched"] == 1
    assert [(answer.token, answer.error) for answer in studio.cloud.answers] == [("token-1", Unavailable.__name__)]
    steps.store_token(job_id, IMAGE, "token-2", at=later)
    assert swept_for_ten_minutes(later)["dispatched"] == 0


def test_a_step_whose_worker_is_alive_is_not_dispatched_again(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    later = utc_now() + reconcile.LOST_AFTER + timedelta(minutes=1)
    claim(job_id, IMAGE, later)
    assert swept_for_ten_minutes(later)["dispatched"] == 0
    assert studio.cloud.answers == []


def test_a_report_to_an_ended_task_is_not_an_error(studio: Studio) -> None:
    known = clients.stepfunctions().exceptions
    for error in (known.TaskTimedOut, known.TaskDoesNotExist, known.InvalidToken):
        studio.cloud.fails_once["SendTaskSuccess"] = [error({}, "SendTaskSuccess")]
        executions.succeed("token-1")
    assert studio.cloud.answers == []


def test_a_hold_that_another_caller_ends_meanwhile_is_not_an_error(
    ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submitted(ada)
    stale = credits.get_hold(job_id)
    job = settlement.cancel(jobs.get(job_id), at=utc_now())
    monkeypatch.setattr(credits, "get_hold", lambda _job_id: stale)
    assert not settlement.end_hold(job_id, job, at=utc_now())
    assert credits.account(ada.user_id).available == 100


def test_messages_of_the_pipeline_can_be_decoded(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada)
    dispatch_step(job_id, IMAGE)
    delivery = studio.deliver("image-generation")
    assert delivery is not None
    job = jobs.get(job_id)
    expected = stage_task(job, jobs.spec(job_id), {}, IMAGE, sending=sending("token-1"))
    sent = StageTask.model_validate_json(delivery.body)
    assert sent == expected.model_copy(update={"proof": sent.proof})
