"""Keys for tests: their jobs get the fixed film through the states of the pipeline, and cost nothing."""

from pathlib import Path
from typing import Any

import av
import pytest

from functions.pipeline import dispatch, settle
from functions.webhooks import notify
from shared.aws import clients, media
from shared.credits.store import credits
from shared.jobs.record import JobRecord
from shared.jobs.store import jobs
from shared.stages.engines import TEST_ENGINE
from shared.stages.queues import QUEUES, REMOTE_QUEUE
from shared.stages.stages import Stage
from shared.webhooks.record import WebhookDeliveryRecord
from tests.support.studio import Creator, Studio

REMOTE = {"engines": {"VIDEO_SYNTHESIS": "fal-kling"}, "duration": 5}


@pytest.fixture(scope="module", autouse=True)
def provider(deployment: Studio) -> None:
    """Offer the engine that is paid for."""
    clients.secretsmanager().create_secret(Name="kinora/test/fal-key", SecretString="fal")


@pytest.fixture
def tester(ada: Creator) -> Creator:
    return ada.key(test=True)


def run(job_id: str) -> JobRecord:
    """Run the states of the state machine."""
    for stage, _ in jobs.get(job_id).planned():
        dispatch.handler({"jobId": job_id, "stage": stage.value, "taskToken": f"token-{stage}"}, None)
    settle.handler({"jobId": job_id}, None)
    return jobs.get(job_id)


def test_a_test_job_ends_with_a_film_that_plays(studio: Studio, ada: Creator, tester: Creator, tmp_path: Path) -> None:
    assert tester.token.startswith("kin_test_")
    made = tester.job(ada.project(), **REMOTE)
    assert (made["test"], made["credits"], {step["engine"] for step in made["steps"]}) == (True, 0, {TEST_ENGINE})
    assert run(made["id"]).status == "COMPLETED"
    assert [answer.error for answer in studio.cloud.answers] == [None] * 3
    shown = tester.get(f"/api/jobs/{made['id']}").body
    assert shown["test"] is True
    for url in ("imageUrl", "videoUrl", "thumbnailUrl", "posterUrl", "previewUrl", "spritesUrl"):
        assert shown[url], url
    assert "Signature=" in shown["hlsPlaylist"]
    assert "Signature=" in shown["scrubbingTrack"]
    [key] = [one for one in studio._objects() if one.endswith("/video.mp4")]
    media.download(key, tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert film.streams.video[0].frames == 48


def test_a_test_job_costs_nothing_and_reaches_no_worker_and_no_provider(studio: Studio, ada: Creator,
                                                                        tester: Creator) -> None:  # fmt: skip
    poor = studio.arrive("poor@example.com", credits=0)
    for caller in (tester, poor.key(test=True, monthlyCap=0)):
        owner = ada if caller is tester else poor
        made = caller.job(owner.project(), **REMOTE)
        run(made["id"])
        account = credits.account(owner.user_id)
        assert (account.available, account.held) == (100 if owner is ada else 0, 0)
        assert {entry["credits"] for entry in owner.list("/api/billing/ledger")} <= {100, 0}
    for queue in QUEUES:
        if queue.has_tasks or queue.name == REMOTE_QUEUE:
            assert studio.messages(queue.name) == []


def test_the_name_of_the_test_engine_gives_no_film_to_another_job(studio: Studio, ada: Creator) -> None:
    """A worker can write the engines of a job, and would make a charge for the fixed film."""
    job_id = ada.job(ada.project())["id"]
    record: Any = JobRecord
    JobRecord(job_id).update([record.steps.image_generation.engine.set(TEST_ENGINE)])
    dispatch.handler({"jobId": job_id, "stage": Stage.IMAGE_GENERATION.value, "taskToken": "t"}, None)
    assert ["engine_unknown" in answer.cause for answer in studio.cloud.answers] == [True]


def test_a_dispatch_that_is_repeated_completes_the_step_once(studio: Studio, ada: Creator, tester: Creator) -> None:
    job_id = tester.job(ada.project())["id"]
    event = {"jobId": job_id, "stage": Stage.IMAGE_GENERATION.value, "taskToken": "t"}
    studio.cloud.broken["PutObject"] = RuntimeError("the process dies")
    with pytest.raises(RuntimeError):
        dispatch.handler(event, None)
    del studio.cloud.broken["PutObject"]
    with pytest.raises(dispatch.Unavailable):
        dispatch.handler(event, None)
    studio.cloud.answers.clear()


def test_the_kind_of_a_key_is_in_its_text(studio: Studio, ada: Creator, tester: Creator) -> None:
    live = ada.key()
    assert [key["test"] for key in ada.list("/api/auth/keys")] == [False, True]
    for text in (tester.token.replace("kin_test_", "kin_"), live.token.replace("kin_", "kin_test_")):
        assert studio.call("GET", "/api/projects", token=text).status == 401


def test_a_webhook_names_a_test_job(studio: Studio, ada: Creator, tester: Creator) -> None:
    webhook = ada.post("/api/webhooks", {"url": "https://example.com/", "events": ["job.completed"]}).body["id"]
    run(tester.job(ada.project())["id"])
    assert notify.handler({"Records": studio.job_changes()}, None) == {"batchItemFailures": []}
    [row] = WebhookDeliveryRecord.query(webhook)
    assert '"test":true' in row.body
