"""Traces: one trace leads from the request to the worker, which reports its own segment."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from functions.pipeline.dispatch import handler as dispatch
from shared.aws import clients
from shared.aws.traces import TRACE
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.stages.failures import StageFailure
from shared.stages.stages import Stage
from tests.integration.test_worker_runtime import TinyEngine
from tests.support.studio import Creator, Studio
from workers.engines.contract import Workspace
from workers.runtime.queues import Delivery, Shutdown, consume
from workers.runtime.step import StepRunner

IMAGE = Stage.IMAGE_GENERATION
ROOT, PARENT = "1-67891233-abcdef012345678912345678", "53995c3f42cd8ad8"
SAMPLED = f"Root={ROOT};Parent={PARENT};Sampled=1"


def dispatched(ada: Creator, trace: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Submit a job and dispatch its picture within this trace; return the job's id."""
    monkeypatch.setenv(TRACE, trace)
    job_id = str(ada.job(ada.project())["id"])
    dispatch({"jobId": job_id, "stage": IMAGE.value, "taskToken": "token-1"}, None)
    monkeypatch.delenv(TRACE)  # the worker is another process
    return job_id


def work(engine: TinyEngine) -> None:
    shutdown = Shutdown()
    runner = StepRunner({"procedural": engine}, shutdown_requested=lambda: False)

    def once(delivery: Delivery) -> None:
        shutdown.requested = True
        runner.handle(delivery)

    consume((IMAGE.queue,), once, shutdown, visibility_seconds=30, probe=lambda: None)


def nothing(_: Workspace) -> None:
    return


def test_the_worker_continues_the_trace_of_the_request(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = dispatched(ada, SAMPLED, monkeypatch)
    work(TinyEngine(nothing))
    [segment] = studio.cloud.segments
    attempt = str(jobs.get(job_id).step(IMAGE).attempt)
    assert (segment["trace_id"], segment["parent_id"], segment["name"]) == (ROOT, PARENT, "image-generation-worker")
    assert segment["annotations"] == {
        "job_id": job_id, "stage": "IMAGE_GENERATION", "attempt": attempt, "engine": "procedural"
    }  # fmt: skip
    assert segment["fault"] is False
    assert segment["start_time"] < segment["end_time"]
    assert len(bytes.fromhex(segment["id"])) == 8


def test_a_failure_is_reported_as_a_fault(studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    dispatched(ada, SAMPLED, monkeypatch)

    def fails(_: Workspace) -> None:
        raise StageFailure("prompt_refused", "No.")

    work(TinyEngine(fails))
    [segment] = studio.cloud.segments
    assert segment["fault"] is True
    assert segment["annotations"]["code"] == "prompt_refused"


@pytest.mark.parametrize("trace", ["", f"Root={ROOT};Parent={PARENT};Sampled=0", "nonsense"])
def test_an_unsampled_trace_is_not_reported(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch, trace: str
) -> None:
    dispatched(ada, trace, monkeypatch)
    work(TinyEngine(nothing))
    assert "PutTraceSegments" not in studio.cloud.calls


def test_a_trace_that_cannot_be_sent_does_not_stop_the_work(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = dispatched(ada, SAMPLED, monkeypatch)
    studio.cloud.broken["PutTraceSegments"] = EndpointConnectionError(endpoint_url="x-ray")
    work(TinyEngine(nothing))
    assert jobs.get(job_id).step(IMAGE).status == JobStatus.COMPLETED
    assert [answer.error for answer in studio.cloud.answers] == [None]


def test_the_state_machine_is_started_within_the_trace(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []

    def note(params: Any, **_: Any) -> None:
        started.append(json.loads(params["body"]))

    clients.stepfunctions().meta.events.register("before-call.sfn.StartExecution", note)
    for trace in (SAMPLED, ""):
        dispatched(ada, trace, monkeypatch)
    clients.stepfunctions().meta.events.unregister("before-call.sfn.StartExecution", note)
    assert [call.get("traceHeader") for call in started] == [SAMPLED, None]
