"""Ids in log lines: the id of a job finds all lines of the job, the id of a request all lines of the request."""

import io
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import pytest
from botocore.exceptions import EndpointConnectionError

from functions.pipeline import reconcile, settle, signal
from functions.pipeline.dispatch import handler as dispatch
from functions.realtime import push
from shared.credits.store import credits
from shared.jobs.store import jobs
from shared.observability import logger
from shared.stages.requests import StageRequest
from shared.stages.stages import STAGES, Stage
from tests.support.studio import Creator, Studio
from workers.engines.contract import Output, StageResult, Workspace
from workers.runtime.queues import Delivery, Shutdown, consume
from workers.runtime.sagemaker import Endpoint
from workers.runtime.step import StepRunner

IMAGE = Stage.IMAGE_GENERATION
WORKERS_IDS = {"job_id", "step_id", "stage", "attempt"}
Line = Mapping[str, object]


@pytest.fixture(autouse=True)
def _no_earlier_fields() -> None:
    """Remove the fields that tests of stores and runners outside a handler have left in this thread."""
    logger.thread_safe_clear_keys()


@dataclass(frozen=True)
class Call:
    """A stand-in for Lambda's context."""

    aws_request_id: str
    function_version: str = "7"


@dataclass(frozen=True)
class Small:
    """An engine that makes a tiny file for each role of its stage and calls `meanwhile` during its work."""

    stage: Stage
    meanwhile: Callable[[], object] = lambda: None

    def load(self) -> None: ...

    def run(self, _request: StageRequest, workspace: Workspace) -> StageResult:
        self.meanwhile()
        made = []
        for role in sorted(STAGES[self.stage].produces):
            path = workspace.folder / role
            path.write_text("#EXTM3U")
            made.append(Output(role, path, "image/png"))
        return StageResult(tuple(made))


class Lines:
    """The lines that were logged since the last call of `new`."""

    def __init__(self, text: io.StringIO) -> None:
        self._text = text

    def new(self) -> list[Line]:
        unique = dict.fromkeys(self._text.getvalue().splitlines())  # without repeats: two loggers write the same line
        self._text.seek(0)
        self._text.truncate()
        return [json.loads(line) for line in unique]

    def line(self, message: str) -> Line:
        found = self.new()
        return next(line for line in found if line["message"] == message)


@pytest.fixture
def lines(logged: io.StringIO) -> Lines:
    return Lines(logged)


@pytest.fixture
def quick_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_BEAT_SECONDS", "0.1")


def work(stage: Stage, engine: Small) -> None:
    """Handle the next message of the stage in the worker's own loop."""
    runner, shutdown = (
        StepRunner(dict.fromkeys(("procedural", "parallax", "finish"), engine), shutdown_requested=bool),
        Shutdown(),
    )

    def once(delivery: Delivery) -> None:
        shutdown.requested = True
        runner.handle(delivery)

    consume((stage.priority_queue, stage.queue), once, shutdown, visibility_seconds=30, probe=lambda: None)


def queued(ada: Creator) -> str:
    job_id = str(ada.job(ada.project())["id"])
    dispatch({"jobId": job_id, "stage": IMAGE.value, "taskToken": "t"}, Call("call-1"))
    return job_id


def test_every_log_line_of_a_job_has_its_id(studio: Studio, lines: Lines) -> None:
    ada = studio.arrive("ada@example.com")
    job_id = str(ada.job(ada.project())["id"])
    requests = lines.new()
    assert [line["job_id"] for line in requests if line["message"] == "job accepted"] == [job_id]
    assert {line.get("request_id") for line in requests} == {"req-1"}
    for number, (stage, _) in enumerate(jobs.get(job_id).planned()):
        dispatch({"jobId": job_id, "stage": stage.value, "taskToken": "t"}, Call(f"call-{number}"))
        step_id = jobs.get(job_id).step_id(stage)
        sent = lines.new()
        assert sent
        for line in sent:
            assert (line["job_id"], line["step_id"], line["stage"]) == (job_id, step_id, stage)
            assert line["function_request_id"] == f"call-{number}"
        work(stage, Small(stage))
        made, attempt = lines.new(), jobs.get(job_id).step(stage).attempt
        assert {"attempt begins", "attempt completed"} <= {line["message"] for line in made}
        for line in made:
            assert {name: line.get(name) for name in WORKERS_IDS} == {
                "job_id": job_id, "step_id": step_id, "stage": stage, "attempt": attempt,
            }  # fmt: skip
            assert "function_request_id" not in line
    settle.handler({"jobId": job_id}, Call("call-9"))
    settled = lines.new()
    assert [(line["message"], line["job_id"], line["function_request_id"]) for line in settled] == [
        ("job settled", job_id, "call-9")
    ]
    assert not logger.thread_safe_get_current_keys(), "the next line has no fields of this call"


def test_a_request_that_failed_is_found_by_its_id(studio: Studio, ada: Creator, lines: Lines) -> None:
    studio.cloud.broken["Query"] = RuntimeError("storage is down")
    answer = ada.get("/api/jobs")
    assert lines.line("request failed")["request_id"] == answer.body["requestId"]


@pytest.mark.usefixtures("quick_beats")
def test_the_line_of_a_missed_beat_has_the_attempt(studio: Studio, ada: Creator, lines: Lines) -> None:
    job_id = queued(ada)
    seen: list[Line] = []

    def cut_off() -> None:
        studio.cloud.broken["UpdateItem"] = EndpointConnectionError(endpoint_url="x")
        while not seen:
            seen.extend(line for line in lines.new() if line["message"] == "beat failed")
        studio.cloud.broken.clear()

    work(IMAGE, Small(IMAGE, cut_off))
    step = jobs.get(job_id).step(IMAGE)
    assert (seen[0]["job_id"], seen[0]["attempt"], seen[0]["stage"]) == (job_id, step.attempt, IMAGE)
    assert seen[0]["step_id"] == jobs.get(job_id).step_id(IMAGE)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (EndpointConnectionError(endpoint_url="x"), "AWS did not answer; trying again"),
        (RuntimeError("x"), "message not handled"),
    ],
)
def test_the_line_of_an_unhandled_message_has_the_attempt(
    studio: Studio, ada: Creator, lines: Lines, error: Exception, message: str
) -> None:
    job_id = queued(ada)
    studio.cloud.broken["SendTaskSuccess"] = error
    work(IMAGE, Small(IMAGE))
    line = lines.line(message)
    assert (line["job_id"], line["attempt"]) == (job_id, jobs.get(job_id).step(IMAGE).attempt)
    assert not logger.thread_safe_get_current_keys()


def test_the_line_of_an_unhandled_task_of_an_endpoint_has_the_attempt(
    studio: Studio, ada: Creator, lines: Lines
) -> None:
    job_id = queued(ada)
    [body] = studio.messages(IMAGE.queue)
    studio.cloud.broken["SendTaskSuccess"] = RuntimeError("x")
    runner = StepRunner({"procedural": Small(IMAGE)}, shutdown_requested=bool)
    with Endpoint(runner.handle, host="127.0.0.1", port=0) as endpoint:
        endpoint.invoke(json.dumps(body).encode(), "")
    line = lines.line("task not handled")
    assert (line["job_id"], line["attempt"]) == (job_id, jobs.get(job_id).step(IMAGE).attempt)


def test_the_lines_of_dead_letters_have_the_ids_of_their_jobs(studio: Studio, ada: Creator, lines: Lines) -> None:
    job_id = queued(ada)
    [body] = studio.messages(IMAGE.queue)
    studio.cloud.broken["GetItem"] = RuntimeError("x")
    letters = [{"messageId": "1", "body": json.dumps(body)}, {"messageId": "2", "body": "not one of ours"}]
    lines.new()
    signal.handler({"Records": letters}, Call("call-2"))
    first, second = lines.new()
    assert (first["message"], first["message_id"], first["job_id"]) == ("dead letter not handled", "1", job_id)
    assert (second["message_id"], second.get("job_id")) == ("2", None)


def test_the_lines_of_failed_pushes_and_reconciles_have_the_job_id(
    studio: Studio, ada: Creator, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = queued(ada)
    changes = {"Records": studio.job_changes()}
    studio.cloud.broken["Query"] = RuntimeError("x")
    push.handler(changes, None)
    assert lines.line("job change not pushed")["job_id"] == job_id
    studio.cloud.broken.clear()
    monkeypatch.setattr(reconcile, "_reconcile", partial(_fail, EndpointConnectionError(endpoint_url="x")))
    monkeypatch.setattr(credits, "open_holds", lambda **_: [job_id])
    reconcile.handler({}, None)
    assert lines.line("job not reconciled")["job_id"] == job_id


def test_an_error_of_a_function_is_logged_with_its_job(studio: Studio, ada: Creator, lines: Lines) -> None:
    job_id = str(ada.job(ada.project())["id"])
    studio.cloud.broken["SendMessage"] = RuntimeError("x")
    with suppress(RuntimeError):
        dispatch({"jobId": job_id, "stage": IMAGE.value, "taskToken": "t"}, Call("call-3"))
    line = lines.line("call failed")
    assert (line["job_id"], line["function_request_id"], line["level"]) == (job_id, "call-3", "ERROR")
    assert line["function_version"] == "7", "the alarms of a release count the error lines of its versions"


def _fail(error: Exception, *_: object, **__: object) -> None:
    raise error
