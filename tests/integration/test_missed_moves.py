"""A clip that does not follow its camera move: the creator's setting decides, and the creator never pays more.

Provider, function of remote engines, dispatch, worker and settlement are the real ones; the provider is the imitation.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from functions.pipeline.dispatch import Unavailable
from functions.pipeline.dispatch import handler as dispatch
from functions.pipeline.requests import stage_task
from local.imitation.app import imitation
from local.imitation.faults import Fault, ProviderCall
from local.imitation.service import PaidRequest, Service
from shared.camera.catalogue import default_moves
from shared.charges.record import ProviderChargeRecord
from shared.charges.store import charges
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.record import JobRecord, JobStatus, StepMap, StepTicketRecord
from shared.jobs.steps import StepStore
from shared.jobs.store import jobs
from shared.jobs.tickets import tickets
from shared.providers.store import states
from shared.stages.engines import engine
from shared.stages.requests import VideoSynthesisJob
from shared.stages.stages import Role, Stage
from tests.integration.test_provider_faults import imitated
from tests.integration.test_remote_engines import filmed, run_out, run_with_death, take
from tests.support.fal import CLIP
from tests.support.provider_faults import ENGINES_OF, FAULTS, FaultOutcome
from tests.support.steps import complete_step
from tests.support.studio import Creator, Studio
from tests.support.variants import few_quick
from tests.unit.workers.motion.test_motion_check import hills
from workers.engines.contract import Output, StageResult, Workspace
from workers.media.codecs import FINISHED, ClipWriter
from workers.renderer.shoot import shoot
from workers.runtime.lambda_entry import RemoteRunner
from workers.runtime.step import StepRunner

VIDEO, POST = Stage.VIDEO_SYNTHESIS, Stage.POST_PROCESSING
PROVIDERS = [(name, case.ends[name]) for case in FAULTS if case.fault is Fault.STILL for name in case.ends]
SETTINGS = {FaultOutcome.CAMERA: {}, FaultOutcome.ONCE_MORE: {"onMissedMove": "repeat"}}
FAL = ENGINES_OF["fal"]
PAINTED, MOVED, FINISHED_FOR = 1, 4, 1  # credits of the painter, the 2.5D camera and post-processing


@cache
def still() -> bytes:
    """Return a clip of the hills in which nothing moves."""
    start = default_moves()["crash-zoom-in"].move.sample(0)
    with TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        with ClipWriter(path, 480, 270, 15, FINISHED) as writer:
            for planes in shoot(*hills(), [start] * 15, width=480, height=270, fps=15):
                writer.write(planes)
        return path.read_bytes()


def clip_of(one: PaidRequest) -> bytes:
    return still() if one.still else filmed("crash-zoom-in")


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with imitation(clip_of) as running:
        yield running


@pytest.fixture
def providers(studio: Studio, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with imitated(service, monkeypatch):
        yield service


def begun(ada: Creator, name: str = FAL, **settings: Any) -> str:
    """Return a job whose picture is complete and whose clip is dispatched to the engine."""
    made = str(ada.job(ada.project(), engines={VIDEO: name}, duration=5, **settings)["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    send(made)
    return made


def send(job_id: str) -> None:
    """Dispatch the step with a new token, as the state machine does it at first, and after each `Unavailable`."""
    dispatch({"jobId": job_id, "stage": VIDEO.value, "taskToken": new_id("token")}, None)


def step(job_id: str) -> StepMap:
    return jobs.get(job_id).step(VIDEO)


def ticket(job_id: str) -> StepTicketRecord:
    found = tickets.get(job_id, VIDEO)
    assert found is not None
    return found


def fetch(studio: Studio, job_id: str) -> None:
    """Let the provider make the clip and the function fetch it. Dispatch its check."""
    studio.cloud.answers.clear()
    run_out()
    assert [answer.error for answer in studio.cloud.answers] == ["Unavailable"], "the clip is not used before its check"
    assert step(job_id).status == JobStatus.QUEUED
    send(job_id)


class Still:
    """An engine on a GPU whose camera does not move."""

    def load(self) -> None: ...

    def run(self, _request: VideoSynthesisJob, workspace: Workspace) -> StageResult:
        path = workspace.folder / "clip.mp4"
        path.write_bytes(still())
        return StageResult((Output(Role.CLIP, path, "video/mp4"),))


def check(studio: Studio) -> list[str | None]:
    """Let a worker measure the clip. Return its reports to the state machine: None is a success."""
    studio.cloud.answers.clear()
    delivery = studio.deliver(VIDEO.queue)
    assert delivery is not None
    StepRunner({"wan": Still()}, shutdown_requested=lambda: False).handle(delivery)
    return [answer.error for answer in studio.cloud.answers]


def missed(studio: Studio, job_id: str) -> None:
    """Let the first clip miss its move, and dispatch what follows."""
    fetch(studio, job_id)
    assert check(studio) == ["Unavailable"]
    send(job_id)


def settled(job_id: str) -> JobRecord:
    """Return the job after a worker has done its unfinished steps."""
    for stage in (VIDEO, POST):
        if jobs.get(job_id).step(stage).status != JobStatus.COMPLETED:
            complete_step(job_id, stage)
    return settlement.complete(jobs.get(job_id), at=utc_now())


def booked() -> list[ProviderChargeRecord]:
    return list(charges.of_month(f"{utc_now():%Y-%m}"))


def paid(ada: Creator) -> int:
    """Return what the creator has paid. All holds have ended, and the ledger agrees with the balance (I1, I2)."""
    account = credits.account(ada.user_id)
    assert account.held == 0
    entries = credits.page(ada.user_id, since=utc_now().replace(year=2020), until=utc_now().replace(year=2100)).items
    assert sum(int(entry.credits) for entry in entries) == account.available
    return 100 - int(account.available)


def shown(ada: Creator, job_id: str) -> dict[str, Any]:
    """Return the step as the API shows it."""
    [found] = [one for one in ada.get(f"/api/jobs/{job_id}").body["steps"] if one["stepType"] == VIDEO]
    return dict(found)


# --- a clip that follows its move


def test_a_clip_that_follows_its_move_is_used_at_the_quoted_price(
    studio: Studio, providers: Service, ada: Creator
) -> None:
    job_id = begun(ada)
    fetch(studio, job_id)
    assert check(studio) == [None]
    metadata = shown(ada, job_id)["metadata"]
    assert metadata["motionScore"] > metadata["motionPromise"] == 0.5
    assert (metadata["provider"], shown(ada, job_id).get("missedMove")) == ("fal", None)
    job = jobs.get(job_id)
    made = jobs.results(job)
    assert made[VIDEO].key(Role.STEP_PREVIEW), "a worker can draw the preview, and the function cannot"
    task: Any = stage_task(job, jobs.spec(job_id), made, POST)
    assert task.request.asked_move is None, "it is measured once"
    assert settled(job_id).credits == PAINTED + 25 + FINISHED_FOR == paid(ada)
    assert ada.get(f"/api/jobs/{job_id}").body["motionScore"] == metadata["motionScore"]
    assert (len(providers.requests), ticket(job_id).submissions) == (1, 1)


def test_a_clip_that_cannot_be_measured_is_used(studio: Studio, providers: Service, ada: Creator) -> None:
    """It was paid for. Post-processing reports a clip that cannot be read."""
    providers.make, make = lambda _: CLIP, providers.make
    try:
        job_id = begun(ada)
        fetch(studio, job_id)
        assert check(studio) == [None]
    finally:
        providers.make = make
    assert not {"motionScore", "motionPromise"} & set(shown(ada, job_id)["metadata"])


# --- a clip that misses its move


@pytest.mark.parametrize(("provider", "outcome"), few_quick(PROVIDERS, 2))
def test_a_clip_without_movement_ends_as_the_table_says(
    studio: Studio, providers: Service, ada: Creator, provider: str, outcome: FaultOutcome
) -> None:
    name, settings = ENGINES_OF[provider], SETTINGS[outcome]
    before = int(credits.account(ada.user_id).available)
    quote = ada.post(
        "/api/jobs/quote",
        {"projectId": ada.project(), "prompt": "a lighthouse", "settings": {"engines": {VIDEO: name}, **settings}},
    ).body
    [quoted] = [one for one in quote["steps"] if one["stepType"] == VIDEO]
    assert quoted["missedMove"] == {
        "motionPromise": 0.5, "then": settings.get("onMissedMove", "camera"), "engine": "parallax", "credits": MOVED,
    }  # fmt: skip
    job_id = begun(ada, name, **settings)
    providers.faults.add(provider, ProviderCall.FILE, Fault.STILL)
    missed(studio, job_id)
    if outcome is FaultOutcome.ONCE_MORE:
        fetch(studio, job_id)
        assert check(studio) == [None]
    job = settled(job_id)
    requests = 1 + (outcome is FaultOutcome.ONCE_MORE)
    assert job.credits == before - credits.account(ada.user_id).available
    assert job.credits == (quote["credits"] if requests == 2 else PAINTED + MOVED + FINISHED_FOR) <= quote["credits"]
    assert len(providers.requests) == requests, "never a third one"
    [charge] = booked()
    cents = requests * engine(VIDEO, name).charge_cents(5)
    assert (charge.engine, charge.requests) == (name, requests)
    assert float(charge.cents) == pytest.approx(cents)
    assert charge.credits == (quoted["credits"] if requests == 2 else MOVED)
    view = shown(ada, job_id)
    assert view["engine"] == (name if requests == 2 else "parallax")
    assert view["missedMove"]["motionScore"] < 0.5
    assert view["missedMove"] == view["missedMove"] | {
        "engine": name, "motionPromise": 0.5, "then": "repeat" if requests == 2 else "camera",
    }  # fmt: skip


def test_the_camera_renders_the_picture_of_the_job(studio: Studio, providers: Service, ada: Creator) -> None:
    job_id = begun(ada)
    providers.faults.add("fal", ProviderCall.FILE, Fault.STILL)
    missed(studio, job_id)
    [task] = studio.messages(VIDEO.queue)
    assert (task["engine"], "check" in task) == ("parallax", False)
    assert task["request"]["move"] == json.loads(jobs.spec(job_id).move.encoded())
    assert take() == [], "nothing more is asked of the provider"


def test_the_second_clip_is_used_whatever_its_score_is(studio: Studio, providers: Service, ada: Creator) -> None:
    job_id = begun(ada, onMissedMove="repeat")
    providers.faults.add("fal", ProviderCall.FILE, Fault.STILL, Fault.STILL)
    missed(studio, job_id)
    fetch(studio, job_id)
    assert check(studio) == [None]
    first, second = (one.body["seed"] for one in providers.requests)
    assert second == (first + 1) % 2**32
    assert shown(ada, job_id)["metadata"]["motionScore"] < 0.5
    assert settled(job_id).credits == PAINTED + 25 + FINISHED_FOR == paid(ada)


@pytest.mark.parametrize("fault", [Fault.MODERATED_INPUT, Fault.DROPPED, Fault.UNKNOWN_KEY])
def test_the_camera_follows_a_repetition_that_fails(
    studio: Studio, providers: Service, ada: Creator, fault: Fault
) -> None:
    """The step has a first clip, which is paid. So the job does not fail."""
    job_id = begun(ada, onMissedMove="repeat")
    providers.faults.add("fal", ProviderCall.FILE, Fault.STILL)
    missed(studio, job_id)
    providers.faults.add("fal", ProviderCall.SUBMIT, fault)
    fetch(studio, job_id)
    assert step(job_id).engine == "parallax"
    assert settled(job_id).credits == PAINTED + MOVED + FINISHED_FOR == paid(ada)
    [charge] = booked()
    assert charge.requests == (2 if fault is Fault.DROPPED else 1)


@pytest.mark.parametrize("limit", ["ceiling", "day", "circuit"])
def test_the_camera_follows_if_a_repetition_would_exceed_a_limit(
    studio: Studio, providers: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    job_id = begun(ada, onMissedMove="repeat")
    providers.faults.add("fal", ProviderCall.FILE, Fault.STILL)
    fetch(studio, job_id)
    if limit == "circuit":
        for _ in range(5):
            states.failed(FAL, at=utc_now())
    else:
        monkeypatch.setenv("KINORA_PROVIDER_JOB_CENTS" if limit == "ceiling" else "KINORA_PROVIDER_DAY_CENTS", "39")
    assert check(studio) == ["Unavailable"]
    send(job_id)
    assert (step(job_id).engine, take(), len(providers.requests)) == ("parallax", [], 1)


def test_a_kept_clip_is_not_checked(studio: Studio, providers: Service, ada: Creator) -> None:
    job_id = begun(ada, onMissedMove="keep")
    providers.faults.add("fal", ProviderCall.FILE, Fault.STILL)
    run_out()
    assert step(job_id).status == JobStatus.COMPLETED
    assert settled(job_id).credits == PAINTED + 25 + FINISHED_FOR


@pytest.mark.parametrize("then", ["camera", "repeat"])
def test_the_clip_of_an_engine_on_a_gpu_is_checked_too(
    studio: Studio, providers: Service, ada: Creator, then: str
) -> None:
    job_id = begun(ada, onMissedMove=then)
    take()
    job = jobs.get(job_id)
    job.step(VIDEO).engine = "wan"  # no engine of this deployment has a GPU
    job.save()
    send(job_id)
    assert check(studio) == ["Unavailable"]
    send(job_id)
    if then == "camera":
        assert step(job_id).engine == "parallax"
        return
    [task] = studio.messages(VIDEO.queue)
    assert task["request"]["seed"] == (jobs.spec(job_id).seed + 1) % 2**32
    assert check(studio) == [None]
    assert shown(ada, job_id)["metadata"]["motionScore"] < 0.5


# --- money


def test_a_retry_pays_the_lower_price_of_the_camera(studio: Studio, providers: Service, ada: Creator) -> None:
    job_id = begun(ada)
    providers.faults.add("fal", ProviderCall.FILE, Fault.STILL)
    missed(studio, job_id)
    complete_step(job_id, VIDEO)
    settlement.fail(jobs.get(job_id), error="Post-processing failed.", at=utc_now())
    assert paid(ada) == 0
    again = ada.post(f"/api/jobs/{job_id}/retry")
    assert (again.status, again.body["credits"]) == (202, PAINTED + MOVED + FINISHED_FOR)


def test_the_charge_stays_among_the_prices_of_the_hold(studio: Studio, providers: Service, ada: Creator) -> None:
    """A worker can write the engine of a step. It reaches no other price than those that the quote has (I20)."""
    job_id = begun(ada)
    for stage in (VIDEO, POST):
        complete_step(job_id, stage)
    job = jobs.get(job_id)
    job.step(VIDEO).engine = "procedural"
    job.save()
    assert settlement.complete(jobs.get(job_id), at=utc_now()).credits == PAINTED + 25 + FINISHED_FOR == paid(ada)


# --- what is delivered twice, or is lost


def unavailable(*_: object, **__: object) -> None:
    raise BotoCoreError


def test_a_late_message_of_the_first_clip_does_not_undo_the_hand_over(
    studio: Studio, providers: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = begun(ada)
    providers.faults.add("fal", ProviderCall.FILE, Fault.STILL)
    [(submission, _)] = take()
    RemoteRunner().handle(submission)
    fetch(studio, job_id)
    checking = studio.deliver(VIDEO.queue)
    assert checking is not None
    runner = StepRunner({}, shutdown_requested=lambda: False)
    runner.handle(checking)
    with monkeypatch.context() as interrupted:
        interrupted.setattr(StepStore, "store_token", unavailable)
        with pytest.raises(Unavailable):
            send(job_id)  # it has handed the step over, and the older messages still have valid proofs
    studio.cloud.answers.clear()
    runner.handle(checking)
    RemoteRunner().handle(submission)
    assert (studio.cloud.answers, step(job_id).engine) == ([], "parallax")
    send(job_id)
    runner.handle(checking)
    RemoteRunner().handle(submission)
    assert (studio.cloud.answers, step(job_id).engine, step(job_id).status) == ([], "parallax", JobStatus.QUEUED)
    assert (take(), len(providers.requests), len(studio.messages(VIDEO.queue))) == ([], 1, 1)


CALLS = 32  # to AWS, from the first message to the report that the clip waits for its check


def test_the_next_test_knows_each_call_before_a_check(studio: Studio, providers: Service, ada: Creator) -> None:
    job_id = begun(ada)
    assert run_with_death(studio, CALLS + 1) == 1
    assert ticket(job_id).fetched


@pytest.mark.parametrize("n", few_quick(sorted(range(1, CALLS + 1), key=lambda n: n % 8), CALLS // 8))
def test_a_clip_is_bought_once_and_checked_if_the_lambda_dies(
    studio: Studio, providers: Service, ada: Creator, n: int
) -> None:
    job_id = begun(ada)
    assert run_with_death(studio, n) <= 0
    held = ticket(job_id)
    assert len(providers.requests) <= held.submissions == 1
    if step(job_id).status == JobStatus.FAILED:
        assert not held.fetched
        return
    assert {answer.error for answer in studio.cloud.answers} == {"Unavailable"}
    send(job_id)
    assert check(studio) == [None]
    assert step(job_id).status == JobStatus.COMPLETED


# --- providers that the job does not name


@pytest.mark.parametrize("written", ["runway-gen4.5", "fal-kling"])
def test_a_provider_that_the_job_does_not_name_is_refused(
    studio: Studio, providers: Service, ada: Creator, written: str
) -> None:
    """The job names another engine of a provider. Workers can write the engine of a step, and not the spec."""
    made = str(ada.job(ada.project(), engines={VIDEO: FAL}, duration=5)["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    job = jobs.get(made)
    job.step(VIDEO).engine = written
    job.save()
    send(made)
    assert [answer.error for answer in studio.cloud.answers] == ["Stage.Final"]
    assert "engine_unknown" in studio.cloud.answers[0].cause
    assert take() == []
