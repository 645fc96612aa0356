"""Stages on SageMaker endpoints: dispatch, invocation, and failed invocations."""

import json
import os
import signal as signals
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from threading import Event, Thread
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from functions.pipeline import signal
from functions.pipeline.dispatch import handler as dispatch
from local.environment import ROOT
from shared.aws import clients, media
from shared.aws.traces import TRACE
from shared.core.clock import utc_now
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.stages.messages import StageTask
from shared.stages.requests import StageRequest
from shared.stages.stages import STAGES, WORK_SECONDS, Role, Stage
from tests.support.cloud import TaskAnswer
from tests.support.steps import claim, complete_step
from tests.support.studio import Creator, Studio
from workers.engines.contract import Output, StageResult, Workspace
from workers.runtime.queues import Shutdown
from workers.runtime.receipt import Receipt
from workers.runtime.sagemaker import TRACE_HEADER, Endpoint, through_outages
from workers.runtime.step import StepRunner

IMAGE = Stage.IMAGE_GENERATION
LONGEST_INVOCATION_SECONDS = 3600  # SageMaker's maximum
LONGEST_REQUEST_SECONDS = 21600  # SageMaker's maximum of the wait in an endpoint's queue
LONGEST_INFERENCE_ID = 64
WAIT_SECONDS = 30  # maximum wait for an expected event


@pytest.fixture(autouse=True)
def on_sagemaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Image generation on an endpoint, all other stages on queues."""
    monkeypatch.setenv("KINORA_SAGEMAKER_ENDPOINTS", '{"IMAGE_GENERATION": "kinora-test-image-generation"}')
    monkeypatch.setenv("KINORA_BEAT_SECONDS", "0.2")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The requests to SageMaker, as botocore would send them; moto's asynchronous endpoints do nothing."""
    found: list[dict[str, Any]] = []
    client = clients.sagemaker_runtime()

    def note(params: dict[str, Any], **_: object) -> None:
        found.append(params)

    client.meta.events.register("provide-client-params.sagemaker-runtime.InvokeEndpointAsync", note)
    yield found
    client.meta.events.unregister("provide-client-params.sagemaker-runtime.InvokeEndpointAsync", note)


@pytest.fixture
def job_id(ada: Creator) -> str:
    return str(ada.job(ada.project())["id"])


def dispatch_step(job_id: str, token: str = "token-1", stage: Stage = IMAGE) -> None:  # noqa: S107  # a task's, no secret
    dispatch({"jobId": job_id, "stage": stage.value, "taskToken": token}, None)


def body_of(invocation: dict[str, Any]) -> bytes:
    """Return the task that an endpoint fetches."""
    bucket, _, key = invocation["InputLocation"].removeprefix("s3://").partition("/")
    return clients.s3().get_object(Bucket=bucket, Key=key)["Body"].read()


# --- dispatch


def test_a_step_is_sent_to_the_stages_endpoint_and_not_to_its_queue(
    studio: Studio, job_id: str, sent: list[dict[str, Any]]
) -> None:
    dispatch_step(job_id)
    [invocation] = sent
    assert invocation["EndpointName"] == "kinora-test-image-generation"
    task = StageTask.model_validate_json(body_of(invocation))
    assert (task.job_id, task.stage, task.engine) == (job_id, IMAGE, "procedural")
    assert studio.messages(IMAGE.queue) == []
    assert steps.token(job_id, IMAGE) == "token-1"
    assert jobs.get(job_id).step(IMAGE).status == JobStatus.QUEUED


def test_other_stages_stay_on_their_queues(studio: Studio, job_id: str, sent: list[dict[str, Any]]) -> None:
    complete_step(job_id, IMAGE)
    dispatch_step(job_id, stage=Stage.VIDEO_SYNTHESIS)
    assert sent == []
    assert len(studio.messages(Stage.VIDEO_SYNTHESIS.queue)) == 1


def test_the_token_is_neither_in_the_task_nor_in_its_name(
    studio: Studio, job_id: str, sent: list[dict[str, Any]]
) -> None:
    dispatch_step(job_id, token="a-very-secret-token")
    assert "a-very-secret-token" not in json.dumps(sent) + body_of(sent[0]).decode()


def test_requests_are_within_the_limits_of_sagemaker(job_id: str, sent: list[dict[str, Any]]) -> None:
    dispatch_step(job_id)
    [invocation] = sent
    assert len(invocation["InferenceId"]) <= LONGEST_INFERENCE_ID - len(max(Stage, key=len)) + len(IMAGE)
    for stage in Stage:
        assert STAGES[stage].invocation_seconds <= LONGEST_INVOCATION_SECONDS
    assert invocation["InvocationTimeoutSeconds"] == STAGES[IMAGE].invocation_seconds
    assert WORK_SECONDS <= invocation["RequestTTLSeconds"] <= LONGEST_REQUEST_SECONDS, "a wait would fail the step"


def test_a_task_is_deleted_with_its_job(studio: Studio, ada: Creator, job_id: str, sent: list[dict[str, Any]]) -> None:
    """The task contains the prompt."""
    dispatch_step(job_id)
    [key] = media.keys("work/")
    assert clients.s3().get_object_tagging(Bucket="kinora-test-media", Key=key)["TagSet"] == [
        {"Key": "kind", "Value": "work"}
    ]
    ada.post(f"/api/jobs/{job_id}/cancel")
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    assert list(media.keys("work/")) == []


# --- invocations


class WaitingEngine:
    """An engine that writes two tiny files; if given an event, it waits for it in between."""

    def __init__(self, until: Event | None = None) -> None:
        self.begun, self._until = Event(), until

    def load(self) -> None: ...

    def run(self, _request: StageRequest, workspace: Workspace) -> StageResult:
        self.begun.set()
        while self._until and not self._until.wait(0.02):
            workspace.progress(0.5)
        made = []
        for role in (Role.PICTURE, Role.DEPTH):
            path = workspace.folder / f"{role}.png"
            path.write_bytes(role.encode())
            made.append(Output(role, path, "image/png"))
        return StageResult(tuple(made))


@contextmanager
def listening(handle: Callable[[Receipt], None]) -> Iterator[Endpoint]:
    with Endpoint(handle, host="127.0.0.1", port=0) as endpoint:
        thread = Thread(target=endpoint.serve_forever)
        thread.start()
        try:
            yield endpoint
        finally:
            endpoint.shutdown()
            thread.join()


def worker(engine: WaitingEngine, *, shutdown: Callable[[], bool] = lambda: False) -> Callable[[Receipt], None]:
    return StepRunner({"procedural": engine}, shutdown_requested=shutdown).handle


def request(endpoint: Endpoint, method: str, path: str, body: bytes | None = None, **headers: str) -> int:
    connection = HTTPConnection("127.0.0.1", endpoint.server_port, timeout=WAIT_SECONDS)
    connection.request(method, path, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def task(job_id: str, sent: list[dict[str, Any]]) -> bytes:
    dispatch_step(job_id)
    return body_of(sent[0])


def test_an_invocation_is_answered_after_its_result_is_recorded_and_reported(
    studio: Studio, job_id: str, task: bytes
) -> None:
    with listening(worker(WaitingEngine())) as endpoint:
        assert request(endpoint, "POST", "/invocations", task) == 200
    step = jobs.get(job_id).step(IMAGE)
    assert (step.status, step.attempts) == (JobStatus.COMPLETED, 1)
    assert studio.cloud.answers == [TaskAnswer("token-1", None, "")]
    assert jobs.results(jobs.get(job_id))[IMAGE].key(Role.PICTURE) in set(media.keys("jobs/"))


def test_a_busy_worker_answers_pings_beats_and_refuses_a_second_task(studio: Studio, job_id: str, task: bytes) -> None:
    go_on = Event()
    engine = WaitingEngine(go_on)
    answers: list[int] = []
    with listening(worker(engine)) as endpoint:
        first = Thread(target=lambda: answers.append(request(endpoint, "POST", "/invocations", task)))
        first.start()
        assert engine.begun.wait(WAIT_SECONDS)
        assert request(endpoint, "GET", "/ping") == 200
        assert request(endpoint, "POST", "/invocations", task) == 503
        beaten, claimed = Event(), jobs.get(job_id).step(IMAGE).lease_until
        while jobs.get(job_id).step(IMAGE).lease_until == claimed and not beaten.wait(0.02):
            assert first.is_alive()
        assert answers == []
        go_on.set()
        first.join()
        assert answers == [200]
        assert request(endpoint, "POST", "/invocations", task) == 200  # a completed step is not repeated
    assert jobs.get(job_id).step(IMAGE).attempts == 1


def test_a_step_with_another_live_attempt_is_not_claimed(job_id: str, task: bytes) -> None:
    held = claim(job_id, IMAGE)
    with listening(worker(WaitingEngine())) as endpoint:
        assert request(endpoint, "POST", "/invocations", task) == 503
    assert jobs.get(job_id).step(IMAGE).attempt == held


def test_a_worker_that_shuts_down_hands_its_step_back(job_id: str, task: bytes) -> None:
    with listening(worker(WaitingEngine(Event()), shutdown=lambda: True)) as endpoint:
        assert request(endpoint, "POST", "/invocations", task) == 503
    step = jobs.get(job_id).step(IMAGE)
    assert step.status == JobStatus.QUEUED
    assert not step.lease_until


def test_one_task_runs_at_a_time_and_closing_waits_for_it() -> None:
    begun, go_on = Event(), Event()
    order: list[str] = []

    def handle(receipt: Receipt) -> None:
        begun.set()
        go_on.wait(WAIT_SECONDS)
        receipt.delete()
        order.append("done")

    def close() -> None:
        endpoint.server_close()
        order.append("closed")

    with listening(handle) as endpoint:
        asking = Thread(target=request, args=(endpoint, "POST", "/invocations", b"{}"))
        asking.start()
        assert begun.wait(WAIT_SECONDS)
        second: list[int] = []
        other = Thread(target=lambda: second.append(request(endpoint, "POST", "/invocations", b"{}")))
        other.start()
        other.join(5)
        endpoint.shutdown()
        closing = Thread(target=close)
        closing.start()
        closing.join(0.2)  # time to close, if it did not wait for the task
        go_on.set()
        closing.join()
        asking.join()
    assert second == [503]
    assert order == ["done", "closed"]


def test_an_error_of_a_task_is_reported_and_does_not_end_the_worker(studio: Studio, job_id: str, task: bytes) -> None:
    with listening(worker(WaitingEngine())) as endpoint:
        assert request(endpoint, "POST", "/invocations", b"{not ours") == 500
        assert request(endpoint, "POST", "/invocations", b"\xff") == 500
        studio.cloud.fails_once["UpdateItem"] = [EndpointConnectionError(endpoint_url="https://dynamodb")] * 9
        assert request(endpoint, "POST", "/invocations", task) == 500
        studio.cloud.fails_once.clear()
        assert request(endpoint, "POST", "/invocations", task) == 200


def test_an_invocation_fails_only_when_the_outage_is_over(studio: Studio, job_id: str, task: bytes) -> None:
    """The state machine retries three times, within a minute."""
    for operation in ("PutObject", "HeadBucket"):
        studio.cloud.broken[operation] = EndpointConnectionError(endpoint_url="https://s3")
    answers: list[int] = []
    with listening(through_outages(worker(WaitingEngine()), Shutdown())) as endpoint:
        asking = Thread(target=lambda: answers.append(request(endpoint, "POST", "/invocations", task)))
        asking.start()
        asking.join(1.5)  # longer than the first pause
        assert answers == []
        studio.cloud.broken.clear()
        asking.join()
    assert (answers, jobs.get(job_id).step(IMAGE).status) == ([500], JobStatus.QUEUED)


def test_other_requests_are_refused() -> None:
    with listening(lambda _: None) as endpoint:
        assert request(endpoint, "GET", "/") == 404
        assert request(endpoint, "POST", "/ping", b"") == 404
        with socket.create_connection(("127.0.0.1", endpoint.server_port), WAIT_SECONDS) as raw:
            raw.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            assert b" 411 " in raw.recv(100)


def test_the_invocation_contains_the_trace(
    monkeypatch: pytest.MonkeyPatch, job_id: str, sent: list[dict[str, Any]]
) -> None:
    monkeypatch.setenv(TRACE, "Root=1-2-3")
    dispatch_step(job_id)
    seen: list[str] = []
    assert sent[0]["CustomAttributes"] == "Root=1-2-3"
    monkeypatch.setenv(TRACE, "")
    with listening(lambda _: seen.append(os.environ[TRACE])) as endpoint:
        request(endpoint, "POST", "/invocations", b"{}", **{TRACE_HEADER: sent[0]["CustomAttributes"]})
    assert seen == ["Root=1-2-3"]


def test_sigterm_ends_an_idle_worker() -> None:
    serve = "serve(Stage.IMAGE_GENERATION, {}, host='127.0.0.1', port=0)"
    program = f"from workers.runtime.sagemaker import Stage, serve; {serve}"
    child = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True)  # noqa: S603  # ours
    with child:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
        child.send_signal(signals.SIGTERM)
        assert child.wait(WAIT_SECONDS) == 0


# --- failed invocations


def notice_of(invocation: dict[str, Any]) -> dict[str, Any]:
    """Return the Lambda event of the dead letter that SageMaker's error topic sends for the invocation."""
    notice = {
        "awsRegion": "us-east-1", "eventTime": "2026-01-25T22:46:00.608Z", "receivedTime": "2026-01-25T22:46:00.455Z",
        "invocationStatus": "Failed", "failureReason": "ServerError: the container answered 503",
        "requestParameters": {
            "endpointName": invocation["EndpointName"], "inputLocation": invocation["InputLocation"],
        },
        "inferenceId": invocation["InferenceId"], "eventVersion": "1.0", "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }  # fmt: skip
    return {"Records": [{"messageId": "m-1", "body": json.dumps(notice)}]}


HANDLED: dict[str, Any] = {"batchItemFailures": []}
LATER = {"batchItemFailures": [{"itemIdentifier": "m-1"}]}


def test_a_failed_invocation_is_retried(studio: Studio, job_id: str, sent: list[dict[str, Any]]) -> None:
    dispatch_step(job_id)
    assert signal.handler(notice_of(sent[0]), None) == HANDLED
    [answer] = studio.cloud.answers
    assert (answer.token, answer.error, json.loads(answer.cause)["code"]) == (
        "token-1", "Stage.Retryable", "worker_lost",
    )  # fmt: skip


def test_a_failure_of_an_earlier_invocation_is_ignored(studio: Studio, job_id: str, sent: list[dict[str, Any]]) -> None:
    dispatch_step(job_id, "token-1")
    dispatch_step(job_id, "token-2")
    assert signal.handler(notice_of(sent[0]), None) == HANDLED
    assert studio.cloud.answers == []
    assert signal.handler(notice_of(sent[1]), None) == HANDLED
    assert [answer.token for answer in studio.cloud.answers] == ["token-2"]


def test_a_failed_invocation_of_a_completed_step_is_answered_with_success(
    studio: Studio, job_id: str, sent: list[dict[str, Any]]
) -> None:
    dispatch_step(job_id)
    complete_step(job_id, IMAGE)
    assert signal.handler(notice_of(sent[0]), None) == HANDLED
    assert studio.cloud.answers == [TaskAnswer("token-1", None, "")]


def test_a_failed_invocation_of_a_live_attempt_is_delivered_again(
    studio: Studio, job_id: str, sent: list[dict[str, Any]]
) -> None:
    """SageMaker reports a failure although the worker continues. The notice comes again until the attempt has ended."""
    dispatch_step(job_id)
    attempt = claim(job_id, IMAGE)
    assert signal.handler(notice_of(sent[0]), None) == LATER
    assert studio.cloud.answers == []
    steps.release(job_id, IMAGE, attempt=attempt, at=utc_now())
    assert signal.handler(notice_of(sent[0]), None) == HANDLED
    assert [answer.error for answer in studio.cloud.answers] == ["Stage.Retryable"]


def test_a_failed_invocation_of_a_deleted_job_is_dropped(
    studio: Studio, ada: Creator, job_id: str, sent: list[dict[str, Any]]
) -> None:
    dispatch_step(job_id)
    ada.post(f"/api/jobs/{job_id}/cancel")
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    assert signal.handler(notice_of(sent[0]), None) == HANDLED
    assert studio.cloud.answers == []


def test_a_failed_invocation_of_a_deleted_job_whose_token_stayed_is_dropped(
    studio: Studio, job_id: str, sent: list[dict[str, Any]]
) -> None:
    dispatch_step(job_id)
    JobRecord(job_id).delete()
    assert signal.handler(notice_of(sent[0]), None) == HANDLED
    assert studio.cloud.answers == []
