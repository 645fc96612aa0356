"""Faults that a test causes under the real state machine, with real worker processes."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest

from functions.pipeline.signal import MAX_ATTEMPTS
from local.cloud import Cloud, laptop_cloud
from local.studio import StudioClient, StudioError
from shared.stages.stages import Stage
from tests.e2e.conftest import signed_up
from tests.e2e.test_films import ready
from tests.support.clips import driving_clip

pytestmark = pytest.mark.slow


def submit(studio: StudioClient, **job: Any) -> dict[str, Any]:
    return studio.submit({"projectId": studio.create_project("trouble"), "prompt": "a lake"} | job)


def until(studio: StudioClient, job_id: str, stage: Stage) -> Iterator[dict[str, Any]]:
    """Yield the job's events, beginning with the first one of the stage in progress."""
    in_progress = False
    for event in studio.events(job_id):
        step = event.get("currentStep") or event.get("job", {}).get("currentStep")
        in_progress = in_progress or (step == stage and event.get("progress", 0) % 25 > 1)
        if in_progress:
            yield event


def credits(cloud: Cloud, job: dict[str, Any]) -> tuple[str, int, int]:
    """Return the state of the job's hold, and the available and the held credits of its account."""
    db = cloud.client("dynamodb")
    hold = db.get_item(TableName="kinora-local-credit-holds", Key={"job_id": {"S": job["id"]}})["Item"]
    account = db.get_item(TableName="kinora-local-credit-accounts", Key={"account_id": hold["account_id"]})["Item"]
    return hold["state"]["S"], int(account["available"]["N"]), int(account["held"]["N"])


@pytest.mark.parametrize("stage", list(Stage))
def test_cancel_during_each_stage_stops_the_work_and_releases_the_credits(
    scripted_cloud: Cloud, scripted: StudioClient, script: Path, tmp_path: Path, stage: Stage
) -> None:
    (script / stage.value).write_text("slow")
    inputs = [{"role": "driving", "assetId": ready(scripted, driving_clip(tmp_path / "driving.mp4", seconds=3))}]
    job = submit(scripted, inputs=inputs)
    events = until(scripted, job["id"], stage)
    next(events)
    scripted.cancel(job["id"])
    last = list(events)[-1]
    assert (last["type"], last["status"]) == ("job.progress", "CANCELLED")
    assert scripted.job(job["id"])["status"] == "CANCELLED"
    assert credits(scripted_cloud, job) == ("RELEASED", 100, 0)

    (script / stage.value).unlink()  # the worker has noticed the cancellation and is free
    again = submit(scripted, inputs=inputs)
    *_, completed = scripted.events(again["id"])
    assert completed["type"] == "job.completed"


def test_an_engine_that_raises_is_retried_and_then_fails_the_job_without_a_charge(
    scripted_cloud: Cloud, scripted: StudioClient, script: Path
) -> None:
    (script / "VIDEO_SYNTHESIS").write_text("raise")
    job = submit(scripted)
    *_, last = scripted.events(job["id"])
    assert last["type"] == "job.failed"
    assert last["error"] == "The parallax engine failed unexpectedly."
    failed = scripted.job(job["id"])
    assert [step["attempts"] for step in failed["steps"]] == [1, 4, 0]
    assert [step["status"] for step in failed["steps"]] == ["COMPLETED", "FAILED", "CANCELLED"]
    assert credits(scripted_cloud, job) == ("RELEASED", 100, 0)


def test_one_crash_of_an_engine_costs_one_attempt(scripted: StudioClient, script: Path) -> None:
    """The retry waits for the second attempt, although that lasts longer than the dispatch of the step."""
    (script / "VIDEO_SYNTHESIS").write_text("raise once")
    job = submit(scripted)
    *_, last = scripted.events(job["id"])
    assert last["type"] == "job.completed"
    assert [step["attempts"] for step in scripted.job(job["id"])["steps"]] == [1, 2, 1]


def test_a_stage_failure_fails_the_job_without_a_retry(scripted: StudioClient, script: Path) -> None:
    (script / "POST_PROCESSING").write_text("fail")
    job = submit(scripted)
    *_, last = scripted.events(job["id"])
    assert last["error"] == "This scene cannot be filmed."
    assert scripted.job(job["id"])["steps"][-1]["attempts"] == 1


def test_a_paused_workers_late_result_is_ignored(scripted_cloud: Cloud, scripted: StudioClient, script: Path) -> None:
    """The worker is paused beyond its lease, another worker completes the step, then the first one continues."""
    (script / "VIDEO_SYNTHESIS").write_text("slow")
    job = submit(scripted)
    events = until(scripted, job["id"], Stage.VIDEO_SYNTHESIS)
    next(events)
    paused = scripted_cloud.workers["VIDEO_SYNTHESIS"]
    os.kill(paused.pid, signal.SIGSTOP)
    try:
        (script / "VIDEO_SYNTHESIS").unlink()
        scripted_cloud.add_worker(Stage.VIDEO_SYNTHESIS)
        last = list(events)[-1]
        assert last["type"] == "job.completed"
        settled = scripted.job(job["id"])
    finally:
        os.kill(paused.pid, signal.SIGCONT)
    deadline = monotonic() + 20
    while "attempt stopped" not in paused.log.read_text() and monotonic() < deadline:
        sleep(0.2)
    assert "another attempt" in paused.log.read_text() or "has ended" in paused.log.read_text()
    assert {k: v for k, v in scripted.job(job["id"]).items() if not k.endswith("Url")}.keys() == {
        k for k in settled if not k.endswith("Url")
    }
    assert scripted.job(job["id"])["seq"] == settled["seq"]
    assert credits(scripted_cloud, job) == ("CAPTURED", 100 - job["credits"], 0)


def test_one_worker_makes_a_film(tmp_path: Path) -> None:
    """A deployment has one service for all stages that need no GPU. The laptop has a process for each stage."""
    with (
        laptop_cloud(folder=tmp_path, with_workers=False, worker_module="tests.support.scripted_worker") as cloud,
        closing(signed_up(cloud)) as studio,
    ):
        worker = cloud.add_worker(*Stage)
        job = submit(studio)
        *_, last = studio.events(job["id"])
        assert last["type"] == "job.completed"
        assert worker.log.read_text().count('"attempt completed"') == 3


def test_a_worker_that_receives_sigterm_hands_its_task_back(
    scripted_cloud: Cloud, scripted: StudioClient, script: Path
) -> None:
    (script / "IMAGE_GENERATION").write_text("slow")
    job = submit(scripted)
    events = until(scripted, job["id"], Stage.IMAGE_GENERATION)
    next(events)
    (script / "IMAGE_GENERATION").unlink()
    worker = scripted_cloud.workers["IMAGE_GENERATION"]
    worker.send_signal(signal.SIGTERM)  # the laptop cloud starts another worker, as ECS does
    assert list(events)[-1]["type"] == "job.completed"
    assert scripted.job(job["id"])["steps"][0]["attempts"] == 2
    lines = [json.loads(line) for line in worker.log.read_text().splitlines() if line.startswith("{")]
    messages = [line["message"] for line in lines if line.get("job_id") == job["id"] and line["level"] == "INFO"]
    assert messages == ["attempt begins", "attempt stopped", "attempt begins", "attempt completed"]
    # test_worker_runtime checks that the worker hands the task back at once. Here the load of the machine decides.


def test_a_task_that_kills_every_worker_fails_the_job(
    scripted_cloud: Cloud, scripted: StudioClient, script: Path
) -> None:
    """Only the last attempts are real: all of them take ten minutes."""
    (script / "IMAGE_GENERATION").write_text("die")
    job = submit(scripted)
    scripted_cloud.client("dynamodb").update_item(
        TableName="kinora-local-jobs",
        Key={"job_id": {"S": job["id"]}},
        UpdateExpression="ADD steps.i.n :many",
        ExpressionAttributeValues={":many": {"N": str(MAX_ATTEMPTS)}},
    )
    *_, last = scripted.events(job["id"])
    assert (last["type"], last["error"]) == ("job.failed", "This step failed several times. Nothing was charged.")
    assert credits(scripted_cloud, job) == ("RELEASED", 100, 0)


def test_a_job_that_exceeds_the_credits_is_refused(scripted: StudioClient) -> None:
    body = {"projectId": scripted.create_project("poor"), "prompt": "a lake", "presetId": "static"}
    price = scripted.submit(body)["credits"]
    for _ in range(100 // price - 1):
        scripted.submit(body)
    with pytest.raises(StudioError, match="credits"):
        scripted.submit(body)
