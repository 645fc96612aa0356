"""Jobs that start from the outputs of an older job: stills, retries, drafts and extensions. Each step is paid once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.jobs import origins
from functions.pipeline import reconcile, settle
from functions.pipeline.dispatch import handler as dispatch
from functions.pipeline.requests import stage_task
from functions.upkeep import audit
from functions.upkeep.sweep import sweep
from shared.assets.record import AssetType
from shared.aws import clients, media
from shared.core.clock import utc_now
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.keys import WORK_LIFE, given_key, job_prefixes
from shared.jobs.record import JobRecord, JobStatus
from shared.jobs.store import jobs
from shared.slots.record import SlotsRecord
from shared.stages.failures import StageFailure
from shared.stages.requests import StageRequest
from shared.stages.stages import STAGES, Role, Stage
from shared.subscriptions.plans import PLANS
from shared.subscriptions.record import PlanType, SubscriptionStatus
from shared.subscriptions.store import subscriptions
from tests.support.life import ReadingEngine, no_beats
from tests.support.steps import complete_step, complete_steps, stored_keys
from tests.support.studio import Answer, Creator, Studio
from workers.engines.contract import Output, StageResult, Workspace
from workers.runtime.step import StepRunner

IMAGE, VIDEO, _MOTION, POST = Stage
STILL, FILM = 1, 6  # credits of a painted still, and of a film of 5 s


@pytest.fixture(autouse=True)
def no_beat() -> Iterator[None]:
    with no_beats():
        yield


@dataclass
class MarkedEngine(ReadingEngine):
    """An engine that writes the name of its job into its files, and makes the film's last frame."""

    broken: bool = False

    def run(self, request: StageRequest, workspace: Workspace) -> StageResult:
        if self.broken:
            raise StageFailure("broken", "It broke.")
        super().run(request, workspace)
        roles = sorted(STAGES[self.stage].produces | ({Role.PICTURE} if self.stage is POST else set()))
        outputs = []
        for role in roles:
            (workspace.folder / f"{role}.bin").write_text(f"{role} of {request.job_id}")
            outputs.append(Output(role, workspace.folder / f"{role}.bin", "application/octet-stream"))
        return StageResult(tuple(outputs))


def run_step(studio: Studio, job_id: str, stage: Stage, *, broken: bool = False) -> str | None:
    """Dispatch the step, let a worker do it if there is a message, and return the error that the step reports."""
    token = f"{job_id}-{stage}"
    dispatch({"jobId": job_id, "stage": stage.value, "taskToken": token}, None)
    queue = stage.priority_queue if jobs.spec(job_id).paid else stage.queue
    if delivery := studio.deliver(queue):
        engine = MarkedEngine(stage, broken=broken)
        StepRunner({jobs.get(job_id).step(stage).engine: engine}, shutdown_requested=lambda: False).handle(delivery)
    return [one.error for one in studio.cloud.answers if one.token == token][-1]


def run(studio: Studio, job_id: str, *, fails_in: Stage | None = None) -> JobRecord:
    """Run the whole job with real handlers and workers, as the state machine does, and return it."""
    event: dict[str, Any] = {"jobId": job_id}
    for stage, _ in jobs.get(job_id).planned():
        if error := run_step(studio, job_id, stage, broken=stage is fails_in):
            event["error"] = {"Error": error, "Cause": ""}
            break
    settle.handler(event, None)
    return jobs.get(job_id)


def body(creator: Creator, **more: Any) -> dict[str, Any]:
    return {"projectId": creator.project(), "prompt": "a lighthouse at dusk", **more}


def submitted(creator: Creator, **more: Any) -> str:
    answer = creator.post("/api/jobs", body(creator, **more))
    assert answer.status == 202, answer.body
    return str(answer.body["id"])


def followed(creator: Creator, job_id: str, how: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Send the request that starts a job from the older one, and return the new job."""
    answer = creator.post(f"/api/jobs/{job_id}/{how}", body if how in {"retry", "final"} else body or {})
    assert answer.status == 202, answer.body
    assert answer.body["originId"] == job_id
    return dict(answer.body)


def completed(studio: Studio, creator: Creator, **more: Any) -> str:
    job = run(studio, submitted(creator, **more))
    assert job.status == JobStatus.COMPLETED
    return str(job.job_id)


def spent(creator: Creator) -> int:
    """Return what the creator has paid. Nothing may be held."""
    account = credits.account(creator.user_id)
    assert account.held == 0
    return 100 - int(account.available)


def painted(job_id: str, at: datetime) -> None:
    """Change the time at which the picture was complete."""
    path: Any = JobRecord.steps.image_generation
    JobRecord(job_id).update([path.completed_at.set(at)])


def text_of(job_id: str, stage: Stage, role: Role) -> str | None:
    key = jobs.results(jobs.get(job_id))[stage].key(role)
    assert key is not None
    return media.read_text(key)


@contextmanager
def scans(studio: Studio) -> Iterator[None]:
    """Let the functions of the upkeep read whole tables."""
    studio.cloud.may_scan = True
    yield
    studio.cloud.may_scan = False


def swept(studio: Studio, *, days: int = 1) -> None:
    """Make a pass of the sweep, which begins at most once a day."""
    with scans(studio):
        sweep(utc_now() + timedelta(days=days, hours=1))


def sound(studio: Studio) -> None:
    """After a sweep, no invariant is broken while no job runs."""
    swept(studio, days=3)
    with scans(studio):
        assert list(audit.findings(utc_now() + timedelta(hours=1), at_rest=True)) == []


def refusal(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


# --- stills


def test_a_still_ends_with_its_picture_and_costs_it_alone(studio: Studio, ada: Creator) -> None:
    job_id = completed(studio, ada, until="IMAGE_GENERATION")
    view = ada.get(f"/api/jobs/{job_id}").body
    assert (view["status"], view["progress"], view["until"]) == ("COMPLETED", 100, "IMAGE_GENERATION")
    assert [step["stepType"] for step in view["steps"]] == ["IMAGE_GENERATION"]
    assert (view["credits"], spent(ada), view["videoUrl"]) == (STILL, STILL, None)
    sound(studio)


@pytest.mark.parametrize("plan", [PlanType.FREE, PlanType.PRO])
def test_the_still_is_unmarked_on_paid_plans_as_films_are(studio: Studio, ada: Creator, plan: PlanType) -> None:
    subscriptions.put(ada.user_id, plan, SubscriptionStatus.ACTIVE, at=utc_now())
    job_id = completed(studio, ada, until="IMAGE_GENERATION")
    shown = ada.get(f"/api/jobs/{job_id}").body["imageUrl"]
    assert ("/previews/" in shown) == (plan is PlanType.FREE)


def test_the_files_of_a_still_do_not_expire(studio: Studio, ada: Creator) -> None:
    job_id = completed(studio, ada, until="IMAGE_GENERATION")
    for key in stored_keys(job_id):
        [tag] = clients.s3().get_object_tagging(Bucket="kinora-test-media", Key=key)["TagSet"]
        assert tag == {"Key": "kind", "Value": "final"}
    painted(job_id, utc_now() - 2 * WORK_LIFE)
    assert ada.get(f"/api/jobs/{job_id}").body["imageUrl"]
    assert run(studio, followed(ada, job_id, "continue")["id"]).status == JobStatus.COMPLETED


def test_a_still_has_no_inputs(ada: Creator) -> None:
    inputs = [{"role": "picture", "assetId": ada.asset()}]
    assert ada.post("/api/jobs", body(ada, until="IMAGE_GENERATION", inputs=inputs)).status == 422


def test_a_worker_that_removes_steps_from_a_film_makes_no_still(ada: Creator) -> None:
    """Workers can write the steps of a job. The hold says how far the job goes."""
    job_id = submitted(ada)
    complete_step(job_id, IMAGE)
    JobRecord(job_id).update([JobRecord.steps.video_synthesis.remove(), JobRecord.steps.post_processing.remove()])
    assert settlement.complete(jobs.get(job_id), at=utc_now()).status == JobStatus.FAILED
    assert spent(ada) == 0


def test_a_still_whose_picture_is_lost_fails_uncharged(ada: Creator) -> None:
    job_id = submitted(ada, until="IMAGE_GENERATION")
    complete_steps(job_id)
    media.delete_below(job_prefixes(job_id)[0])
    job = settlement.complete(jobs.get(job_id), at=utc_now())
    assert (job.status, job.error) == (JobStatus.FAILED, "The finished picture was lost. Nothing was charged.")
    assert spent(ada) == 0


# --- continue


@pytest.mark.endpoint("POST /api/jobs/{job_id}/continue")
def test_a_still_and_the_film_that_continues_it_cost_what_the_film_costs(studio: Studio, ada: Creator) -> None:
    still = completed(studio, ada, until="IMAGE_GENERATION", settings={"seed": 7})
    film = followed(ada, still, "continue")
    assert (film["credits"], film["seed"], film["progress"]) == (FILM - STILL, 7, 33)
    assert [step["status"] for step in film["steps"]] == ["COMPLETED", "PENDING", "PENDING"]
    assert run(studio, film["id"]).status == JobStatus.COMPLETED
    assert spent(ada) == FILM
    assert text_of(film["id"], IMAGE, Role.PICTURE) == f"picture of {still}"
    assert text_of(film["id"], VIDEO, Role.CLIP) == f"clip of {film['id']}"
    sound(studio)


def test_the_film_does_not_need_the_still_that_was_deleted(studio: Studio, ada: Creator) -> None:
    still = completed(studio, ada, until="IMAGE_GENERATION")
    film = followed(ada, still, "continue")["id"]
    assert ada.delete(f"/api/jobs/{still}").status == 204
    swept(studio)
    assert run(studio, film).status == JobStatus.COMPLETED
    assert spent(ada) == FILM
    sound(studio)


def test_a_still_makes_several_films_and_is_paid_once(studio: Studio, ada: Creator) -> None:
    still = completed(studio, ada, until="IMAGE_GENERATION")
    films = [followed(ada, still, "continue", {"presetId": preset})["id"] for preset in ("orbit-left", "crash-zoom-in")]
    for film in films:
        run(studio, film)
    assert spent(ada) == STILL + 2 * (FILM - STILL)
    assert [ada.get(f"/api/jobs/{film}").body["presetId"] for film in films] == ["orbit-left", "crash-zoom-in"]


def test_the_film_changes_what_the_picture_does_not_decide(studio: Studio, ada: Creator) -> None:
    still = completed(studio, ada, until="IMAGE_GENERATION", settings={"aspectRatio": "1:1", "operations": ["grain"]})
    sounds = [{"role": "audio", "assetId": ada.asset(AssetType.AUDIO)}]
    film = followed(ada, still, "continue", {"settings": {"duration": 4, "aspectRatio": "1:1"}, "inputs": sounds})
    shown = film["settings"]
    assert (shown["duration"], shown["aspectRatio"], shown["operations"]) == (4, "1:1", ["grain"])
    assert film["inputs"] == sounds
    for wrong in ({"settings": {"aspectRatio": "16:9"}}, {"inputs": [{"role": "picture", "assetId": ada.asset()}]}):
        assert ada.post(f"/api/jobs/{still}/continue", wrong).status == 422


def test_only_a_completed_still_continues(studio: Studio, ada: Creator) -> None:
    waiting, film = submitted(ada, until="IMAGE_GENERATION"), completed(studio, ada)
    for job_id in (waiting, film):
        assert refusal(ada.post(f"/api/jobs/{job_id}/continue", {})) == (409, "no_still")


# --- retry


@pytest.mark.endpoint("POST /api/jobs/{job_id}/retry")
def test_a_retry_charges_the_finished_steps_that_were_not_charged(studio: Studio, ada: Creator) -> None:
    failed = run(studio, submitted(ada), fails_in=POST)
    assert (failed.status, spent(ada)) == (JobStatus.FAILED, 0)
    new = followed(ada, failed.job_id, "retry")
    assert new["credits"] == FILM
    assert run(studio, new["id"]).status == JobStatus.COMPLETED
    assert text_of(new["id"], VIDEO, Role.CLIP) == f"clip of {failed.job_id}"
    assert jobs.get(new["id"]).step(VIDEO).attempts == 0
    assert spent(ada) == FILM
    sound(studio)


def test_steps_that_a_retry_has_paid_are_not_charged_again(studio: Studio, ada: Creator) -> None:
    failed = run(studio, submitted(ada), fails_in=POST)
    first = followed(ada, failed.job_id, "retry")["id"]
    run(studio, first)
    for origin in (failed.job_id, first):
        again = followed(ada, origin, "retry")
        assert again["credits"] == 1, "the last step, which is made again"
        run(studio, again["id"])
    assert spent(ada) == FILM + 2


def test_steps_are_paid_once_over_a_chain_of_retries(studio: Studio, ada: Creator) -> None:
    """The picture is of the first job, the clip of the second. The third pays both, for all three jobs."""
    first = run(studio, submitted(ada), fails_in=VIDEO)
    second = run(studio, followed(ada, first.job_id, "retry")["id"], fails_in=POST)
    third = run(studio, followed(ada, second.job_id, "retry")["id"])
    assert (third.status, spent(ada)) == (JobStatus.COMPLETED, FILM)
    assert followed(ada, second.job_id, "retry")["credits"] == 1
    assert followed(ada, first.job_id, "retry")["credits"] == FILM - STILL


def test_two_retries_do_not_pay_the_same_steps_at_the_same_time(studio: Studio, ada: Creator) -> None:
    failed = run(studio, submitted(ada), fails_in=POST)
    first = followed(ada, failed.job_id, "retry")["id"]
    assert refusal(ada.post(f"/api/jobs/{failed.job_id}/retry")) == (409, "retry_running")
    assert ada.post(f"/api/jobs/{first}/cancel").status == 200
    assert run(studio, followed(ada, failed.job_id, "retry")["id"]).status == JobStatus.COMPLETED
    assert spent(ada) == FILM


def test_a_claim_on_unpaid_steps_fails_if_another_retry_was_faster(
    studio: Studio, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = run(studio, submitted(ada), fails_in=POST)
    stale = credits.get_hold(failed.job_id)
    followed(ada, failed.job_id, "retry")
    real = credits.get_hold
    monkeypatch.setattr(credits, "get_hold", lambda job_id: stale if job_id == failed.job_id else real(job_id))
    before = credits.account(ada.user_id).held
    assert refusal(ada.post(f"/api/jobs/{failed.job_id}/retry")) == (409, "retry_running")
    assert credits.account(ada.user_id).held == before


def test_a_retry_that_is_sent_twice_is_one_job(studio: Studio, ada: Creator) -> None:
    failed = run(studio, submitted(ada), fails_in=POST)
    answers = [ada.post(f"/api/jobs/{failed.job_id}/retry", key="again") for _ in range(2)]
    assert answers[0].body == answers[1].body
    assert credits.account(ada.user_id).held == FILM


@pytest.mark.parametrize("done", range(4))
def test_a_job_that_is_cancelled_after_any_step_is_retried_from_there(studio: Studio, ada: Creator, done: int) -> None:
    job_id = submitted(ada)
    stages = [stage for stage, _ in jobs.get(job_id).planned()]
    for stage in stages[:done]:
        run_step(studio, job_id, stage)
    assert refusal(ada.post(f"/api/jobs/{job_id}/retry")) == (409, "job_not_ended")
    ada.post(f"/api/jobs/{job_id}/cancel")
    new = followed(ada, job_id, "retry")["id"]
    reused = [stage for stage in stages if jobs.get(new).step(stage).is_reused]
    assert reused == stages[: min(done, 2)], "the last step is made again"
    assert run(studio, new).status == JobStatus.COMPLETED
    assert spent(ada) == FILM


@pytest.mark.parametrize("done", range(3))
def test_a_retry_that_is_cancelled_at_any_moment_costs_nothing(studio: Studio, ada: Creator, done: int) -> None:
    failed = run(studio, submitted(ada), fails_in=VIDEO)
    new = followed(ada, failed.job_id, "retry")["id"]
    for stage in (IMAGE, VIDEO, POST)[:done]:
        run_step(studio, new, stage)
    ada.post(f"/api/jobs/{new}/cancel")
    assert spent(ada) == 0
    assert run(studio, followed(ada, new, "retry")["id"]).status == JobStatus.COMPLETED
    assert spent(ada) == FILM


def test_the_origin_can_be_deleted_while_its_retry_runs(studio: Studio, ada: Creator) -> None:
    failed = run(studio, submitted(ada), fails_in=POST)
    new = followed(ada, failed.job_id, "retry")["id"]
    assert ada.delete(f"/api/jobs/{failed.job_id}").status == 204
    assert run(studio, new).status == JobStatus.COMPLETED
    assert run(studio, followed(ada, new, "retry")["id"]).status == JobStatus.COMPLETED
    assert spent(ada) == FILM + 1
    sound(studio)


@pytest.mark.parametrize("missing", ["credits", "room"])
def test_a_retry_that_is_sure_to_be_refused_copies_nothing(studio: Studio, ada: Creator, missing: str) -> None:
    failed = run(studio, submitted(ada), fails_in=VIDEO)
    if missing == "credits":
        AccountRecord(ada.user_id).update([AccountRecord.available.set(FILM - 1)])
    else:
        SlotsRecord(ada.user_id).update([SlotsRecord.waiting.set(PLANS[PlanType.FREE].waiting)])
    before = studio.dump()
    assert ada.post(f"/api/jobs/{failed.job_id}/retry").status == (402 if missing == "credits" else 429)
    assert studio.dump() == before


def test_outputs_are_there_for_seven_days(studio: Studio, ada: Creator) -> None:
    failed = run(studio, submitted(ada), fails_in=VIDEO)
    painted(failed.job_id, utc_now() - WORK_LIFE)
    before = credits.account(ada.user_id).available
    assert refusal(ada.post(f"/api/jobs/{failed.job_id}/retry")) == (410, "outputs_expired")
    painted(failed.job_id, utc_now())
    media.delete_below(job_prefixes(failed.job_id)[1])
    assert refusal(ada.post(f"/api/jobs/{failed.job_id}/retry")) == (410, "outputs_expired")
    assert credits.account(ada.user_id).available == before
    assert ada.delete(f"/api/jobs/{failed.job_id}").status == 204
    sound(studio)


def test_a_retry_that_waits_is_no_finding_and_is_started(studio: Studio, ada: Creator) -> None:
    """Its finished step was not dispatched, and its execution is missing."""
    failed = run(studio, submitted(ada), fails_in=VIDEO)
    new = followed(ada, failed.job_id, "retry")["id"]
    later = utc_now() + timedelta(hours=1)
    with scans(studio):
        assert list(audit.findings(later)) == []
    assert not jobs.get(new).is_dispatched
    assert reconcile._is_suspect(jobs.get(new))


def test_a_retry_is_charged_the_price_at_which_its_steps_were_quoted(studio: Studio, ada: Creator) -> None:
    failed = run(studio, submitted(ada), fails_in=VIDEO)
    assert HoldRecord.get(failed.job_id).prices == {"IMAGE_GENERATION": 1, "VIDEO_SYNTHESIS": 4, "POST_PROCESSING": 1}
    HoldRecord(failed.job_id).update([HoldRecord.prices.set({"IMAGE_GENERATION": 3})])
    assert followed(ada, failed.job_id, "retry")["credits"] == 3 + 5


def test_a_retry_of_the_previous_release_is_charged_the_price_of_now(studio: Studio, ada: Creator) -> None:
    failed = run(studio, submitted(ada), fails_in=VIDEO)
    HoldRecord(failed.job_id).update([HoldRecord.prices.remove()])
    assert followed(ada, failed.job_id, "retry")["credits"] == FILM


def test_a_retry_of_a_still_is_a_still(studio: Studio, ada: Creator) -> None:
    failed = run(studio, submitted(ada, until="IMAGE_GENERATION"), fails_in=IMAGE)
    still = run(studio, followed(ada, failed.job_id, "retry")["id"])
    assert (still.status, spent(ada)) == (JobStatus.COMPLETED, STILL)
    assert run(studio, followed(ada, still.job_id, "continue")["id"]).status == JobStatus.COMPLETED


Move = tuple[str, int, Stage | None]  # the request, the number of the older job, and the stage that fails
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["retry", "continue", "final"]), st.integers(0, 5), st.sampled_from([None, IMAGE, VIDEO, POST])
    ),
    max_size=5,
)
FIRST = st.sampled_from([{}, {"until": "IMAGE_GENERATION"}, {"settings": {"draft": True}}])


def _obey(studio: Studio, creator: Creator, first: dict[str, Any], fails_in: Stage | None, moves: list[Move]) -> None:
    made = [submitted(creator, **first)]
    run(studio, made[0], fails_in=fails_in)
    for how, number, fails in moves:
        answer = creator.post(f"/api/jobs/{made[number % len(made)]}/{how}", {} if how == "continue" else None)
        if answer.status == 202:
            held = int(credits.account(creator.user_id).held)
            assert held == answer.body["credits"]
            made.append(answer.body["id"])
            run(studio, made[-1], fails_in=fails)
    _each_step_is_paid_at_most_once(creator, made)


def _each_step_is_paid_at_most_once(creator: Creator, made: list[str]) -> None:
    holds = {job_id: HoldRecord.get(job_id) for job_id in made}
    paid: dict[tuple[str, str], int] = {}
    for job_id, hold in holds.items():
        if hold.state == "CAPTURED":
            assert sum(hold.prices.values()) == hold.credits
            made_in = jobs.spec(job_id).made_in or {}
            for stage, price in hold.prices.items():
                step = made_in.get(Stage(stage), job_id), stage
                paid[step] = paid.get(step, 0) + bool(price)
    assert set(paid.values()) <= {1}, paid
    captured = sum(int(hold.credits) for hold in holds.values() if hold.state == "CAPTURED")
    assert captured == spent(creator)
    entries = LedgerRecord.query(creator.user_id, LedgerRecord.operation_id.startswith("capture#"))
    assert captured == -sum(int(entry.credits) for entry in entries)


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(first=FIRST, fails_in=st.sampled_from([None, IMAGE, VIDEO, POST]), moves=MOVES)
def test_each_step_is_paid_at_most_once_whatever_follows(
    deployment: Studio, first: dict[str, Any], fails_in: Stage | None, moves: list[Move]
) -> None:
    deployment.wipe()
    _obey(deployment, deployment.arrive("ada@example.com"), first, fails_in, moves)


# --- drafts


@pytest.mark.endpoint("POST /api/jobs/{job_id}/final")
def test_a_draft_is_cheaper_and_the_final_film_has_its_picture_and_seed(studio: Studio, ada: Creator) -> None:
    draft = submitted(ada, settings={"draft": True, "seed": 5, "resolution": "1080p", "operations": ["upscale:2"]})
    assert jobs.get(draft).credits == 4
    job = run(studio, draft)
    for stage in (VIDEO, POST):
        request: Any = stage_task(job, jobs.spec(draft), jobs.results(job), stage).request
        assert (request.width, request.height) == (640, 360)
    assert request.operations == ("watermark",), "without upscale"
    final = followed(ada, draft, "final")
    assert (final["settings"]["draft"], final["seed"], final["credits"]) == (None, 5, FILM - STILL)
    assert run(studio, final["id"]).status == JobStatus.COMPLETED
    assert text_of(final["id"], IMAGE, Role.PICTURE) == f"picture of {draft}"
    assert spent(ada) == 4 + FILM - STILL
    assert refusal(ada.post(f"/api/jobs/{final['id']}/final")) == (409, "no_draft")
    sound(studio)


def test_the_picture_of_a_draft_is_that_of_the_whole_film(studio: Studio, ada: Creator) -> None:
    sizes = []
    for draft in (True, None):
        job_id = submitted(ada, settings={"draft": draft, "operations": ["upscale:2", "grain"]})
        dispatch({"jobId": job_id, "stage": IMAGE.value, "taskToken": "t"}, None)
        delivery = studio.deliver(IMAGE.queue)
        assert delivery is not None
        request = json.loads(delivery.body)["request"]
        sizes.append((request["width"], request["height"]))
    assert sizes[0] == sizes[1]


# --- extensions


@pytest.mark.endpoint("POST /api/jobs/{job_id}/extend")
def test_an_extension_begins_with_the_last_frame(studio: Studio, ada: Creator) -> None:
    film = completed(studio, ada, settings={"style": "oil"})
    more = followed(ada, film, "extend", {"prompt": "a lake", "presetId": "orbit-left"})
    assert (more["prompt"], more["presetId"], more["settings"]["style"]) == ("a lake", "orbit-left", None)
    assert [step["stepType"] for step in more["steps"]] == ["VIDEO_SYNTHESIS", "POST_PROCESSING"]
    key = jobs.spec(more["id"]).input_keys[Role.PICTURE]
    assert key.startswith(given_key(more["id"], ""))
    assert media.read_text(key) == f"picture of {film}"
    assert ada.delete(f"/api/jobs/{film}").status == 204
    swept(studio)
    assert run(studio, more["id"]).status == JobStatus.COMPLETED
    assert spent(ada) == FILM + FILM - STILL
    sound(studio)


def test_an_extension_can_be_retried_and_extended(studio: Studio, ada: Creator) -> None:
    film = completed(studio, ada)
    failed = run(studio, followed(ada, film, "extend")["id"], fails_in=POST)
    again = run(studio, followed(ada, failed.job_id, "retry")["id"])
    assert (again.status, jobs.spec(again.job_id).picture_by) == (JobStatus.COMPLETED, "parallax")
    assert run(studio, followed(ada, again.job_id, "extend")["id"]).status == JobStatus.COMPLETED
    assert spent(ada) == FILM + 2 * (FILM - STILL)
    sound(studio)


def test_the_last_frame_is_never_signed(studio: Studio, ada: Creator) -> None:
    film = completed(studio, ada)
    key = jobs.results(jobs.get(film))[POST].key(Role.PICTURE)
    assert key is not None
    assert key.startswith(job_prefixes(film)[1])


def test_only_a_completed_film_is_extended(studio: Studio, ada: Creator) -> None:
    still, draft = completed(studio, ada, until="IMAGE_GENERATION"), completed(studio, ada, settings={"draft": True})
    for job_id in (still, draft, submitted(ada)):
        assert refusal(ada.post(f"/api/jobs/{job_id}/extend", {})) == (409, "no_film")


def test_a_film_of_the_previous_release_has_no_frame_to_extend_it(ada: Creator) -> None:
    job_id = submitted(ada)
    settlement.complete(complete_steps(job_id), at=utc_now())
    assert refusal(ada.post(f"/api/jobs/{job_id}/extend", {})) == (409, "no_film")


def test_the_manifest_of_an_extension_names_the_trained_model_of_its_picture(studio: Studio, ada: Creator) -> None:
    film = completed(studio, ada)
    job, spec = jobs.get(film), jobs.spec(film)
    job.step(IMAGE).engine = "sdxl"
    assert origins._painter(origins.Origin(job, spec, {})) == "sdxl"
    uploaded = spec.model_copy(update={"input_keys": {Role.PICTURE: "assets/ast_1/clean"}})
    job.step(IMAGE).engine = "procedural"
    assert origins._painter(origins.Origin(job, uploaded, {})) is None
