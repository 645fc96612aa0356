"""Steps whose work a function without a network does: what its caller reports, and what a lost process loses."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from functions.pipeline import settle
from functions.pipeline.dispatch import handler as dispatch
from local.keys import provenance
from shared.aws import clients
from shared.aws.lone_secret import full_name
from shared.aws.secrets import secret
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.record import JobStatus
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.stages.failures import StageFailure
from shared.stages.stages import Role, Stage
from tests.integration.test_worker_runtime import GOOD, TinyEngine, run_on, until
from tests.support.isolated import FunctionContext, crash, receive, run_here
from tests.support.steps import LEASE, claim, complete_step
from tests.support.studio import Creator, Studio
from workers.engines.contract import Workspace
from workers.runtime import caller, isolated, received
from workers.runtime.received import HIDDEN_SECONDS, OUTAGE_PAUSE_SECONDS

IMAGE = Stage.IMAGE_GENERATION
QUEUE = IMAGE.queue


@pytest.fixture
def job_id(ada: Creator) -> str:
    """A job whose picture is dispatched."""
    made = str(ada.job(ada.project())["id"])
    dispatch({"jobId": made, "stage": "IMAGE_GENERATION", "taskToken": "token-1"}, None)
    return made


@pytest.fixture(autouse=True)
def no_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_BEAT_SECONDS", "60")
    monkeypatch.setenv("KINORA_PROGRESS_SECONDS", "60")


def work(studio: Studio, patch: pytest.MonkeyPatch, meanwhile: Callable[[Workspace], object] = lambda _: None) -> bool:
    """Do the next task with an engine that calls `meanwhile`. Return whether the message is done."""
    run_here(studio, patch, {"procedural": TinyEngine(meanwhile)})
    return receive(studio, QUEUE, caller.handler)


# --- success


def test_a_result_is_recorded_by_one_function_and_reported_by_the_other(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio.cloud.calls.clear()
    assert work(studio, monkeypatch)
    step = jobs.get(job_id).step(IMAGE)
    assert step.status == JobStatus.COMPLETED
    assert {output.role for output in jobs.results(jobs.get(job_id))[IMAGE].outputs} >= {Role.PICTURE, Role.DEPTH}
    assert studio.cloud.answers == [GOOD]
    calls = studio.cloud.calls
    assert calls.index("Invoke") < calls.index("PutObject") < calls.index("SendTaskSuccess")
    assert studio.in_flight(QUEUE) == []
    assert studio.messages(QUEUE) == []


@pytest.fixture
def certificate(studio: Studio, tmp_path: Path) -> Iterator[None]:
    """The deployment's certificate, which the caller may read and the other function may not."""
    client = boto3.client("secretsmanager")
    found = {full_name(name): value for name, value in provenance(tmp_path).items()}
    secret.cache_clear()
    for name, value in found.items():
        client.create_secret(Name=name, SecretString=value)
    yield
    secret.cache_clear()
    for name in found:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def film_of(studio: Studio, job_id: str) -> bytes:
    """Make the film of a job through all its stages, and return it."""
    planned = [stage for stage, _ in jobs.get(job_id).planned()]
    for stage in planned:
        dispatch({"jobId": job_id, "stage": stage.value, "taskToken": f"token-{stage}"}, None)
        assert receive(studio, stage.queue, caller.handler), stage
        assert jobs.get(job_id).step(stage).status == JobStatus.COMPLETED, stage
    assert settle.handler({"jobId": job_id}, None)["status"] == "COMPLETED"
    [key] = [one.key for one in jobs.results(jobs.get(job_id))[planned[-1]].outputs if one.role is Role.VIDEO]
    return clients.s3().get_object(Bucket="kinora-test-media", Key=key)["Body"].read()


def test_a_film_is_made_by_the_real_engines_in_isolated_functions(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each test, the calls of both functions are compared with their rights."""
    orders = run_here(studio, monkeypatch)
    film = film_of(studio, str(ada.job(ada.project(), duration=1, resolution="720p")["id"]))
    assert b"c2pa" not in film
    assert [order["task"]["stage"] for order in orders] == [IMAGE, Stage.VIDEO_SYNTHESIS, Stage.POST_PROCESSING]
    assert [order for order in orders if "certificate" in order] == []


def test_the_certificate_of_the_caller_signs_the_film(
    studio: Studio, ada: Creator, certificate: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = run_here(studio, monkeypatch)
    film = film_of(studio, str(ada.job(ada.project(), duration=1, resolution="720p")["id"]))
    assert b"c2pa" in film
    assert ["certificate" in order for order in orders] == [False, False, True], "other stages do not need it"


# --- other ends


def test_a_failure_keeps_its_code_and_its_sentence(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Workspace) -> None:
        raise StageFailure("clip_too_short", "The clip is too short.")

    assert work(studio, monkeypatch, fail)
    [answer] = studio.cloud.answers
    assert (answer.error, json.loads(answer.cause)) == (
        "Stage.Final", {"code": "clip_too_short", "message": "The clip is too short."},
    )  # fmt: skip
    assert jobs.get(job_id).step(IMAGE).status == JobStatus.FAILED


def test_a_step_of_an_ended_job_is_not_reported(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_BEAT_SECONDS", "0.1")

    def cancelled(workspace: Workspace) -> None:
        creator = Thread(target=lambda: settlement.cancel(jobs.get(job_id), at=utc_now()))  # not the worker's call
        creator.start()
        creator.join()
        run_on(workspace)

    assert work(studio, monkeypatch, cancelled)
    assert [answer for answer in studio.cloud.answers if answer.error is None] == []


def test_a_fenced_attempt_leaves_the_message(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KINORA_BEAT_SECONDS", "0.1")

    def fenced(workspace: Workspace) -> None:
        claim(job_id, IMAGE, at=utc_now() + 10 * LEASE)
        run_on(workspace)

    assert not work(studio, monkeypatch, fenced)
    assert studio.cloud.answers == []


@pytest.mark.parametrize("seconds", [isolated.RESERVE_SECONDS, 0.0])
def test_work_that_does_not_end_in_time_fails_uncharged(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    run_here(studio, monkeypatch, {"procedural": TinyEngine(run_on)}, context=FunctionContext(seconds))
    assert receive(studio, QUEUE, caller.handler)
    [answer] = studio.cloud.answers
    assert (answer.error, json.loads(answer.cause)["code"]) == ("Stage.Final", "step_too_long")


@pytest.mark.parametrize(
    ("error_type", "message", "code", "name"),
    [
        (
            "Runtime.ExitError",
            "Runtime exited with error: signal: killed",
            "engine_crashed",
            "Retryable",
        ),
        ("Sandbox.Timedout", "RequestId: 1 Error: Task timed out after 870.00 seconds", "step_too_long", "Final"),
    ],
)
def test_a_function_that_dies_fails_the_step_at_once(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch, error_type: str, message: str, code: str, name: str
) -> None:
    monkeypatch.setenv("KINORA_ISOLATED_FUNCTION", "kinora-test-isolated-steps:live")
    studio.cloud.isolated = crash(error_type, message)
    assert receive(studio, QUEUE, caller.handler)
    [answer] = studio.cloud.answers
    assert (answer.error, json.loads(answer.cause)["code"]) == (f"Stage.{name}", code)


# --- outages and lost processes


def sent_again(studio: Studio, job_id: str) -> bool:
    """Return whether the task waits in the queue for the pause of an outage, and its step has no lease."""
    visible = [delay for _, delay in studio.queued(QUEUE)]
    return visible == [OUTAGE_PAUSE_SECONDS] and jobs.get(job_id).step(IMAGE).lease_until is None


def test_an_outage_of_s3_hands_the_task_back(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.cloud.broken["PutObject"] = EndpointConnectionError(endpoint_url="https://s3")
    assert work(studio, monkeypatch)
    assert sent_again(studio, job_id)
    assert studio.cloud.answers == []


def test_a_throttled_call_hands_the_task_back(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other function has no free place."""
    monkeypatch.setenv("KINORA_ISOLATED_FUNCTION", "kinora-test-isolated-steps:live")

    def throttled(_name: str, _order: Any) -> Any:
        raise ClientError({"Error": {"Code": "TooManyRequestsException", "Message": "Rate exceeded"}}, "Invoke")

    studio.cloud.isolated = throttled
    assert receive(studio, QUEUE, caller.handler)
    assert sent_again(studio, job_id)


def test_a_caller_that_dies_after_the_work_loses_nothing(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its message is delivered again, and the next caller reports the recorded result."""
    run_here(studio, monkeypatch, {"procedural": TinyEngine()})
    delivery = studio.deliver(QUEUE)
    assert delivery is not None
    studio.cloud.broken["SendTaskSuccess"] = EndpointConnectionError(endpoint_url="https://states")
    with pytest.raises(EndpointConnectionError):
        caller.CalledSteps().handle(delivery)
    studio.cloud.broken.clear()
    assert studio.cloud.answers == []
    delivery.hide(0)
    assert receive(studio, QUEUE, caller.handler)
    assert studio.cloud.answers == [GOOD]


def test_the_message_of_a_leased_step_stays(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    claim(job_id, IMAGE)
    orders = run_here(studio, monkeypatch, {"procedural": TinyEngine()})
    assert not receive(studio, QUEUE, caller.handler)
    assert orders == []
    assert len(studio.in_flight(QUEUE)) == 1


def test_a_completed_step_is_reported_without_work(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete_step(job_id, IMAGE)
    orders = run_here(studio, monkeypatch, {"procedural": TinyEngine()})
    assert receive(studio, QUEUE, caller.handler)
    assert (orders, studio.cloud.answers) == ([], [GOOD])


def test_the_lease_covers_the_start_of_the_other_function(
    studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first beat comes when its image has started."""
    leases = list[float]()

    def look(_: Workspace) -> None:
        until = jobs.get(job_id).step(IMAGE).lease_until
        assert until is not None
        leases.append((until - utc_now()).total_seconds())

    assert work(studio, monkeypatch, look)
    assert caller.START_SECONDS - 10 < leases[0] <= caller.START_SECONDS


def test_the_message_is_hidden_again_and_again(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = list[int]()
    monkeypatch.setattr(received, "HIDE_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(received.Received, "hide", lambda _message, seconds: hidden.append(seconds))
    assert work(studio, monkeypatch, lambda _: until(lambda: len(hidden) > 2))
    assert len(hidden) > 2
    assert set(hidden) == {HIDDEN_SECONDS}


def test_a_step_without_access_is_released(studio: Studio, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newer message has the right to its media."""
    dispatch({"jobId": job_id, "stage": IMAGE.value, "taskToken": "token-2"}, None)
    orders = run_here(studio, monkeypatch, {"procedural": TinyEngine()})
    assert receive(studio, QUEUE, caller.handler)
    assert orders == []
    assert steps.token(job_id, IMAGE) == "token-2"
