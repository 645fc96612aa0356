"""The engine of a step whose job names none: the first row of the table that the operator allows, and its price."""

from typing import Any

import pytest

from functions.pipeline.dispatch import handler as dispatch
from local.imitation.service import Service
from shared.aws import clients
from shared.aws.transactions import transaction
from shared.core.clock import utc_now
from shared.jobs import settlement
from shared.jobs.record import JobStatus
from shared.jobs.steps import steps
from shared.jobs.store import jobs
from shared.providers.store import FAILURES_TO_OPEN, states
from shared.stages.queues import REMOTE_QUEUE
from shared.stages.stages import Stage
from shared.switches.store import switches
from tests.integration.test_provider_faults import providers, service
from tests.integration.test_remote_engines import run_out, shown
from tests.support.steps import complete_step, complete_steps
from tests.support.studio import Answer, Creator, Studio

PAINT, MOVE = Stage.IMAGE_GENERATION, Stage.VIDEO_SYNTHESIS
DRAGON = "a dragon eating soup"  # the painter knows no word of it

__all__ = ["providers", "service"]  # fixtures


@pytest.fixture
def allowed(providers: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The imitation, whose pictures the operator allows by default."""
    monkeypatch.setenv("KINORA_DEFAULT_ENGINES", "openai-image,luma-uni,flux-pro")
    return providers


def quoted(creator: Creator, prompt: str = DRAGON, **more: Any) -> Answer:
    return creator.post("/api/jobs/quote", {"projectId": creator.project(), "prompt": prompt, **more})


def picture(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    step: dict[str, Any] = answer.body["steps"][0]
    return step


def submitted(creator: Creator, prompt: str = DRAGON, **more: Any) -> Answer:
    return creator.post("/api/jobs", {"projectId": creator.project(), "prompt": prompt, **more})


def painter_of(job_id: str) -> str:
    return jobs.get(job_id).step(PAINT).engine


@pytest.mark.usefixtures("providers")
def test_a_stored_key_alone_changes_neither_the_engine_nor_the_price(ada: Creator) -> None:
    step = picture(quoted(ada, "a lake of perfume"))
    assert (step["engine"], step["credits"], step["chosenBy"], step["runs"]) == ("procedural", 1, "table", "in-process")
    refused = quoted(ada)
    assert (refused.status, refused.body["code"]) == (422, "prompt_not_understood")


@pytest.mark.usefixtures("allowed")
def test_the_first_row_that_is_allowed_makes_what_the_painter_does_not_know_and_the_quote_names_it(
    ada: Creator,
) -> None:
    quote = quoted(ada)
    step = picture(quote)
    assert (step["engine"], step["runs"], step["chosenBy"], step["row"]) == ("luma-uni", "remote", "table", 4)
    assert (step["credits"], step["motionScore"], quote.body["notUnderstood"]) == (4, None, None)
    clip = quote.body["steps"][1]
    assert (clip["engine"], clip["row"], clip["motionScore"]) == ("parallax", 1, 0.93)
    made = submitted(ada)
    assert made.body["credits"] == quote.body["credits"]
    assert painter_of(made.body["id"]) == "luma-uni"


@pytest.mark.usefixtures("allowed")
def test_a_creator_who_names_the_painter_gets_it_at_its_price(ada: Creator) -> None:
    step = picture(quoted(ada, "a lake", settings={"engines": {PAINT: "procedural"}}))
    assert (step["engine"], step["credits"], step["chosenBy"]) == ("procedural", 1, "creator")


@pytest.mark.usefixtures("allowed")
def test_the_next_row_is_taken_if_one_cannot_make_the_step_now(ada: Creator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert picture(quoted(ada, settings={"aspectRatio": "3:2"}))["engine"] == "flux-pro", "luma-uni does not make 3:2"
    for _ in range(FAILURES_TO_OPEN):
        states.failed("luma-uni", at=utc_now())
    assert picture(quoted(ada))["engine"] == "flux-pro", "the circuit is open"
    with transaction() as tx:
        switches.disable("flux-pro", "it fails", user_id="usr_1", at=utc_now(), tx=tx)
    assert picture(quoted(ada))["engine"] == "openai-image", "an admin has disabled it"
    monkeypatch.setenv("KINORA_PROVIDER_DAY_CENTS", "5")
    step = quoted(ada, "a lake of perfume")
    assert (picture(step)["engine"], step.body["notUnderstood"]) == ("procedural", ["perfume"])


@pytest.mark.usefixtures("allowed")
def test_a_provider_without_a_key_has_no_row(ada: Creator) -> None:
    clients.secretsmanager().delete_secret(SecretId="kinora/test/luma-key")
    assert picture(quoted(ada))["engine"] == "flux-pro"
    clients.secretsmanager().restore_secret(SecretId="kinora/test/luma-key")


def test_the_chosen_provider_makes_the_picture_and_a_later_change_of_the_table_does_not(
    studio: Studio, allowed: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = submitted(ada).body["id"]
    monkeypatch.setenv("KINORA_DEFAULT_ENGINES", "flux-pro")
    dispatch({"jobId": job_id, "stage": PAINT, "taskToken": "token-1"}, None)
    run_out()
    [request] = allowed.requests
    assert (request.body["model"], request.body["prompt"]) == ("uni-1", DRAGON)
    done = jobs.get(job_id).step(PAINT)
    assert (done.engine, done.status) == ("luma-uni", JobStatus.COMPLETED)
    assert [answer.error for answer in studio.cloud.answers] == [None]


@pytest.mark.usefixtures("allowed")
def test_a_worker_that_writes_a_provider_into_another_step_sends_it_nothing(studio: Studio, ada: Creator) -> None:
    job_id = submitted(ada).body["id"]
    complete_step(job_id, PAINT)
    steps.hand_over(job_id, MOVE, "fal-pika", before="parallax", at=utc_now())
    dispatch({"jobId": job_id, "stage": MOVE, "taskToken": "token-1"}, None)
    assert shown(studio.cloud.answers[-1]) == ("Stage.Final", "engine_unknown")
    assert studio.messages(REMOTE_QUEUE) == []


def test_a_retry_gets_the_chosen_provider_again_and_never_one_that_its_job_did_not_have(
    providers: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    painted = submitted(ada, "a lake").body["id"]
    monkeypatch.setenv("KINORA_DEFAULT_ENGINES", "luma-uni,flux-pro")
    chosen = submitted(ada).body["id"]
    for job_id in (painted, chosen):
        settlement.cancel(jobs.get(job_id), at=utc_now())
    monkeypatch.setenv("KINORA_DEFAULT_ENGINES", "flux-pro")
    again = [ada.post(f"/api/jobs/{job_id}/retry").body for job_id in (painted, chosen)]
    assert [painter_of(one["id"]) for one in again] == ["procedural", "luma-uni"]
    assert [one["credits"] for one in again] == [jobs.get(job_id).credits for job_id in (painted, chosen)]


@pytest.mark.usefixtures("allowed")
def test_a_film_after_a_still_keeps_its_picture_and_pays_it_once(ada: Creator) -> None:
    still = submitted(ada, until=PAINT)
    assert still.body["credits"] == 4
    settlement.complete(complete_steps(still.body["id"]), at=utc_now())
    film = ada.post(f"/api/jobs/{still.body['id']}/continue", {"presetId": "dolly-in"})
    assert film.status == 202, film.body
    assert (painter_of(film.body["id"]), film.body["credits"]) == ("luma-uni", 4 + 1)


def test_the_list_of_engines_is_the_table(studio: Studio, allowed: Service, ada: Creator) -> None:
    listed = studio.call("GET", "/api/engines").body["data"]
    assert [one["row"] for one in listed if one["stepType"] == PAINT] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert {one["name"] for one in listed if one["byDefault"] and one["runs"] == "remote"} == {
        "openai-image", "luma-uni", "flux-pro",
    }  # fmt: skip
    first = next(one for one in listed if one["stepType"] == PAINT and one["byDefault"] and one["available"])
    assert picture(quoted(ada))["engine"] == first["name"]
    renderer = next(one for one in listed if one["name"] == "parallax")
    assert (renderer["motionScore"], renderer["motionSource"]) == (0.93, "docs/motion.json")
    assert all(one["motionScore"] is None for one in listed if one["runs"] == "remote"), "nobody has measured them"
