"""Steps done by a provider: sent once, looked at until done, and never paid for twice, whatever fails when."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from moto.backends import get_backend

from functions.pipeline import signal
from functions.pipeline.dispatch import handler as dispatch
from functions.pipeline.requests import stage_task
from shared.aws import clients, media, secrets
from shared.camera.catalogue import default_moves
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.record import JobStatus, StepMap
from shared.jobs.store import jobs
from shared.jobs.tickets import tickets
from shared.stages.queues import QUEUES, REMOTE_ENGINE_SECONDS, REMOTE_QUEUE
from shared.stages.stages import Role, Stage
from tests.support.cloud import TaskAnswer
from tests.support.fal import CLIP, Fal, Reply, fal
from tests.support.steps import claim, complete_step
from tests.support.studio import Creator, Studio
from tests.unit.workers.motion.test_motion_check import hills
from workers.engines.post_processing.finish import Finish
from workers.media.codecs import FINISHED, ClipWriter
from workers.motion.motion_course import CourseCheck
from workers.renderer.shoot import shoot
from workers.runtime.config import RemoteConfig
from workers.runtime.lambda_entry import RemoteRunner
from workers.runtime.step import StepRunner

VIDEO, POST = Stage.VIDEO_SYNTHESIS, Stage.POST_PROCESSING
KEY = "fal-secret-key"
NAMED = {"engines": {"VIDEO_SYNTHESIS": "fal-kling"}, "duration": 5}
GOOD = TaskAnswer("token-1", None, "")


@pytest.fixture
def provider(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fal]:
    """fal, with a key for it; no pause between looks, and a lease that has lapsed when somebody comes again."""
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
    """A job whose picture is made, and whose clip is asked of fal."""
    made = str(ada.job(ada.project(), **NAMED)["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    ask(made)
    return made


def ask(job_id: str, token: str = "token-1") -> None:  # noqa: S107  # a test's token
    dispatch({"jobId": job_id, "stage": VIDEO.value, "taskToken": token}, None)


def step(job_id: str) -> StepMap:
    return jobs.get(job_id).step(VIDEO)


def take() -> list[tuple[str, int]]:
    """All messages of the queue, off it: (body, delay in seconds), whether or not their time has come."""
    queue = get_backend("sqs")["123456789012"]["us-east-1"].queues[f"kinora-test-{REMOTE_QUEUE}"]
    found = [(m.body, round((m.delayed_until - (m.sent_timestamp or 0)) / 1000)) for m in queue._messages]
    queue._messages.clear()
    return found


def turn() -> int:
    """Handle all messages that are there now, once, each in a Lambda of its own; answers how many there were."""
    found = take()
    for body, _ in found:
        RemoteRunner().handle(body)
    return len(found)


def run_out(most: int = 40) -> None:
    """Until nobody has anything left to do."""
    for _ in range(most):
        if not turn():
            return
    raise AssertionError("it never came to an end")


def shown(answer: TaskAnswer) -> tuple[str | None, str]:
    return answer.error, json.loads(answer.cause)["code"]


# --- all goes well


def test_a_step_is_sent_once_looked_at_fetched_stored_and_answered(studio: Studio, provider: Fal, job_id: str) -> None:
    provider.statuses += [
        Reply(body={"status": "IN_QUEUE", "queue_position": 2}),
        Reply(body={"status": "IN_PROGRESS"}),
    ]
    assert studio.messages("video-synthesis") == []
    run_out()
    [asked] = provider.taken
    assert asked["path"] == "/fal-ai/kling-video/o1/standard/image-to-video"
    assert asked["duration"] == "5"
    heard = "a lighthouse at dusk. Camera: sudden crash zoom in on the subject, no slow motion, no static shot. "
    assert asked["prompt"].startswith(heard)
    assert "/image_generation/" in asked["start_image_url"]
    assert "Signature=" in asked["start_image_url"]
    done = step(job_id)
    assert (done.status, done.progress, done.attempts) == (JobStatus.COMPLETED, 100, 1)
    key = jobs.results(jobs.get(job_id))[VIDEO].key(Role.CLIP)
    assert key == f"jobs/{job_id}/video_synthesis/{done.attempt}/clip.mp4"
    stored = clients.s3().get_object(Bucket="kinora-test-media", Key=key)
    assert (stored["Body"].read(), stored["ContentType"]) == (CLIP, "video/mp4")
    assert studio.cloud.answers == [GOOD]
    assert set(studio.cloud.heartbeats) == {"token-1"}
    assert len(studio.cloud.heartbeats) == 3
    assert provider.keys == {f"Key {KEY}"}


def test_the_key_goes_to_the_queue_and_nowhere_else(studio: Studio, provider: Fal, job_id: str) -> None:
    run_out()
    assert provider.seen_by_files == [None]
    assert KEY not in json.dumps(studio.dump())


def test_looks_become_rarer_and_each_extends_the_lease_beyond_the_pause(
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


def test_leases_outlive_a_pause_and_a_look_and_end_before_the_queue_delivers_again() -> None:
    config = RemoteConfig()
    [queue] = [queue for queue in QUEUES if queue.name == REMOTE_QUEUE]
    assert config.remote_poll_most_seconds + REMOTE_ENGINE_SECONDS < config.remote_lease_seconds
    assert config.remote_lease_seconds < queue.visibility_seconds


# --- delivered twice


def test_a_message_delivered_twice_is_one_look_and_one_chain(provider: Fal, job_id: str) -> None:
    provider.statuses += [Reply(body={"status": "IN_PROGRESS"})] * 9
    turn()
    [(look, _)] = take()
    RemoteRunner().handle(look)
    [(next_look, _)] = take()
    RemoteRunner().handle(next_look)
    assert len(take()) == 1
    before = len(provider.statuses)
    RemoteRunner().handle(look)
    assert len(provider.statuses) == before, "its turn is over"
    assert take() == []


def test_a_task_delivered_twice_while_its_step_is_alive_waits_and_submits_nothing(
    provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_REMOTE_LEASE_SECONDS", "180")
    [(task, _)] = take()
    RemoteRunner().handle(task)
    take()
    RemoteRunner().handle(task)
    [(again, pause)] = take()
    assert (json.loads(again), len(provider.taken)) == (json.loads(task), 1)
    assert 170 < pause <= 181


def test_a_retry_of_the_state_machine_goes_on_with_the_ticket(studio: Studio, provider: Fal, job_id: str) -> None:
    turn()
    take()  # the chain of looks is lost
    ask(job_id, "token-2")
    run_out()
    assert len(provider.taken) == 1
    assert (step(job_id).status, step(job_id).attempts) == (JobStatus.COMPLETED, 2)
    assert studio.cloud.answers == [TaskAnswer("token-2", None, "")]


def test_a_finished_step_is_only_answered(studio: Studio, provider: Fal, job_id: str) -> None:
    [(task, _)] = take()
    RemoteRunner().handle(task)
    run_out()
    RemoteRunner().handle(task)
    assert studio.cloud.answers == [GOOD, GOOD]
    assert len(provider.taken) == 1


def test_the_look_of_a_fenced_attempt_does_not_count(studio: Studio, provider: Fal, job_id: str) -> None:
    turn()
    newer = claim(job_id, VIDEO)
    [(look, _)] = take()
    RemoteRunner().handle(look)
    assert (step(job_id).attempt, step(job_id).status) == (newer, JobStatus.RUNNING)
    assert (take(), studio.cloud.answers, provider.cancelled) == ([], [], [])


# --- submitting fails


def test_a_submission_that_was_taken_but_not_confirmed_is_never_sent_again(
    studio: Studio, provider: Fal, ada: Creator, job_id: str
) -> None:
    provider.submits.append(Reply(drop=True))
    run_out()
    assert len(provider.taken) == 1
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", "submission_unconfirmed")]
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert (held.submissions, held.intent) == (1, step(job_id).attempt), "it stays on record"
    assert not held.ticket
    ask(job_id, "token-2")
    run_out()
    assert len(provider.taken) == 1
    settlement.fail(jobs.get(job_id), error="x", at=utc_now())
    assert ada.get(f"/api/jobs/{job_id}").body["status"] == "FAILED"


@pytest.mark.parametrize("reply", [Reply(500), Reply(502), Reply(504), Reply(200, body=b"<html>"), Reply(200, body={})])
def test_an_answer_that_leaves_it_open_whether_it_was_taken_counts_as_taken(
    studio: Studio, provider: Fal, job_id: str, reply: Reply
) -> None:
    provider.submits += [reply, Reply()]
    run_out()
    assert len(provider.submits) == 1
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", "submission_unconfirmed")]


@pytest.mark.parametrize(("reply", "pause"), [(Reply(429, headers={"Retry-After": "77"}), 77), (Reply(503), 15)])
def test_a_submission_that_was_refused_for_now_is_sent_again_after_the_pause(
    studio: Studio, provider: Fal, job_id: str, reply: Reply, pause: int
) -> None:
    provider.submits.append(reply)
    turn()
    assert provider.taken == []
    [(again, seconds)] = take()
    assert seconds == pause
    assert step(job_id).status == JobStatus.QUEUED
    RemoteRunner().handle(again)
    run_out()
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert (len(provider.taken), held.submissions) == (1, 1)
    assert studio.cloud.answers == [GOOD]


def test_a_provider_that_cannot_be_reached_is_asked_later(
    provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_FAL_URL", "http://127.0.0.1:9")
    turn()
    [(again, _)] = take()
    monkeypatch.setenv("KINORA_FAL_URL", provider.url)
    RemoteRunner().handle(again)
    run_out()
    assert (len(provider.taken), step(job_id).status) == (1, JobStatus.COMPLETED)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(422, body={"detail": [{"type": "content_policy_violation", "input": "a secret"}]}), "content_refused"),
        (Reply(422, body={"detail": [{"type": "missing"}]}), "provider_failed"),
        (Reply(401), "provider_refused"),
        (Reply(402), "provider_refused"),
    ],
)
def test_a_refusal_is_final_and_nothing_was_submitted(
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


# --- looking and fetching fail


@pytest.mark.parametrize("reply", [Reply(503), Reply(429), Reply(200, body=b"<html>"), Reply(drop=True)])
@pytest.mark.parametrize("where", ["statuses", "results"])
def test_a_look_that_is_lost_is_made_again(
    studio: Studio, provider: Fal, job_id: str, reply: Reply, where: str
) -> None:
    getattr(provider, where).append(reply)
    run_out()
    assert (len(provider.taken), studio.cloud.answers) == (1, [GOOD])


@pytest.mark.parametrize("reply", [Reply(500), Reply(drop=True)])
def test_the_download_is_tried_again_and_never_the_generation(
    studio: Studio, provider: Fal, job_id: str, reply: Reply
) -> None:
    provider.files += [reply, reply]
    run_out()
    assert (len(provider.taken), len(provider.seen_by_files)) == (1, 3)
    assert studio.cloud.answers == [GOOD]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(404), "result_lost"),
        (Reply(200, body=b"<html>not a film</html>"), "result_unusable"),
        (Reply(200, body=b""), "result_unusable"),
    ],
)
def test_a_clip_that_cannot_be_had_fails_the_step_for_good(
    studio: Studio, provider: Fal, job_id: str, reply: Reply, code: str
) -> None:
    provider.files.append(reply)
    run_out()
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", code)]
    assert [key for key in media.keys("jobs/") if key.endswith(".mp4")] == []


@pytest.mark.parametrize(
    ("told", "shown_as"),
    [
        ({"error": "NSFW", "error_type": "content_policy_violation"}, ("Stage.Final", "content_refused")),
        ({"error": "bad", "error_type": "something_new"}, ("Stage.Final", "provider_failed")),
        ({"error": "oops", "error_type": "internal_server_error"}, ("Stage.Retryable", "provider_failed")),
    ],
)
def test_a_generation_that_fails_is_told_as_what_it_is(
    studio: Studio, provider: Fal, job_id: str, told: dict[str, str], shown_as: tuple[str, str]
) -> None:
    provider.statuses.append(Reply(body={"status": "COMPLETED", **told}))
    run_out()
    assert [shown(answer) for answer in studio.cloud.answers] == [shown_as]


def test_only_a_generation_that_failed_on_their_side_is_paid_for_anew(
    studio: Studio, provider: Fal, job_id: str
) -> None:
    provider.statuses.append(Reply(body={"status": "COMPLETED", "error": "x", "error_type": "runner_disconnected"}))
    run_out()
    ask(job_id, "token-2")
    run_out()
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert held.submissions == len(provider.taken) == 2 <= step(job_id).attempts
    assert studio.cloud.answers[-1] == TaskAnswer("token-2", None, "")


@pytest.mark.parametrize("where", ["status_url", "response_url", "cancel_url"])
def test_the_key_is_not_sent_to_wherever_an_answer_points(
    studio: Studio, provider: Fal, job_id: str, where: str
) -> None:
    with fal() as stranger:
        urls = dict.fromkeys(("status_url", "response_url", "cancel_url"), f"{provider.url}/requests/1/status")
        provider.submits.append(Reply(body=urls | {where: f"{stranger.url}/requests/1/status"}))
        turn()
        if where == "cancel_url":
            settlement.cancel(jobs.get(job_id), at=utc_now())
        run_out()
        assert stranger.keys == set()


def test_a_film_that_the_engine_cannot_make_is_refused_before_it_costs(
    studio: Studio, provider: Fal, ada: Creator
) -> None:
    made = str(ada.job(ada.project(), loop=True, **NAMED)["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    ask(made)
    run_out()
    assert provider.taken == []
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", "engine_cannot")]


# --- ends


def test_a_cancelled_job_is_cancelled_at_the_provider(studio: Studio, provider: Fal, job_id: str) -> None:
    provider.statuses += [Reply(body={"status": "IN_PROGRESS"})] * 9
    turn()
    turn()
    settlement.cancel(jobs.get(job_id), at=utc_now())
    run_out()
    assert provider.cancelled == ["/requests/1/cancel"]
    assert [key for key in media.keys("jobs/") if key.endswith(".mp4")] == []
    assert studio.cloud.answers == []


def test_a_job_cancelled_before_its_turn_is_never_sent(studio: Studio, provider: Fal, job_id: str) -> None:
    settlement.cancel(jobs.get(job_id), at=utc_now())
    run_out()
    assert (provider.taken, provider.cancelled) == ([], [])


def test_a_job_cancelled_while_its_clip_is_fetched_keeps_nothing(
    studio: Studio, provider: Fal, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = media.upload

    def cancelled_meanwhile(*args: Any, **kwargs: Any) -> None:
        upload(*args, **kwargs)
        settlement.cancel(jobs.get(job_id), at=utc_now())

    monkeypatch.setattr(media, "upload", cancelled_meanwhile)
    run_out()
    assert jobs.get(job_id).status == JobStatus.CANCELLED
    assert [key for key in media.keys("jobs/") if key.endswith(".mp4")] == []
    assert studio.cloud.answers == []


def test_a_dead_letter_of_the_queue_ends_the_step(studio: Studio, provider: Fal, job_id: str) -> None:
    [(body, _)] = take()
    assert signal.handler({"Records": [{"messageId": "1", "body": body}]}, None) == {"batchItemFailures": []}
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", "worker_lost")]


def test_a_deleted_job_leaves_no_ticket(provider: Fal, ada: Creator, job_id: str) -> None:
    run_out()
    settlement.cancel(jobs.get(job_id), at=utc_now())
    assert ada.delete(f"/api/jobs/{job_id}").status in {200, 204}
    assert tickets.get(job_id, VIDEO) is None


# --- a Lambda that dies


class Died(BaseException):
    """The process is gone: nobody catches this."""


class Fuse(list[str]):
    """A list of calls that ends the process at the n-th one, before it is made."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    def append(self, operation: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise Died(operation)
        super().append(operation)


@pytest.mark.parametrize("n", range(1, 20))
def test_wherever_a_lambda_dies_the_step_ends_once_and_is_submitted_once(
    studio: Studio, provider: Fal, job_id: str, n: int
) -> None:
    """At each of its calls to AWS. Delivered again, the step is done or fails honestly, never sent twice."""
    provider.statuses.append(Reply(body={"status": "IN_PROGRESS"}))
    studio.cloud.calls = Fuse(n)
    died = False
    for _ in range(20):
        bodies = [body for body, _ in take()]
        if not bodies:
            break
        for body in bodies:
            try:
                RemoteRunner().handle(body)
            except Died:
                died = True
                RemoteRunner().handle(body)
    studio.cloud.calls = []
    assert died
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert len(provider.taken) <= held.submissions == 1 <= step(job_id).attempts
    if step(job_id).status == JobStatus.COMPLETED:
        assert set(studio.cloud.answers) == {GOOD}
        assert len(provider.taken) == 1
    else:
        assert {shown(answer) for answer in studio.cloud.answers} == {("Stage.Final", "submission_unconfirmed")}
        assert step(job_id).status == JobStatus.FAILED


# --- scored


def filmed(preset: str, path: Path) -> bytes:
    """What a provider might make of a move: another size and rate, and less of it."""
    move = default_moves()[preset].move.model_copy(update={"strength": 0.7})
    poses = [move.sample(i / 59) for i in range(60)]
    with ClipWriter(path, 480, 270, 30, FINISHED) as writer:
        for planes in shoot(*hills(), poses, width=480, height=270, fps=30):
            writer.write(planes)
    return path.read_bytes()


def finished(studio: Studio, job_id: str) -> Any:
    """The step's record, after a worker has finished the clip that the provider made."""
    run_out()
    dispatch({"jobId": job_id, "stage": POST.value, "taskToken": "token-2"}, None)
    delivery = studio.deliver(POST.queue)
    assert delivery is not None
    StepRunner({"finish": Finish()}, shutdown_requested=lambda: False).handle(delivery)
    return jobs.get(job_id).step(POST)


@pytest.fixture
def small_job(provider: Fal, ada: Creator) -> str:
    """A job that asks fal for a crash zoom in, and is soon finished."""
    made = str(ada.job(ada.project(), **NAMED, resolution="720p")["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    ask(made)
    return made


@pytest.mark.parametrize(
    ("preset", "low", "high"), [("crash-zoom-in", 0.8, 1), ("pan-left", 0, 0.5), ("crash-zoom-out", 0, 0.2)]
)
def test_a_providers_clip_is_scored_by_whoever_finishes_it(
    studio: Studio, provider: Fal, ada: Creator, small_job: str, tmp_path: Path, preset: str, low: float, high: float
) -> None:
    provider.files.append(Reply(body=filmed(preset, tmp_path / "clip.mp4")))
    assert ada.get(f"/api/jobs/{small_job}").body["motionScore"] is None
    assert finished(studio, small_job).status == JobStatus.COMPLETED
    stored = float(jobs.results(jobs.get(small_job))[POST].metrics["motionScore"])
    assert low <= stored <= high
    assert ada.get(f"/api/jobs/{small_job}").body["motionScore"] == stored


@pytest.mark.parametrize("where", ["see", "score"])
def test_a_score_that_fails_costs_nobody_the_clip(
    studio: Studio, provider: Fal, ada: Creator, small_job: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:  # fmt: skip
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(CourseCheck, where, broken)
    provider.files.append(Reply(body=filmed("crash-zoom-in", tmp_path / "clip.mp4")))
    assert finished(studio, small_job).status == JobStatus.COMPLETED
    shown = ada.get(f"/api/jobs/{small_job}").body
    assert shown["motionScore"] is None
    assert shown["videoUrl"]


def test_a_providers_clip_that_cannot_be_decoded_is_told_as_what_it_is(
    studio: Studio, provider: Fal, small_job: str
) -> None:
    assert finished(studio, small_job).status == JobStatus.FAILED
    assert shown(studio.cloud.answers[-1]) == ("Stage.Final", "clip_unreadable")


def test_a_clip_of_our_own_is_not_scored_again(studio: Studio, ada: Creator) -> None:
    made = str(ada.job(ada.project())["id"])
    for stage in (Stage.IMAGE_GENERATION, VIDEO):
        complete_step(made, stage)
    job = jobs.get(made)
    task: Any = stage_task(job, jobs.spec(made), jobs.results(job), POST)
    assert task.request.asked_move is None


# --- offered


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
        assert "GetSecretValue" not in studio.cloud.calls, "who plans need not know the key"
        clients.secretsmanager().put_secret_value(SecretId="kinora/test/fal-key", SecretString=KEY)
        assert refused(ada, **NAMED)[0] == 202
        assert refused(ada, **NAMED | {"duration": 4.5}) == (422, "no_engine")
        assert refused(ada, engines={"VIDEO_SYNTHESIS": "no-such"}) == (422, "no_engine")
        clients.secretsmanager().delete_secret(SecretId="kinora/test/fal-key")  # as an operator stops offering them
        assert refused(ada, **NAMED) == (422, "no_engine")
        clients.secretsmanager().restore_secret(SecretId="kinora/test/fal-key")
        assert refused(ada, **NAMED) == (402, "not_enough_credits"), "offered, after all that it cost"
    finally:
        clients.secretsmanager().delete_secret(SecretId="kinora/test/fal-key", ForceDeleteWithoutRecovery=True)


def test_who_names_no_engine_gets_the_studios_own(provider: Fal, ada: Creator) -> None:
    made = str(ada.job(ada.project())["id"])
    assert step(made).engine == "parallax"
