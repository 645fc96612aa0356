"""The worker runtime with small engines: the worker records its results, and only the current attempt counts (I4)."""

import json
import signal as signals
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from io import BytesIO
from threading import Event
from time import monotonic, sleep
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.response import StreamingBody
from pynamodb.exceptions import PynamoDBException

from functions.pipeline import signal
from functions.pipeline.dispatch import handler as dispatch
from shared.aws import clients, media
from shared.aws.queues import queue_url
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.events import JobEvent, JobProgress, job_event
from shared.jobs.keys import preview_key
from shared.jobs.record import JobStatus
from shared.jobs.steps import Fenced, steps
from shared.jobs.store import StepResult, jobs
from shared.stages.failures import StageFailure
from shared.stages.requests import StageRequest
from shared.stages.stages import Role, Stage
from tests.support.cloud import TaskAnswer, nothing
from tests.support.steps import claim, complete_step, stored_keys
from tests.support.studio import Creator, Studio
from tests.support.variants import few_quick
from workers.engines.contract import Output, StageResult, Stopped, Workspace
from workers.runtime import queues
from workers.runtime.attempt import Attempt
from workers.runtime.outages import AWS_ERRORS, GrantFailed
from workers.runtime.queue_loop import reach_aws
from workers.runtime.queues import Delivery, Shutdown, consume
from workers.runtime.step import StepRunner

IMAGE = Stage.IMAGE_GENERATION
QUEUE = IMAGE.queue
GOOD = TaskAnswer("token-1", None, "")


@dataclass
class TinyEngine:
    """An engine that writes two tiny files and calls `meanwhile` during its work."""

    meanwhile: Callable[[Workspace], object] = lambda _: None
    runs: int = 0

    def load(self) -> None: ...

    def run(self, _request: StageRequest, workspace: Workspace) -> StageResult:
        self.runs += 1
        workspace.progress(0.5)
        self.meanwhile(workspace)
        for name in ("picture.png", "depth.png"):
            (workspace.folder / name).write_bytes(name.encode())
        return StageResult(
            (
                Output(Role.PICTURE, workspace.folder / "picture.png", "image/png"),
                Output(Role.DEPTH, workspace.folder / "depth.png", "image/png"),
            ),
            {"seconds": 0.1},
        )


@pytest.fixture
def job_id(ada: Creator) -> str:
    """A job whose picture is dispatched."""
    made = str(ada.job(ada.project())["id"])
    dispatch({"jobId": made, "stage": "IMAGE_GENERATION", "taskToken": "token-1"}, None)
    return made


@pytest.fixture(autouse=True)
def no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    """The beat calls AWS from a thread of its own, so a test that counts or breaks calls has none."""
    monkeypatch.setenv("KINORA_BEAT_SECONDS", "60")
    monkeypatch.setenv("KINORA_PROGRESS_SECONDS", "60")


@pytest.fixture
def quick_beats(no_beat: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_BEAT_SECONDS", "0.2")
    monkeypatch.setenv("KINORA_PROGRESS_SECONDS", "0.2")


def work(studio: Studio, engine: TinyEngine, *, shutdown: Callable[[], bool] = lambda: False) -> Delivery:
    """Handle one delivery of the stage's queue and return it."""
    delivery = studio.deliver(QUEUE)
    assert delivery is not None
    StepRunner({"procedural": engine}, shutdown_requested=shutdown).handle(delivery)
    return delivery


def waiting(studio: Studio) -> tuple[int, int]:
    """Return the number of (visible, hidden) messages."""
    found = clients.sqs().get_queue_attributes(QueueUrl=queue_url(QUEUE), AttributeNames=["All"])["Attributes"]
    return int(found["ApproximateNumberOfMessages"]), int(found["ApproximateNumberOfMessagesNotVisible"])


@pytest.fixture
def restored_signals() -> Iterator[None]:
    """Restore the signal handlers after the test."""
    numbers = (signals.SIGTERM, signals.SIGINT)
    before = [signals.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signals.signal(number, handler)


def until(condition: Callable[[], bool]) -> None:
    end = monotonic() + 20
    while not condition():
        assert monotonic() < end, "the condition never became true"
        sleep(0.02)


def run_on(workspace: Workspace) -> None:
    """Report progress until the worker stops the engine."""
    end = monotonic() + 20
    while monotonic() < end:
        workspace.progress(0.6)
        sleep(0.02)
    raise AssertionError("the engine was never stopped")


# --- success


def test_a_result_is_uploaded_recorded_answered_and_only_then_deleted(studio: Studio, job_id: str) -> None:
    studio.cloud.calls.clear()
    work(studio, TinyEngine())
    job = jobs.get(job_id)
    step = job.step(IMAGE)
    assert (step.status, step.progress, step.attempts) == (JobStatus.COMPLETED, 100, 1)
    assert step.lease_until is None
    assert job.progress == 33
    place = f"image_generation/{step.attempt}"
    preview = f"jobs/{job_id}/previews/{place}/placeholder.jpg"
    picture, depth = f"jobs/{job_id}/{place}/picture.png", f"work/{job_id}/{place}/depth.png"
    assert stored_keys(job_id) == {preview, picture, depth}
    result = jobs.results(job)[IMAGE]
    assert (result.key(Role.PICTURE), result.metrics) == (picture, {"seconds": 0.1})
    assert result.key(Role.STEP_PREVIEW) == preview
    assert studio.cloud.answers == [GOOD]
    assert waiting(studio) == (0, 0)
    order = ["PutObject", "PutItem", "SendTaskSuccess", "DeleteMessage"]
    assert [call for call in dict.fromkeys(studio.cloud.calls) if call in order] == order


def test_uploads_are_tagged_by_whether_they_are_final(studio: Studio, job_id: str) -> None:
    work(studio, TinyEngine())
    bucket = media.config().media_bucket
    for key in stored_keys(job_id):
        tags = clients.s3().get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
        assert tags == [{"Key": "kind", "Value": "work"}]
        media_type = clients.s3().head_object(Bucket=bucket, Key=key)["ContentType"]
        assert media_type == ("image/jpeg" if "/previews/" in key else "image/png")


def test_a_message_delivered_after_completion_is_only_answered(studio: Studio, job_id: str) -> None:
    attempt = complete_step(job_id, IMAGE)
    before, engine = studio.dump(), TinyEngine()
    work(studio, engine)
    assert engine.runs == 0
    assert studio.cloud.answers == [GOOD]
    assert studio.dump() == before
    assert jobs.get(job_id).step(IMAGE).attempt == attempt
    assert waiting(studio) == (0, 0)


def test_a_lost_answer_loses_nothing(studio: Studio, job_id: str) -> None:
    """The state machine is not reachable. The message stays, and its next delivery answers without new work."""
    studio.cloud.broken["SendTaskSuccess"] = EndpointConnectionError(endpoint_url="x")
    engine = TinyEngine()
    with pytest.raises(EndpointConnectionError):
        work(studio, engine)
    assert jobs.get(job_id).step(IMAGE).status == JobStatus.COMPLETED
    assert waiting(studio) == (0, 1)
    studio.cloud.broken.clear()
    make_visible(studio)
    work(studio, engine)
    assert (engine.runs, studio.cloud.answers) == (1, [GOOD])
    assert waiting(studio) == (0, 0)


def make_visible(studio: Studio) -> None:
    """Make the hidden message visible, as at the end of its visibility timeout."""
    for delivery in studio.in_flight(QUEUE):
        delivery.hide(0)


# --- outages


DOWN, BUSY = EndpointConnectionError(endpoint_url="x"), ClientError({"Error": {"Code": "503", "Message": ""}}, "any")


def fetches(workspace: Workspace) -> None:
    workspace.fetch(media.address("assets/x/clean.png"))


@pytest.mark.parametrize("error", [DOWN, BUSY], ids=["down", "busy"])
@pytest.mark.parametrize(
    ("operation", "meanwhile"),
    few_quick(
        [
            ("PutItem", lambda _: None),
            ("PutObject", lambda _: None),
            ("HeadObject", fetches),
            ("Invoke", lambda _: None),
        ],
        2,
    ),
    ids=["record", "upload", "fetch", "access"],
)
def test_a_step_is_handed_back_while_a_service_does_not_answer(
    studio: Studio, job_id: str, operation: str, meanwhile: Callable[[Workspace], None], error: Exception
) -> None:
    """The outage is longer than the retries of the state machine, and than the receives before the dead letters."""
    clients.s3().put_object(Bucket=media.config().media_bucket, Key="assets/x/clean.png", Body=b"pixels")
    studio.cloud.broken[operation] = error
    for _ in range(signal.MAX_ATTEMPTS + 1):
        with pytest.raises(AWS_ERRORS):
            work(studio, TinyEngine(meanwhile))
    step = jobs.get(job_id).step(IMAGE)
    assert step.status == JobStatus.QUEUED
    assert step.lease_until is None
    assert step.error is None
    assert step.lost_attempts == 0
    assert (studio.cloud.answers, waiting(studio)) == ([], (1, 0))
    studio.cloud.broken.clear()
    work(studio, TinyEngine(meanwhile))
    assert studio.cloud.answers == [GOOD]


def test_a_step_is_handed_back_while_the_access_fails(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lambda answers, and the function has raised an error: STS or the table does not answer it."""
    good, failed = studio.cloud._invoke, BytesIO(b'{"errorType": "ClientError"}')
    monkeypatch.setattr(
        studio.cloud,
        "_invoke",
        lambda params: (good(params)[0], {"FunctionError": "Unhandled", "Payload": StreamingBody(failed, 28)}),
    )
    with pytest.raises(GrantFailed):
        work(studio, TinyEngine())
    assert (studio.cloud.answers, waiting(studio)) == ([], (1, 0))


def test_a_result_whose_write_was_the_last_before_an_outage_is_not_handed_back(studio: Studio, job_id: str) -> None:
    def cut_off(operation: str) -> None:
        if operation == "PutItem":  # the result's own item; the update of the job follows
            studio.cloud.afterwards = lost

    def lost(_: str) -> None:
        studio.cloud.afterwards = nothing
        studio.cloud.broken["GetItem"] = DOWN  # the next call is botocore's second try of the update
        raise DOWN

    studio.cloud.afterwards = cut_off
    with pytest.raises(AWS_ERRORS):
        work(studio, TinyEngine())
    assert (jobs_status(studio, job_id), waiting(studio)) == (JobStatus.COMPLETED, (0, 1))


def jobs_status(studio: Studio, job_id: str) -> str:
    studio.cloud.broken.clear()
    return str(jobs.get(job_id).step(IMAGE).status)


@pytest.mark.parametrize("operation", ["GetItem", "Invoke", "HeadBucket"])
def test_the_probe_calls_each_service_of_an_attempt(studio: Studio, operation: str) -> None:
    studio.cloud.broken[operation] = DOWN
    with pytest.raises(AWS_ERRORS):
        reach_aws()
    studio.cloud.broken.clear()
    reach_aws()


def test_a_refusal_of_the_probe_is_an_answer(studio: Studio) -> None:
    """The role of a worker does not open the bucket."""
    refused = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")
    studio.cloud.broken["HeadBucket"] = refused
    reach_aws()


# --- failure


def reported(studio: Studio) -> str:
    """Return the code of the last failure that was reported to the state machine."""
    return str(json.loads(studio.cloud.answers[-1].cause)["code"])


def test_a_failure_is_recorded_and_answered_with_its_message(studio: Studio, job_id: str) -> None:
    def fail(_: Workspace) -> None:
        raise StageFailure("too_dark", "The picture is too dark.")

    work(studio, TinyEngine(fail))
    step = jobs.get(job_id).step(IMAGE)
    assert (step.status, step.error) == (JobStatus.FAILED, "The picture is too dark.")
    [answer] = studio.cloud.answers
    assert answer.error == "Stage.Final"
    assert json.loads(answer.cause) == {"code": "too_dark", "message": "The picture is too dark."}
    assert waiting(studio) == (0, 0)


def test_a_crash_is_retryable_and_shows_no_internals(studio: Studio, job_id: str) -> None:
    def crash(_: Workspace) -> None:
        raise ZeroDivisionError("a secret path")

    work(studio, TinyEngine(crash))
    step = jobs.get(job_id).step(IMAGE)
    assert (step.status, reported(studio)) == (JobStatus.QUEUED, "engine_crashed")
    assert step.lease_until is None
    [answer] = studio.cloud.answers
    assert answer.error == "Stage.Retryable"
    assert "secret" not in answer.cause
    assert "secret" not in str(step.error)
    dispatch({"jobId": job_id, "stage": "IMAGE_GENERATION", "taskToken": "token-2"}, None)
    work(studio, TinyEngine())
    assert studio.cloud.answers[-1] == TaskAnswer("token-2", None, "")
    assert jobs.get(job_id).step(IMAGE).attempts == 2
    assert jobs.get(job_id).step(IMAGE).error is None


@pytest.mark.parametrize("roles", [[Role.PICTURE], [Role.PICTURE, Role.DEPTH, Role.VIDEO]])
def test_a_result_without_exactly_the_outputs_of_the_stage_is_refused(
    studio: Studio, job_id: str, roles: list[Role]
) -> None:
    """One result lacks a required output. The other has an output that the stage table does not list."""

    class Other(TinyEngine):
        def run(self, request: StageRequest, workspace: Workspace) -> StageResult:
            [picture, *_] = super().run(request, workspace).outputs
            return StageResult(tuple(Output(role, picture.path, picture.media_type) for role in roles))

    work(studio, Other())
    assert (jobs.get(job_id).step(IMAGE).status, reported(studio)) == (JobStatus.FAILED, "result_unusable")
    assert not stored_keys(job_id)


def test_an_unknown_engine_is_a_final_failure(studio: Studio, job_id: str) -> None:
    delivery = studio.deliver(QUEUE)
    assert delivery is not None
    StepRunner({}, shutdown_requested=lambda: False).handle(delivery)
    assert reported(studio) == "engine_unknown"


def test_an_input_that_is_gone_is_a_final_failure(studio: Studio, job_id: str) -> None:
    work(studio, TinyEngine(lambda workspace: workspace.fetch(media.address("jobs/gone.png"))))
    assert reported(studio) == "input_missing"
    assert studio.cloud.answers[0].error == "Stage.Final"


def test_an_input_for_which_s3_answers_403_counts_as_missing(studio: Studio, job_id: str) -> None:
    """S3 answers 403 for a missing key to a role without s3:ListBucket."""
    refused = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadObject")
    studio.cloud.fails_once["HeadObject"] = [refused]
    work(studio, TinyEngine(lambda workspace: workspace.fetch(media.address("jobs/gone.png"))))
    assert reported(studio) == "input_missing"


def test_an_input_is_fetched_once(studio: Studio, job_id: str) -> None:
    clients.s3().put_object(Bucket=media.config().media_bucket, Key="assets/x/clean.png", Body=b"pixels")
    seen: list[tuple[bytes, str]] = []

    def read(workspace: Workspace) -> None:
        for _ in range(2):
            path = workspace.fetch(media.address("assets/x/clean.png"))
            seen.append((path.read_bytes(), path.suffix))
        assert not list(workspace.folder.iterdir())

    studio.cloud.calls.clear()
    work(studio, TinyEngine(read))
    assert seen == [(b"pixels", ".png")] * 2
    assert studio.cloud.calls.count("GetObject") == 1


def test_metrics_that_json_cannot_represent_do_not_fail_the_job(studio: Studio, ada: Creator, job_id: str) -> None:
    class Odd(TinyEngine):
        def run(self, request: StageRequest, workspace: Workspace) -> StageResult:
            made = super().run(request, workspace)
            return StageResult(made.outputs, {"good": 1.5, "odd": float("nan"), "list": [float("inf"), 1.0]})

    work(studio, Odd())
    shown = ada.get(f"/api/jobs/{job_id}")
    assert shown.status == 200
    assert shown.body["steps"][0]["metadata"]["good"] == 1.5


def test_an_unknown_message_is_refused(studio: Studio, ada: Creator) -> None:
    with pytest.raises(ValueError, match="validation error"):
        StepRunner({}, shutdown_requested=lambda: False).handle(Delivery(QUEUE, '{"version": 2}', "x"))


# --- claims and fences


def test_a_leased_step_is_not_claimed_until_the_lease_ends(studio: Studio, job_id: str) -> None:
    attempt = claim(job_id, IMAGE)
    before, engine = studio.dump(), TinyEngine()
    delivery = work(studio, engine)
    assert engine.runs == 0
    assert studio.cloud.calls[-1] == "ChangeMessageVisibility"
    assert studio.dump() == before
    assert waiting(studio) == (0, 1)
    assert jobs.get(job_id).step(IMAGE).attempt == attempt
    assert delivery.body


def test_a_twin_of_an_earlier_sending_is_deleted(studio: Studio, job_id: str) -> None:
    """A Retry sent the step again. The message that waits for a later token has the step."""
    claim(job_id, IMAGE)
    steps.store_token(job_id, IMAGE, "token-2", at=utc_now())
    work(studio, TinyEngine())
    assert waiting(studio) == (0, 0)


def send_without_proof(studio: Studio) -> None:
    """Replace the queue's only message by one of the previous release, which sent no proofs."""
    delivery = studio.deliver(QUEUE)
    assert delivery is not None
    message = {name: value for name, value in json.loads(delivery.body).items() if name != "proof"}
    delivery.delete()
    clients.sqs().send_message(QueueUrl=queue_url(QUEUE), MessageBody=json.dumps(message))


def test_a_step_that_the_previous_release_sent_is_sent_again(studio: Studio, job_id: str) -> None:
    send_without_proof(studio)
    engine = TinyEngine()
    work(studio, engine)
    assert (engine.runs, waiting(studio)) == (0, (0, 0))
    assert [answer.error for answer in studio.cloud.answers] == ["Stage.Retryable"]
    dispatch({"jobId": job_id, "stage": IMAGE.value, "taskToken": "token-2"}, None)
    work(studio, engine)
    assert (engine.runs, jobs.get(job_id).step(IMAGE).status) == (1, JobStatus.COMPLETED)


def test_an_old_message_of_the_previous_release_fails_no_newer_one(studio: Studio, job_id: str) -> None:
    send_without_proof(studio)
    steps.store_token(job_id, IMAGE, "token-2", at=utc_now())
    work(studio, TinyEngine())
    assert studio.cloud.answers == []
    assert (jobs.get(job_id).step(IMAGE).status, waiting(studio)) == (JobStatus.QUEUED, (0, 0))


def test_a_lease_of_a_fast_clock_is_not_believed(studio: Studio, job_id: str) -> None:
    claim(job_id, IMAGE, utc_now() + timedelta(hours=1))
    work(studio, TinyEngine())
    step = jobs.get(job_id).step(IMAGE)
    assert (step.status, step.attempts) == (JobStatus.COMPLETED, 2)


def test_a_dead_workers_step_is_taken_over(studio: Studio, job_id: str) -> None:
    claim(job_id, IMAGE, utc_now() - timedelta(seconds=16))
    work(studio, TinyEngine())
    step = jobs.get(job_id).step(IMAGE)
    assert (step.status, step.attempts) == (JobStatus.COMPLETED, 2)


def test_the_late_result_of_a_fenced_attempt_is_ignored(studio: Studio, job_id: str) -> None:
    """The old worker has finished its work, but another attempt has claimed the step."""
    newer: list[str] = []

    def taken_over(_: Workspace) -> None:
        newer.append(claim(job_id, IMAGE, utc_now() + timedelta(minutes=1)))

    work(studio, TinyEngine(taken_over))
    step = jobs.get(job_id).step(IMAGE)
    assert (step.attempt, step.status) == (newer[0], JobStatus.RUNNING)
    assert jobs.results(jobs.get(job_id)) == {}  # the sweep deletes its files
    assert studio.cloud.answers == []
    assert waiting(studio) == (0, 1), "the message belongs to the other attempt"


def test_the_late_result_of_a_killed_worker_does_not_replace_the_good_one(studio: Studio, job_id: str) -> None:
    good: list[str] = []

    def done_by_another(_: Workspace) -> None:
        good.append(complete_step(job_id, IMAGE, utc_now() + timedelta(minutes=1)))

    work(studio, TinyEngine(done_by_another))
    job = jobs.get(job_id)
    assert job.step(IMAGE).attempt == good[0]
    assert jobs.results(job)[IMAGE].key(Role.PICTURE) == f"jobs/{job_id}/image_generation/{good[0]}/picture"
    kept = sorted(key.rpartition("/")[2] for key in stored_keys(job_id) if good[0] in key)
    assert kept == ["depth", "picture", "stepPreview"]


def test_a_result_whose_answer_is_lost_keeps_its_files(studio: Studio, job_id: str) -> None:
    """botocore sends the write again, and it is refused because of its own first sending."""

    def lose(operation: str) -> None:
        if operation == "PutItem":  # the result's own item; the update of the job follows
            studio.cloud.loses_once("UpdateItem")

    studio.cloud.afterwards = lose
    work(studio, TinyEngine())
    job = jobs.get(job_id)
    assert (job.step(IMAGE).status, job.step(IMAGE).attempts) == (JobStatus.COMPLETED, 1)
    assert sorted(stored_keys(job_id)) == sorted(output.key for output in jobs.results(job)[IMAGE].outputs)
    assert (studio.cloud.answers, waiting(studio)) == ([GOOD], (0, 0))


def test_an_attempt_that_is_stopped_after_its_result_keeps_its_files_and_reports_it(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = Attempt.record

    def recorded_then_fenced(attempt: Attempt, made: StageResult, preview: Output) -> None:
        record(attempt, made, preview)
        raise Fenced

    monkeypatch.setattr(Attempt, "record", recorded_then_fenced)
    work(studio, TinyEngine())
    assert len(stored_keys(job_id)) == 3
    assert (studio.cloud.answers, waiting(studio)) == ([GOOD], (0, 0))


def test_files_are_not_deleted_while_the_table_cannot_be_read(studio: Studio, job_id: str) -> None:
    """The step can have the attempt's result."""

    def taken_over(_: Workspace) -> None:
        claim(job_id, IMAGE, utc_now() + timedelta(minutes=1))
        studio.cloud.broken["GetItem"] = EndpointConnectionError(endpoint_url="x")

    with pytest.raises(PynamoDBException):
        work(studio, TinyEngine(taken_over))
    assert len(stored_keys(job_id)) == 3


def test_the_late_failure_of_a_fenced_attempt_is_ignored(studio: Studio, job_id: str) -> None:
    def taken_over(_: Workspace) -> None:
        claim(job_id, IMAGE, utc_now() + timedelta(minutes=1))
        raise StageFailure("x", "Too late.")

    work(studio, TinyEngine(taken_over))
    assert jobs.get(job_id).step(IMAGE).error is None
    assert studio.cloud.answers == []
    assert waiting(studio) == (0, 1)


@pytest.mark.parametrize("how", ["beat", "release", "record_failure", "record_result"])
def test_every_write_of_a_stale_attempt_is_refused(studio: Studio, job_id: str, how: str) -> None:
    stale = claim(job_id, IMAGE, utc_now() - timedelta(minutes=1))
    claim(job_id, IMAGE)
    job, at = jobs.get(job_id), utc_now()
    before = studio.dump()["kinora-test-jobs"]
    writes: dict[str, Callable[[], None]] = {
        "beat": lambda: steps.beat(job_id, IMAGE, attempt=stale, lease_until=at, progress=(99, 99), at=at),
        "release": lambda: steps.release(job_id, IMAGE, attempt=stale, at=at),
        "record_failure": lambda: steps.record_failure(job_id, IMAGE, StageFailure("x", "x"), attempt=stale, at=at),
        "record_result": lambda: steps.record_result(job, IMAGE, StepResult((), {}), attempt=stale, at=at),
    }
    with pytest.raises(Fenced):
        writes[how]()
    assert studio.dump()["kinora-test-jobs"] == before
    assert jobs.results(jobs.get(job_id)) == {}


def test_two_workers_with_one_message_make_one_attempt(studio: Studio, job_id: str) -> None:
    delivery = studio.deliver(QUEUE)
    assert delivery is not None
    other = TinyEngine()

    def delivered_twice(_: Workspace) -> None:
        StepRunner({"procedural": other}, shutdown_requested=lambda: False).handle(delivery)

    StepRunner({"procedural": TinyEngine(delivered_twice)}, shutdown_requested=lambda: False).handle(delivery)
    assert other.runs == 0
    assert jobs.get(job_id).step(IMAGE).attempts == 1
    assert studio.cloud.answers == [GOOD]


# --- ends


def test_a_cancelled_jobs_message_is_dropped(studio: Studio, job_id: str) -> None:
    settlement.cancel(jobs.get(job_id), at=utc_now())
    engine = TinyEngine()
    work(studio, engine)
    assert (engine.runs, waiting(studio), studio.cloud.answers) == (0, (0, 0), [])


def test_a_deleted_jobs_message_is_dropped(studio: Studio, ada: Creator, job_id: str) -> None:
    settlement.cancel(jobs.get(job_id), at=utc_now())
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    work(studio, TinyEngine())
    assert waiting(studio) == (0, 0)


@pytest.mark.usefixtures("quick_beats")
def test_a_cancelled_job_stops_its_worker(studio: Studio, job_id: str) -> None:
    def cancelled(workspace: Workspace) -> None:
        settlement.cancel(jobs.get(job_id), at=utc_now())
        run_on(workspace)

    work(studio, TinyEngine(cancelled))
    assert jobs.get(job_id).status == JobStatus.CANCELLED
    assert not stored_keys(job_id)
    assert waiting(studio) == (0, 0)
    assert studio.cloud.answers == []


def test_a_job_deleted_during_its_step_stays_deleted(studio: Studio, ada: Creator, job_id: str) -> None:
    def deleted(workspace: Workspace) -> None:
        settlement.cancel(jobs.get(job_id), at=utc_now())
        assert ada.delete(f"/api/jobs/{job_id}").status == 204

    work(studio, TinyEngine(deleted))
    assert studio.dump()["kinora-test-jobs"] == []


def test_a_worker_that_stops_hands_its_step_back_at_once(studio: Studio, job_id: str) -> None:
    stopping = Event()

    def stopped(workspace: Workspace) -> None:
        stopping.set()
        run_on(workspace)

    work(studio, TinyEngine(stopped), shutdown=stopping.is_set)
    step = jobs.get(job_id).step(IMAGE)
    assert step.status == JobStatus.QUEUED
    assert step.lease_until is None
    assert waiting(studio) == (1, 0)
    assert not stored_keys(job_id)
    work(studio, TinyEngine())
    assert (jobs.get(job_id).step(IMAGE).attempts, studio.cloud.answers) == (2, [GOOD])


def test_a_step_that_is_handed_back_has_no_receives(studio: Studio, job_id: str) -> None:
    """Receives bring a message nearer to the dead letters, and a worker that stops is no failure."""
    for _ in range(6):
        stopping = Event()
        work(studio, TinyEngine(partial(_stop, stopping)), shutdown=stopping.is_set)
    found = clients.sqs().receive_message(QueueUrl=queue_url(QUEUE), MessageSystemAttributeNames=["All"])
    [message] = found["Messages"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def _stop(stopping: Event, workspace: Workspace) -> None:
    stopping.set()
    run_on(workspace)


def test_a_message_handed_back_keeps_its_group_and_its_trace(studio: Studio, job_id: str) -> None:
    trace, delivery = "Root=1-5759e988-bd862e3fe1be46a994272793", studio.deliver(QUEUE)
    assert delivery is not None
    Delivery(QUEUE, "task", delivery.receipt, trace, "usr_1").hand_back()
    found = clients.sqs().receive_message(QueueUrl=queue_url(QUEUE), MessageSystemAttributeNames=["All"])
    [message] = found["Messages"]
    assert (message["Body"], message["Attributes"]["MessageGroupId"]) == ("task", "usr_1")
    assert message["Attributes"]["AWSTraceHeader"] == trace


# --- the beat


@pytest.mark.usefixtures("quick_beats")
def test_the_beat_extends_lease_and_visibility_and_writes_progress(studio: Studio, job_id: str) -> None:
    def long_work(workspace: Workspace) -> None:
        first = jobs.get(job_id).step(IMAGE).lease_until
        assert first is not None
        studio.cloud.calls.clear()
        until(lambda: (jobs.get(job_id).step(IMAGE).lease_until or first) > first)
        until(lambda: "ChangeMessageVisibility" in studio.cloud.calls)
        job = jobs.get(job_id)
        assert (job.step(IMAGE).progress, job.progress) == (50, 16)

    work(studio, TinyEngine(long_work))
    assert studio.cloud.answers == [GOOD], "an assertion in the engine is a crash"


def test_frequent_progress_is_written_rarely(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_PROGRESS_SECONDS", "0.2")

    def chatty(workspace: Workspace) -> None:
        studio.cloud.calls.clear()
        end = monotonic() + 0.7
        while (now := monotonic()) < end:
            workspace.progress(1 - (end - now) / 2)
        assert 1 <= studio.cloud.calls.count("UpdateItem") <= 3

    work(studio, TinyEngine(chatty))
    assert studio.cloud.answers == [GOOD]


@pytest.mark.usefixtures("quick_beats")
def test_progress_never_goes_back_within_an_attempt(studio: Studio, job_id: str) -> None:
    def wavering(workspace: Workspace) -> None:
        workspace.progress(0.9)
        workspace.progress(0.1)
        until(lambda: jobs.get(job_id).step(IMAGE).progress != 0)
        assert jobs.get(job_id).step(IMAGE).progress == 90

    work(studio, TinyEngine(wavering))
    assert studio.cloud.answers == [GOOD]


@pytest.mark.usefixtures("quick_beats")
def test_a_worker_without_the_table_stops_when_its_lease_has_expired(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_LEASE_SECONDS", "1")

    def cut_off(workspace: Workspace) -> None:
        studio.cloud.broken["UpdateItem"] = EndpointConnectionError(endpoint_url="x")
        try:
            run_on(workspace)
        finally:
            studio.cloud.broken.clear()

    work(studio, TinyEngine(cut_off))
    assert studio.cloud.answers == []
    assert jobs.get(job_id).step(IMAGE).status == JobStatus.RUNNING
    assert not stored_keys(job_id)


@pytest.mark.usefixtures("quick_beats")
def test_the_message_stays_hidden_while_the_table_cannot_be_reached(studio: Studio, job_id: str) -> None:
    def cut_off(_workspace: Workspace) -> None:
        studio.cloud.broken["UpdateItem"] = EndpointConnectionError(endpoint_url="x")
        studio.cloud.calls.clear()
        try:
            until(lambda: studio.cloud.calls.count("ChangeMessageVisibility") >= 2)
        finally:
            studio.cloud.broken.clear()

    work(studio, TinyEngine(cut_off))
    assert studio.cloud.answers == [GOOD]


# --- the loop


@pytest.mark.timeout(30)  # without the pause the loop never ends
def test_the_loop_receives_nothing_while_the_table_cannot_be_reached(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutdown, pauses = Shutdown(), list[float]()
    runner = StepRunner({"procedural": TinyEngine()}, shutdown_requested=lambda: False)
    for operation in ("GetItem", "UpdateItem"):
        studio.cloud.broken[operation] = EndpointConnectionError(endpoint_url="x")

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 8:
            studio.cloud.broken.clear()
            make_visible(studio)

    def handle(delivery: Delivery) -> None:
        shutdown.requested = not studio.cloud.broken
        runner.handle(delivery)

    monkeypatch.setattr(queues, "sleep", pause)
    studio.cloud.calls.clear()
    consume((QUEUE,), handle, shutdown, visibility_seconds=30, probe=lambda: jobs.is_over("job_probe"))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert studio.cloud.calls.count("ReceiveMessage") == 2
    assert jobs.get(job_id).step(IMAGE).status == JobStatus.COMPLETED


def test_the_pause_is_short_again_after_a_success(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    shutdown, pauses, seen = Shutdown(), list[float](), list[str]()
    monkeypatch.setattr(queues, "sleep", pauses.append)
    for body in ("bad", "bad", "good", "bad", "good"):
        clients.sqs().send_message(QueueUrl=queue_url(QUEUE), MessageBody=body)

    def handle(delivery: Delivery) -> None:
        seen.append(delivery.body)
        shutdown.requested = len(seen) == 5
        if delivery.body == "bad":
            raise PynamoDBException("no answer")

    consume((QUEUE,), handle, shutdown, visibility_seconds=30, probe=lambda: None)
    assert (seen, pauses) == (["bad", "bad", "good", "bad", "good"], [1, 2, 1])


def test_the_loop_continues_after_a_bad_message_until_shutdown(studio: Studio) -> None:
    shutdown, seen = Shutdown(), list[str]()
    for body in ("bad", "good"):
        clients.sqs().send_message(QueueUrl=queue_url(QUEUE), MessageBody=body)

    def handle(delivery: Delivery) -> None:
        seen.append(delivery.body)
        shutdown.requested = len(seen) == 2
        if delivery.body == "bad":
            raise KeyError(delivery.body)

    consume((QUEUE,), handle, shutdown, visibility_seconds=30, probe=lambda: None)
    assert sorted(seen) == ["bad", "good"]
    assert waiting(studio)[1] == 2, "neither was deleted by the loop"


@pytest.mark.parametrize(("quiet_after", "waits"), [(60, [queues.WAIT_SECONDS] * 2), (-1, [4, 4])])
def test_a_worker_polls_more_slowly_after_a_minute_without_a_task(
    studio: Studio, quiet_after: float, waits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queues, "QUIET_AFTER_SECONDS", quiet_after)
    shutdown, polls = Shutdown(), list[int]()
    for body in ("one", "two"):
        clients.sqs().send_message(QueueUrl=queue_url(QUEUE), MessageBody=body)

    def note(params: dict[str, Any], **_: object) -> None:
        polls.append(params["WaitTimeSeconds"])

    def handle(_: Delivery) -> None:
        shutdown.requested = len(polls) == 2

    events = clients.sqs().meta.events
    events.register("provide-client-params.sqs.ReceiveMessage", note)
    try:
        consume((QUEUE,), handle, shutdown, visibility_seconds=30, probe=lambda: None)
    finally:
        events.unregister("provide-client-params.sqs.ReceiveMessage", note)
    assert polls == waits


def test_a_message_of_the_last_poll_is_handed_back(studio: Studio, restored_signals: None) -> None:
    """SIGTERM arrives after the queue has hidden the message and before the worker has received it."""
    shutdown, seen = Shutdown(), list[str]()
    shutdown.listen()
    clients.sqs().send_message(QueueUrl=queue_url(QUEUE), MessageBody="late")

    def stop(**_: Any) -> None:
        assert waiting(studio) == (0, 1)
        signals.raise_signal(signals.SIGTERM)

    events = clients.sqs().meta.events
    events.register("after-call.sqs.ReceiveMessage", stop)
    try:
        consume(
            (QUEUE,), lambda delivery: seen.append(delivery.body), shutdown, visibility_seconds=30, probe=lambda: None
        )
    finally:
        events.unregister("after-call.sqs.ReceiveMessage", stop)
    assert (seen, waiting(studio)) == ([], (1, 0))
    found = clients.sqs().receive_message(QueueUrl=queue_url(QUEUE), MessageSystemAttributeNames=["All"])
    assert found["Messages"][0]["Attributes"]["ApproximateReceiveCount"] == "1", "no receive of the stopped worker"


def test_a_stopped_engine_is_not_a_failure(studio: Studio, job_id: str) -> None:
    """A stop that counted as a crash would use up an attempt of the step at each shutdown."""

    def stops(_: Workspace) -> None:
        raise Stopped("x")

    work(studio, TinyEngine(stops))
    assert jobs.get(job_id).step(IMAGE).error is None
    assert studio.cloud.answers == []


@pytest.mark.usefixtures("quick_beats")
def test_a_preview_is_stored_and_reported(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_PREVIEW_SECONDS", "0")
    before = jobs.get(job_id)
    events: list[JobEvent | None] = []

    def report_preview(workspace: Workspace) -> None:
        workspace.preview(lambda: b"a small jpeg")
        until(lambda: jobs.get(job_id).step(IMAGE).preview == 1)
        events.append(job_event(before, jobs.get(job_id), {}, utc_now()))

    work(studio, TinyEngine(meanwhile=report_preview))
    attempt = str(jobs.get(job_id).step(IMAGE).attempt)
    key = preview_key(job_id, IMAGE, attempt, 1)
    [event] = events
    assert isinstance(event, JobProgress)
    assert event.preview_url is not None
    assert event.preview_url.startswith(f"https://media.kinora.test/{key}?Policy=")
    assert event.model_dump(by_alias=True)["previewUrl"] == event.preview_url
    assert clients.s3().get_object(Bucket="kinora-test-media", Key=key)["Body"].read() == b"a small jpeg"


def test_a_preview_is_drawn_only_when_one_is_due(studio: Studio, job_id: str) -> None:
    drawn: list[int] = []

    def draw(number: int) -> bytes:
        drawn.append(number)
        return b""

    def report_preview(workspace: Workspace) -> None:
        for number in range(50):
            workspace.preview(partial(draw, number))

    work(studio, TinyEngine(meanwhile=report_preview))
    assert drawn == []


def test_a_preview_is_sent_with_the_next_write(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A preview write costs one unit, and the next write follows soon."""
    monkeypatch.setenv("KINORA_PREVIEW_SECONDS", "0")
    monkeypatch.setenv("KINORA_PROGRESS_SECONDS", "0.2")

    def report_preview(workspace: Workspace) -> None:
        until(lambda: jobs.get(job_id).step(IMAGE).progress == 50)
        workspace.preview(lambda: b"a small jpeg")
        sleep(0.8)
        assert jobs.get(job_id).step(IMAGE).preview is None
        workspace.progress(0.9)
        until(lambda: jobs.get(job_id).step(IMAGE).preview == 1)

    work(studio, TinyEngine(meanwhile=report_preview))
    assert studio.cloud.answers == [GOOD], "an assertion in the engine is a crash"
