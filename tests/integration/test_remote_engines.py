"""Remote engines: a step is submitted once, polled until done, and never billed twice, at any point of failure."""

import json
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from moto.backends import get_backend

from functions.jobs.plan import _Requirements
from functions.pipeline import signal
from functions.pipeline.dispatch import handler as dispatch
from functions.pipeline.requests import stage_task
from shared.aws import clients, media, secrets
from shared.camera.catalogue import default_moves
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.record import JobStatus, StepMap
from shared.jobs.steps import Fenced
from shared.jobs.store import JobNotFound, jobs
from shared.jobs.tickets import TicketStore, tickets
from shared.stages.queues import QUEUES, REMOTE_ENGINE_SECONDS, REMOTE_QUEUE
from shared.stages.stages import Role, Stage
from tests.support.cloud import TaskAnswer
from tests.support.fal import CLIP, Fal, Reply, fal
from tests.support.steps import claim, complete_step
from tests.support.studio import Creator, Studio
from tests.support.variants import few_quick
from tests.unit.workers.motion.test_motion_check import hills
from workers.engines.contract import StageResult
from workers.engines.post_processing.finish import Finish
from workers.media.codecs import FINISHED, ClipWriter
from workers.motion.motion_course import CourseCheck
from workers.renderer.shoot import shoot
from workers.runtime.attempt import Attempt
from workers.runtime.config import RemoteConfig
from workers.runtime.lambda_entry import RemoteRunner
from workers.runtime.step import StepRunner

VIDEO, POST = Stage.VIDEO_SYNTHESIS, Stage.POST_PROCESSING
KEY = "fal-secret-key"
# test_missed_moves.py has the checks of clips before they are used.
NAMED = {"engines": {"VIDEO_SYNTHESIS": "fal-kling"}, "duration": 5, "onMissedMove": "keep"}
GOOD = TaskAnswer("token-1", None, "")


@pytest.fixture
def provider(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fal]:
    """fal and its key, with polls without a pause and leases that expire at once."""
    with fal() as server:
        monkeypatch.setenv("KINORA_FAL_URL", server.url)
        monkeypatch.setenv("KINORA_FAL_TIMEOUT_SECONDS", "0.5")
        monkeypatch.setenv("KINORA_REMOTE_POLL_MOST_SECONDS", "0")
        monkeypatch.setenv("KINORA_REMOTE_LEASE_SECONDS", "0")
        clients.secretsmanager().create_secret(Name="kinora/test/fal-key", SecretString=KEY)
        yield server
        clients.secretsmanager().delete_secret(SecretId="kinora/test/fal-key", ForceDeleteWithoutRecovery=True)
        secrets.secret.cache_clear()


@pytest.fixture
def job_id(provider: Fal, ada: Creator) -> str:
    """A job whose picture is complete and whose clip is dispatched to fal."""
    made = str(ada.job(ada.project(), **NAMED)["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    dispatch_step(made)
    return made


def dispatch_step(job_id: str, token: str = "token-1") -> None:  # noqa: S107  # a test's token
    dispatch({"jobId": job_id, "stage": VIDEO.value, "taskToken": token}, None)


def step(job_id: str) -> StepMap:
    return jobs.get(job_id).step(VIDEO)


def take() -> list[tuple[str, int]]:
    """Remove and return all messages of the queue as (body, delay in seconds), including delayed ones."""
    queue = get_backend("sqs")["123456789012"]["us-east-1"].queues[f"kinora-test-{REMOTE_QUEUE}"]
    found = [(m.body, round((m.delayed_until - (m.sent_timestamp or 0)) / 1000)) for m in queue._messages]
    queue._messages.clear()
    return found


def turn() -> int:
    """Handle each message of the queue once, each with its own runner, and return their number."""
    found = take()
    for body, _ in found:
        RemoteRunner().handle(body)
    return len(found)


def run_out(most: int = 40) -> None:
    """Handle messages until the queue is empty. Raise AssertionError after `most` turns."""
    for _ in range(most):
        if not turn():
            return
    raise AssertionError("the queue was never empty")


def shown(answer: TaskAnswer) -> tuple[str | None, str]:
    return answer.error, json.loads(answer.cause)["code"]


# --- success


def test_a_step_that_the_previous_release_sent_is_sent_again(studio: Studio, provider: Fal, job_id: str) -> None:
    """The previous release sent no proofs. The step is not submitted before its message has one."""
    [(body, _)] = take()
    message = json.loads(body)
    del message["task"]["proof"]
    RemoteRunner().handle(json.dumps(message))
    assert [answer.error for answer in studio.cloud.answers] == ["Stage.Retryable"]
    assert (provider.accepted, take()) == ([], [])


def test_a_step_is_submitted_once_polled_downloaded_stored_and_answered(
    studio: Studio, provider: Fal, job_id: str
) -> None:
    provider.statuses += [
        Reply(body={"status": "IN_QUEUE", "queue_position": 2}),
        Reply(body={"status": "IN_PROGRESS"}),
    ]
    assert studio.messages("video-synthesis") == []
    run_out()
    [request] = provider.accepted
    assert request["path"] == "/fal-ai/kling-video/o1/standard/image-to-video"
    assert request["duration"] == "5"
    prompt = "a lighthouse at dusk. Camera: sudden crash zoom in on the subject, no slow motion, no static shot. "
    assert request["prompt"].startswith(prompt)
    assert "/image_generation/" in request["start_image_url"]
    assert "Signature=" in request["start_image_url"]
    done = step(job_id)
    assert (done.status, done.progress, done.attempts) == (JobStatus.COMPLETED, 100, 1)
    key = jobs.results(jobs.get(job_id))[VIDEO].key(Role.CLIP)
    assert key == f"work/{job_id}/video_synthesis/{done.attempt}/clip.mp4"
    stored = clients.s3().get_object(Bucket="kinora-test-media", Key=key)
    assert (stored["Body"].read(), stored["ContentType"]) == (CLIP, "video/mp4")
    assert studio.cloud.answers == [GOOD]
    assert provider.keys == {f"Key {KEY}"}


def test_the_key_is_sent_to_the_queue_only(studio: Studio, provider: Fal, job_id: str) -> None:
    run_out()
    assert provider.seen_by_files == [None]
    assert KEY not in json.dumps(studio.dump())


def test_the_pause_between_polls_grows_and_the_lease_outlasts_it(
    provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KINORA_REMOTE_POLL_MOST_SECONDS")
    monkeypatch.delenv("KINORA_REMOTE_LEASE_SECONDS")
    provider.statuses += [Reply(body={"status": "IN_PROGRESS"})] * 3
    pauses = []
    [(body, _)] = take()
    for _ in range(4):
        RemoteRunner().handle(body)
        [(body, pause)] = take()
        pauses.append(pause)
        until = step(job_id).lease_until
        assert until is not None
        assert until > utc_now() + timedelta(seconds=pause + REMOTE_ENGINE_SECONDS)
    assert pauses == [5, 6, 7, 8]


def test_leases_outlast_a_pause_and_a_poll_and_end_before_redelivery() -> None:
    config = RemoteConfig()
    [queue] = [queue for queue in QUEUES if queue.name == REMOTE_QUEUE]
    assert config.remote_poll_most_seconds + REMOTE_ENGINE_SECONDS < config.remote_lease_seconds
    assert config.remote_lease_seconds < queue.visibility_seconds


# --- delivered twice


def test_a_message_delivered_twice_is_polled_once(provider: Fal, job_id: str) -> None:
    provider.statuses += [Reply(body={"status": "IN_PROGRESS"})] * 9
    turn()
    [(poll, _)] = take()
    RemoteRunner().handle(poll)
    [(next_poll, _)] = take()
    RemoteRunner().handle(next_poll)
    assert len(take()) == 1
    before = len(provider.statuses)
    RemoteRunner().handle(poll)
    assert len(provider.statuses) == before, "the poll was already claimed"
    assert take() == []


def test_a_task_delivered_twice_during_its_lease_waits_and_submits_nothing(
    provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_REMOTE_LEASE_SECONDS", "180")
    [(task, _)] = take()
    RemoteRunner().handle(task)
    take()
    RemoteRunner().handle(task)
    [(again, pause)] = take()
    assert (json.loads(again), len(provider.accepted)) == (json.loads(task), 1)
    assert 170 < pause <= 181


def test_a_task_of_an_earlier_sending_does_not_wait_for_the_lease(
    provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_REMOTE_LEASE_SECONDS", "180")
    claim(job_id, Stage.VIDEO_SYNTHESIS)
    [(body, _)] = take()
    dispatch_step(job_id, "token-2")
    take()
    RemoteRunner().handle(body)
    assert take() == []


def test_a_retry_of_the_state_machine_continues_with_the_ticket(studio: Studio, provider: Fal, job_id: str) -> None:
    turn()
    take()  # the chain of polls is lost
    dispatch_step(job_id, "token-2")
    run_out()
    assert len(provider.accepted) == 1
    assert (step(job_id).status, step(job_id).attempts) == (JobStatus.COMPLETED, 2)
    assert studio.cloud.answers == [TaskAnswer("token-2", None, "")]


def test_a_finished_step_is_only_answered(studio: Studio, provider: Fal, job_id: str) -> None:
    [(task, _)] = take()
    RemoteRunner().handle(task)
    run_out()
    RemoteRunner().handle(task)
    assert studio.cloud.answers == [GOOD, GOOD]
    assert len(provider.accepted) == 1


def test_the_poll_of_a_fenced_attempt_is_ignored(studio: Studio, provider: Fal, job_id: str) -> None:
    turn()
    newer = claim(job_id, VIDEO)
    [(poll, _)] = take()
    RemoteRunner().handle(poll)
    assert (step(job_id).attempt, step(job_id).status) == (newer, JobStatus.RUNNING)
    assert (take(), studio.cloud.answers, provider.cancelled) == ([], [], [])


def test_a_poll_that_is_fenced_after_its_own_result_reports_it(
    studio: Studio, provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The provider is paid for the clip, so it is kept, and the state machine does not wait in vain."""
    record = Attempt.record

    def recorded_then_fenced(attempt: Attempt, made: StageResult) -> None:
        record(attempt, made)
        raise Fenced

    monkeypatch.setattr(Attempt, "record", recorded_then_fenced)
    run_out()
    key = jobs.results(jobs.get(job_id))[VIDEO].key(Role.CLIP)
    assert key is not None
    assert media.exists(key)
    assert (studio.cloud.answers, len(provider.accepted)) == ([GOOD], 1)


# --- submitting fails


def test_an_unconfirmed_submission_is_never_sent_again(
    studio: Studio, provider: Fal, ada: Creator, job_id: str
) -> None:
    provider.submits.append(Reply(drop=True))
    run_out()
    assert len(provider.accepted) == 1
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", "submission_unconfirmed")]
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert (held.submissions, held.intent) == (1, step(job_id).attempt), "the ticket record stays"
    assert not held.ticket
    dispatch_step(job_id, "token-2")
    run_out()
    assert len(provider.accepted) == 1
    settlement.fail(jobs.get(job_id), error="x", at=utc_now())
    assert ada.get(f"/api/jobs/{job_id}").body["status"] == "FAILED"


@pytest.mark.parametrize("reply", [Reply(500), Reply(502), Reply(504), Reply(200, body=b"<html>"), Reply(200, body={})])
def test_an_ambiguous_answer_counts_as_a_submission(studio: Studio, provider: Fal, job_id: str, reply: Reply) -> None:
    provider.submits += [reply, Reply()]
    run_out()
    assert len(provider.submits) == 1
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", "submission_unconfirmed")]


@pytest.mark.parametrize(("reply", "pause"), [(Reply(429, headers={"Retry-After": "77"}), 77), (Reply(503), 15)])
def test_a_throttled_submission_is_sent_again_after_the_pause(
    studio: Studio, provider: Fal, job_id: str, reply: Reply, pause: int
) -> None:
    provider.submits.append(reply)
    turn()
    assert provider.accepted == []
    [(again, seconds)] = take()
    assert seconds == pause
    assert step(job_id).status == JobStatus.QUEUED
    RemoteRunner().handle(again)
    run_out()
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert (len(provider.accepted), held.submissions) == (1, 1)
    assert studio.cloud.answers == [GOOD]


def test_an_unreachable_provider_is_tried_again_later(
    provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_FAL_URL", "http://127.0.0.1:9")
    turn()
    [(again, _)] = take()
    monkeypatch.setenv("KINORA_FAL_URL", provider.url)
    RemoteRunner().handle(again)
    run_out()
    assert (len(provider.accepted), step(job_id).status) == (1, JobStatus.COMPLETED)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(422, body={"detail": [{"type": "content_policy_violation", "input": "a secret"}]}), "content_refused"),
        (Reply(422, body={"detail": [{"type": "missing"}]}), "provider_failed"),
        (Reply(401), "provider_refused"),
        (Reply(402), "provider_refused"),
    ],
)
def test_a_refusal_is_final_and_counts_no_submission(
    studio: Studio, provider: Fal, job_id: str, reply: Reply, code: str
) -> None:
    provider.submits.append(reply)
    run_out()
    [answer] = studio.cloud.answers
    assert shown(answer) == ("Stage.Final", code)
    assert "secret" not in answer.cause
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert held.submissions == 0
    assert not held.intent


# --- polls and downloads fail


@pytest.mark.parametrize("reply", [Reply(503), Reply(429), Reply(200, body=b"<html>"), Reply(drop=True)])
@pytest.mark.parametrize("where", ["statuses", "results"])
def test_a_failed_poll_is_repeated(studio: Studio, provider: Fal, job_id: str, reply: Reply, where: str) -> None:
    getattr(provider, where).append(reply)
    run_out()
    assert (len(provider.accepted), studio.cloud.answers) == (1, [GOOD])


def test_a_busy_provider_extends_the_lease(provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KINORA_REMOTE_LEASE_SECONDS")
    provider.statuses.append(Reply(429, headers={"Retry-After": "300"}))
    turn()
    turn()
    until = step(job_id).lease_until
    assert until is not None
    assert until > utc_now() + timedelta(seconds=300)


@pytest.mark.parametrize("operation", ["Invoke", "GetSecretValue"])
def test_a_step_is_handed_back_before_its_submission_while_a_service_does_not_answer(
    studio: Studio, provider: Fal, job_id: str, operation: str
) -> None:
    studio.cloud.broken[operation] = EndpointConnectionError(endpoint_url="x")
    for _ in range(6):
        assert turn() > 0
    assert (provider.accepted, studio.cloud.answers, step(job_id).lost_attempts) == ([], [], 0)
    studio.cloud.broken.clear()
    run_out()
    assert (len(provider.accepted), studio.cloud.answers) == (1, [GOOD])


@pytest.mark.parametrize("operation", ["Invoke", "PutObject", "PutItem"])
def test_a_clip_is_stored_after_an_outage_and_not_bought_again(
    studio: Studio, provider: Fal, job_id: str, operation: str
) -> None:
    turn()
    studio.cloud.broken[operation] = EndpointConnectionError(endpoint_url="x")
    for _ in range(6):
        turn()
    assert (studio.cloud.answers, step(job_id).attempts) == ([], 1)
    studio.cloud.broken.clear()
    run_out()
    assert (len(provider.accepted), studio.cloud.answers) == (1, [GOOD])


@pytest.mark.parametrize("reply", [Reply(500), Reply(drop=True)])
def test_the_download_is_retried_and_the_generation_is_not(
    studio: Studio, provider: Fal, job_id: str, reply: Reply
) -> None:
    provider.files += [reply, reply]
    run_out()
    assert (len(provider.accepted), len(provider.seen_by_files)) == (1, 3)
    assert studio.cloud.answers == [GOOD]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(404), "result_lost"),
        (Reply(200, body=b"<html>not a film</html>"), "result_unusable"),
        (Reply(200, body=b""), "result_unusable"),
    ],
)
def test_a_clip_that_cannot_be_downloaded_is_a_final_failure(
    studio: Studio, provider: Fal, job_id: str, reply: Reply, code: str
) -> None:
    provider.files.append(reply)
    run_out()
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", code)]
    assert [key for key in media.keys("work/") if key.endswith(".mp4")] == []


@pytest.mark.parametrize(
    ("failure", "shown_as"),
    [
        ({"error": "NSFW", "error_type": "content_policy_violation"}, ("Stage.Final", "content_refused")),
        ({"error": "bad", "error_type": "something_new"}, ("Stage.Final", "provider_failed")),
        ({"error": "oops", "error_type": "internal_server_error"}, ("Stage.Retryable", "provider_failed")),
    ],
)
def test_a_failed_generation_is_reported_with_its_code(
    studio: Studio, provider: Fal, job_id: str, failure: dict[str, str], shown_as: tuple[str, str]
) -> None:
    provider.statuses.append(Reply(body={"status": "COMPLETED", **failure}))
    run_out()
    assert [shown(answer) for answer in studio.cloud.answers] == [shown_as]
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert (held.ticket is None) == (shown_as[0] == "Stage.Retryable"), "a final failure stays on record"


def test_only_a_generation_that_failed_at_the_provider_is_submitted_again(
    studio: Studio, provider: Fal, job_id: str
) -> None:
    provider.statuses.append(Reply(body={"status": "COMPLETED", "error": "x", "error_type": "runner_disconnected"}))
    run_out()
    dispatch_step(job_id, "token-2")
    run_out()
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert held.submissions == len(provider.accepted) == 2 <= step(job_id).attempts
    assert studio.cloud.answers[-1] == TaskAnswer("token-2", None, "")


@pytest.mark.parametrize("where", ["status_url", "response_url", "cancel_url"])
def test_the_key_is_not_sent_to_other_hosts_of_an_answer(
    studio: Studio, provider: Fal, job_id: str, where: str
) -> None:
    with fal() as other_host:
        urls = dict.fromkeys(("status_url", "response_url", "cancel_url"), f"{provider.url}/requests/1/status")
        provider.submits.append(Reply(body=urls | {where: f"{other_host.url}/requests/1/status"}))
        turn()
        if where == "cancel_url":
            settlement.cancel(jobs.get(job_id), at=utc_now())
        run_out()
        assert other_host.keys == set()


def test_a_film_that_the_engine_cannot_make_is_not_submitted(
    studio: Studio, provider: Fal, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job of an older release, whose planner knew fewer limits."""
    monkeypatch.setattr(_Requirements, "fits", lambda *_: True)
    made = str(ada.job(ada.project(), loop=True, **NAMED)["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    dispatch_step(made)
    run_out()
    assert provider.accepted == []
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", "engine_cannot")]


# --- ends


def test_a_cancelled_job_is_cancelled_at_the_provider(studio: Studio, provider: Fal, job_id: str) -> None:
    provider.statuses += [Reply(body={"status": "IN_PROGRESS"})] * 9
    turn()
    turn()
    settlement.cancel(jobs.get(job_id), at=utc_now())
    run_out()
    assert provider.cancelled == ["/requests/1/cancel"]
    assert [key for key in media.keys("work/") if key.endswith(".mp4")] == []
    assert studio.cloud.answers == []


def test_a_job_cancelled_before_its_submission_is_never_submitted(studio: Studio, provider: Fal, job_id: str) -> None:
    settlement.cancel(jobs.get(job_id), at=utc_now())
    run_out()
    assert (provider.accepted, provider.cancelled) == ([], [])


def test_a_job_cancelled_during_the_download_has_no_clip(
    studio: Studio, provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = media.upload

    def cancelled_meanwhile(*args: Any, **kwargs: Any) -> None:
        upload(*args, **kwargs)
        settlement.cancel(jobs.get(job_id), at=utc_now())

    monkeypatch.setattr(media, "upload", cancelled_meanwhile)
    run_out()
    assert jobs.get(job_id).status == JobStatus.CANCELLED
    assert Stage.VIDEO_SYNTHESIS not in jobs.results(jobs.get(job_id))  # the sweep deletes the file
    assert studio.cloud.answers == []


def test_a_dead_letter_of_the_queue_is_sent_again_before_it_ends_the_step(
    studio: Studio, provider: Fal, job_id: str
) -> None:
    [(body, _)] = take()
    assert signal.handler({"Records": [{"messageId": "1", "body": body}]}, None) == {"batchItemFailures": []}
    assert studio.cloud.answers == []
    assert [(json.loads(again), delay) for again, delay in take()] == [(json.loads(body), signal.RESEND_SECONDS)]
    for number in range(signal.MAX_ATTEMPTS):
        claim(job_id, Stage.VIDEO_SYNTHESIS, utc_now() - timedelta(hours=2) + number * timedelta(minutes=1))
    assert signal.handler({"Records": [{"messageId": "1", "body": body}]}, None) == {"batchItemFailures": []}
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", "worker_lost")]


BUSY = [Reply(429, headers={"Retry-After": "1"})]
FAILED = [Reply(body={"status": "COMPLETED", "error": "x", "error_type": "runner_disconnected"})]


@pytest.mark.parametrize(
    ("before", "submits", "statuses", "cancelled"),
    [
        pytest.param("intend", [], [], 1, id="before the intent"),
        pytest.param("store", [], [], 1, id="before the ticket"),
        pytest.param("withdraw", BUSY, [], 0, id="while the provider refuses"),
        pytest.param("adopt", [], [], 1, id="before another attempt continues"),
        pytest.param("close", [], FAILED, 0, id="while the provider fails"),
    ],
)
def test_the_request_of_a_deleted_job_is_cancelled_at_the_provider(
    provider: Fal,
    ada: Creator,
    job_id: str,
    monkeypatch: pytest.MonkeyPatch,
    before: str,
    submits: list[Reply],
    statuses: list[Reply],
    cancelled: int,
) -> None:
    provider.submits, provider.statuses = list(submits), list(statuses)
    write = getattr(TicketStore, before)

    def deleted_meanwhile(*args: Any, **kwargs: Any) -> None:
        settlement.cancel(jobs.get(job_id), at=utc_now())
        assert ada.delete(f"/api/jobs/{job_id}").status == 204
        write(*args, **kwargs)

    monkeypatch.setattr(TicketStore, before, deleted_meanwhile)
    [(body, _)] = take()
    RemoteRunner().handle(body)
    if before == "adopt":
        RemoteRunner().handle(body)
    run_out()
    with pytest.raises(JobNotFound):
        jobs.get(job_id)
    assert len(provider.cancelled) == cancelled
    assert len(provider.accepted) == 1 - len(submits)


def test_a_job_deleted_between_two_polls_is_cancelled_at_the_provider(provider: Fal, ada: Creator, job_id: str) -> None:
    turn()
    settlement.cancel(jobs.get(job_id), at=utc_now())
    assert ada.delete(f"/api/jobs/{job_id}").status == 204
    run_out()
    assert provider.cancelled == ["/requests/1/cancel"]


# --- a Lambda that dies


class Died(BaseException):
    """The end of the process, which no code catches."""


class Fuse(list[str]):
    """A list of calls that ends the process at the n-th call, before it is made.

    While `dead`, no call is made: an upload runs in a thread of boto3, which does not end with its thread's death.
    """

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n
        self.dead = False

    def append(self, operation: str) -> None:
        self.left -= not self.dead
        if self.left == 0:
            self.dead = True
        if self.dead:
            raise Died(operation)
        super().append(operation)


CALLS = 39  # to AWS, from the first message to the end of the step


def run_with_death(studio: Studio, n: int) -> int:
    """Run all messages of a step. The function dies at call `n` to AWS. Return how many calls were left until then."""
    studio.cloud.calls = fuse = Fuse(n)
    for _ in range(20):
        for body, _ in take():
            try:
                RemoteRunner().handle(body)
            except Died:
                fuse.dead, fuse.left = False, -1
                RemoteRunner().handle(body)
    studio.cloud.calls = []
    return fuse.left


def test_the_next_test_knows_each_call(studio: Studio, provider: Fal, job_id: str) -> None:
    provider.statuses.append(Reply(body={"status": "IN_PROGRESS"}))
    assert run_with_death(studio, CALLS + 1) == 1
    assert step(job_id).status == JobStatus.COMPLETED


# A third of the calls is in `make test`.
@pytest.mark.parametrize("n", few_quick(sorted(range(1, CALLS + 1), key=lambda n: n % 3), CALLS // 3))
def test_a_step_is_submitted_once_and_ends_once_if_its_lambda_dies(
    studio: Studio, provider: Fal, job_id: str, n: int
) -> None:
    """It dies at each of its calls to AWS. After redelivery the step completes or fails, and is submitted only once."""
    provider.statuses.append(Reply(body={"status": "IN_PROGRESS"}))
    assert run_with_death(studio, n) <= 0
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert len(provider.accepted) <= held.submissions == 1 <= step(job_id).attempts
    if step(job_id).status == JobStatus.COMPLETED:
        assert set(studio.cloud.answers) == {GOOD}
        assert len(provider.accepted) == 1
    else:
        assert {shown(answer) for answer in studio.cloud.answers} == {("Stage.Final", "submission_unconfirmed")}
        assert step(job_id).status == JobStatus.FAILED


# --- the motion score


@cache
def filmed(preset: str) -> bytes:
    """Return a provider's version of the move as a clip: another size and frame rate, and 70 % of the strength."""
    move = default_moves()[preset].move.model_copy(update={"strength": 0.7})
    poses = [move.sample(i / 29) for i in range(30)]
    with TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        with ClipWriter(path, 480, 270, 15, FINISHED) as writer:
            for planes in shoot(*hills(), poses, width=480, height=270, fps=15):
                writer.write(planes)
        return path.read_bytes()


def finished(studio: Studio, job_id: str) -> Any:
    """Return the step's record after a worker has post-processed the provider's clip."""
    run_out()
    dispatch({"jobId": job_id, "stage": POST.value, "taskToken": "token-2"}, None)
    delivery = studio.deliver(POST.queue)
    assert delivery is not None
    StepRunner({"finish": Finish()}, shutdown_requested=lambda: False).handle(delivery)
    return jobs.get(job_id).step(POST)


@pytest.fixture
def small_job(provider: Fal, ada: Creator) -> str:
    """A job that requests a crash zoom in from fal; its post-processing is fast."""
    made = str(ada.job(ada.project(), **NAMED, resolution="720p")["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    dispatch_step(made)
    return made


@pytest.mark.parametrize(
    ("preset", "low", "high"),
    few_quick([("crash-zoom-in", 0.8, 1), ("pan-left", 0, 0.5), ("crash-zoom-out", 0, 0.2)], 2),
)
def test_post_processing_scores_the_clip_of_a_provider(
    studio: Studio, provider: Fal, ada: Creator, small_job: str, preset: str, low: float, high: float
) -> None:
    provider.files.append(Reply(body=filmed(preset)))
    assert ada.get(f"/api/jobs/{small_job}").body["motionScore"] is None
    assert finished(studio, small_job).status == JobStatus.COMPLETED
    stored = float(jobs.results(jobs.get(small_job))[POST].metrics["motionScore"])
    assert low <= stored <= high
    assert ada.get(f"/api/jobs/{small_job}").body["motionScore"] == stored


@pytest.mark.parametrize("where", ["see", "score"])
def test_a_failed_score_does_not_fail_the_step(
    studio: Studio, provider: Fal, ada: Creator, small_job: str, monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:  # fmt: skip
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(CourseCheck, where, broken)
    provider.files.append(Reply(body=filmed("crash-zoom-in")))
    assert finished(studio, small_job).status == JobStatus.COMPLETED
    shown = ada.get(f"/api/jobs/{small_job}").body
    assert shown["motionScore"] is None
    assert shown["steps"][-1]["resultUrl"]


def test_an_unreadable_clip_of_a_provider_is_reported_as_such(studio: Studio, provider: Fal, small_job: str) -> None:
    assert finished(studio, small_job).status == JobStatus.FAILED
    assert shown(studio.cloud.answers[-1]) == ("Stage.Final", "clip_unreadable")


def test_a_clip_of_an_in_process_engine_is_not_scored_again(studio: Studio, ada: Creator) -> None:
    made = str(ada.job(ada.project())["id"])
    for stage in (Stage.IMAGE_GENERATION, VIDEO):
        complete_step(made, stage)
    job = jobs.get(made)
    task: Any = stage_task(job, jobs.spec(made), jobs.results(job), POST)
    assert task.request.asked_move is None


# --- the offer


def refused(ada: Creator, **settings: Any) -> tuple[int, str]:
    body = {"projectId": ada.project(), "prompt": "a lighthouse", "settings": settings}
    answer = ada.post("/api/jobs", body)
    return answer.status, answer.body.get("code", "")


def test_a_providers_engine_is_not_offered_without_its_key(studio: Studio, ada: Creator) -> None:
    assert refused(ada, **NAMED) == (422, "no_engine")
    clients.secretsmanager().create_secret(Name="kinora/test/fal-key")  # as deployed: no value yet
    try:
        studio.cloud.calls.clear()
        assert refused(ada, **NAMED) == (422, "no_engine")
        assert "GetSecretValue" not in studio.cloud.calls, "planning does not read the key"
        clients.secretsmanager().put_secret_value(SecretId="kinora/test/fal-key", SecretString=KEY)
        assert refused(ada, **NAMED)[0] == 202
        assert refused(ada, **NAMED | {"duration": 4.5}) == (422, "no_engine")
        assert refused(ada, engines={"VIDEO_SYNTHESIS": "no-such"}) == (422, "no_engine")
        clients.secretsmanager().delete_secret(SecretId="kinora/test/fal-key")  # the operator withdraws the engine
        assert refused(ada, **NAMED) == (422, "no_engine")
        clients.secretsmanager().restore_secret(SecretId="kinora/test/fal-key")
        assert refused(ada, **NAMED) == (402, "not_enough_credits"), "offered, but the credits are spent"
    finally:
        clients.secretsmanager().delete_secret(SecretId="kinora/test/fal-key", ForceDeleteWithoutRecovery=True)


def test_a_job_without_a_named_engine_uses_an_in_process_engine(provider: Fal, ada: Creator) -> None:
    made = str(ada.job(ada.project())["id"])
    assert step(made).engine == "parallax"
