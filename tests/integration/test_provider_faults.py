"""The engines of providers against the imitation of each provider, through the real function of remote engines.

What a real provider does is shown by nothing here but its SDK (tests/contract/test_provider_dialects.py).
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from botocore.exceptions import EndpointConnectionError

from functions.pipeline.dispatch import handler as dispatch
from functions.pipeline.requests import stage_task
from local.imitation.app import imitation
from local.imitation.faults import Fault, ProviderCall
from local.imitation.luma import LAYERS
from local.imitation.service import PaidRequest, Service
from shared.assets.record import AssetType
from shared.aws import clients, media, secrets
from shared.charges.store import charges
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.record import JobStatus
from shared.jobs.steps import Fenced, steps
from shared.jobs.store import jobs
from shared.jobs.tickets import tickets
from shared.providers import store
from shared.providers.record import ProviderStateRecord
from shared.providers.store import FAILURES_TO_OPEN, PROBE_PAUSE, OverCap, states
from shared.stages.engines import ALL_ENGINES, Engine, Runs, engine
from shared.stages.failures import StageFailure
from shared.stages.requests import PostProcessingJob, VideoSynthesisJob
from shared.stages.stages import STAGES, Role, Stage
from tests.integration.test_remote_engines import run_out, shown, take
from tests.support.fal import CLIP
from tests.support.provider_faults import AT_ONCE, ENGINES_OF, FAULTS, PROVIDER_OF, FaultCase, FaultOutcome
from tests.support.provider_requests import Files, video_request
from tests.support.steps import complete_step
from tests.support.studio import Answer, Creator, Studio
from workers.engines.contract import Output, RemoteOutput, StageResult, Workspace
from workers.engines.provider import Provider, not_made
from workers.engines.video_synthesis.google import GoogleVideo
from workers.engines.video_synthesis.runway import RunwayVideo
from workers.runtime.lambda_entry import UNAVAILABLE_PAUSE_SECONDS, RemoteRunner
from workers.runtime.step import StepRunner

VIDEO = Stage.VIDEO_SYNTHESIS
KEY = "a-key"
PROVIDER_KEYS = sorted({entry.key for entry in ALL_ENGINES if entry.key})
CODES = {
    FaultOutcome.UNCONFIRMED: "submission_unconfirmed", FaultOutcome.REFUSED: "provider_refused",
    FaultOutcome.MODERATED: "content_refused", FaultOutcome.FAILED: "provider_failed",
    FaultOutcome.UNUSABLE: "result_unusable", FaultOutcome.LOST: "result_lost",
}  # fmt: skip


PICTURE = b"\x89PNG\r\n\x1a\n" + b"a picture" * 20


SOUND = b"ID3\x04" + b"a sound" * 20


def file_of(one: PaidRequest) -> bytes:
    if one.sound:
        return SOUND
    return CLIP if one.seconds else PICTURE


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with imitation(file_of) as running:
        yield running


@pytest.fixture
def providers(studio: Studio, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with imitated(service, monkeypatch):
        yield service


@contextmanager
def imitated(service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve the imitation, with the keys of all providers, polls without a pause and leases that expire at once."""
    service.requests.clear()
    service.faults.clear()
    service.cancelled.clear()
    service.keys.clear()
    for name in PROVIDER_OF.values():
        monkeypatch.setenv(f"KINORA_{name.upper()}_URL", f"{service.url}/{name}")
    monkeypatch.setenv("KINORA_REMOTE_POLL_MOST_SECONDS", "0")
    monkeypatch.setenv("KINORA_REMOTE_LEASE_SECONDS", "0")
    for key in PROVIDER_KEYS:
        clients.secretsmanager().create_secret(Name=f"kinora/test/{key}", SecretString=KEY)
    yield
    for key in PROVIDER_KEYS:
        clients.secretsmanager().delete_secret(SecretId=f"kinora/test/{key}", ForceDeleteWithoutRecovery=True)
    secrets.secret.cache_clear()
    service.valid_keys = None


def begun(ada: Creator, name: str, **settings: Any) -> str:
    """Return a job whose step of the engine is dispatched, after the steps before it."""
    asked = {"engines": {stage_of(name): name}, "duration": 5, "onMissedMove": "keep"}
    if engine(stage_of(name), name).makes_sound:
        asked["soundPrompt"] = "slow waves"
    if operation := engine(stage_of(name), name).takes_over:
        asked["operations"] = [operation]
    made = str(ada.job(ada.project(), **asked | settings)["id"])
    for earlier in (Stage.IMAGE_GENERATION, VIDEO):
        if stage_of(name) in {VIDEO, Stage.POST_PROCESSING} and earlier is not stage_of(name):
            complete_step(made, earlier)
    send(made, name, "token-1")
    return made


def stage_of(name: str) -> Stage:
    return next(entry.stage for entry in ALL_ENGINES if entry.name == name)


def send(job_id: str, name: str, token: str) -> None:
    dispatch({"jobId": job_id, "stage": stage_of(name).value, "taskToken": token}, None)


class Quick:
    """An engine in place of `parallax` and `finish`, which work for seconds. It reads what the provider made."""

    def load(self) -> None: ...

    def run(self, request: VideoSynthesisJob | PostProcessingJob, workspace: Workspace) -> StageResult:
        if isinstance(request, PostProcessingJob):
            fetched = workspace.fetch(request.audio_url or request.video_url)
            assert fetched.read_bytes() == (SOUND if request.audio_url else CLIP)
            return self._made(Stage.POST_PROCESSING, workspace)
        assert [workspace.fetch(url).read_bytes() for url in request.layer_urls or ()] == [PICTURE] * len(LAYERS)
        return self._made(VIDEO, workspace)

    def _made(self, stage: Stage, workspace: Workspace) -> StageResult:
        outputs = []
        for role in sorted(STAGES[stage].produces):
            path = workspace.folder / role
            path.write_bytes(CLIP)
            outputs.append(Output(role, path, "video/mp4"))
        return StageResult(tuple(outputs))


def run_all(studio: Studio, job_id: str, name: str) -> None:
    """Let the function of remote engines handle its messages, and a worker complete what the provider made."""
    run_out()
    if not studio.cloud.answers or studio.cloud.answers[-1].error != "Unavailable":
        return
    send(job_id, name, new_id("token"))
    delivery = studio.deliver(stage_of(name).queue)
    assert delivery is not None
    StepRunner({"parallax": Quick(), "finish": Quick()}, shutdown_requested=lambda: False).handle(delivery)


# The other tests here and in test_remote_engines.py have the common faults.
SLOW = {"runway", "runway-upscale", "fal", "luma", "luma-layers", "flux", "google", "stability", "elevenlabs"}


@pytest.mark.parametrize(
    "provider", [pytest.param(name, marks=[pytest.mark.slow] if name in SLOW else []) for name in ENGINES_OF]
)
def test_each_fault_of_a_provider_ends_as_the_table_says(
    studio: Studio, providers: Service, ada: Creator, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = begun(ada, ENGINES_OF[provider])
    [(task, _)] = take()
    bring_back = studio.save()
    for case in FAULTS:
        if provider in case.ends and case.fault is not Fault.STILL:  # test_missed_moves.py has its rows
            monkeypatch.setenv("KINORA_PROVIDER_DOWNLOAD_SECONDS", "0.2" if case.fault is Fault.SLOW else "40")
            providers.faults.add(PROVIDER_OF[provider], case.call, case.fault)
            check_case(studio, providers, ada, provider, job_id, task, case)
            bring_back()
            studio.cloud.answers.clear()
            providers.requests.clear()
    assert {key.split()[-1] for key in providers.keys} == {KEY}
    assert KEY not in json.dumps(studio.dump())
    assert providers.keys_elsewhere == set()


def check_case(
    studio: Studio, service: Service, ada: Creator, provider: str, job_id: str, task: str, case: FaultCase
) -> None:
    about, end = (case.call, case.fault, studio.cloud.answers), case.ends[provider]
    name = ENGINES_OF[provider]
    stage = stage_of(name)
    RemoteRunner().handle(task)
    run_all(studio, job_id, name)
    if end is FaultOutcome.REPEATED:
        assert shown(studio.cloud.answers[-1]) == ("Stage.Retryable", "provider_failed"), about
        send(job_id, name, "token-2")
        run_all(studio, job_id, name)
    held = tickets.get(job_id, stage)
    assert held is not None, about
    assert held.submissions >= len(service.requests), about
    if end in {FaultOutcome.FILM, FaultOutcome.REPEATED}:
        assert (studio.cloud.answers[-1].error, jobs.get(job_id).step(stage).status) == (None, JobStatus.COMPLETED), (
            about
        )
        assert held.submissions == len(service.requests) == 1 + (end is FaultOutcome.REPEATED), about
        return
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", CODES[end])], about
    assert (held.intent is not None) == (len(service.requests) > 0 or end is FaultOutcome.UNCONFIRMED), about
    settlement.fail(jobs.get(job_id), error="The provider failed.", at=utc_now())
    assert credits.account(ada.user_id).available == 100, about


@pytest.mark.parametrize("provider", [name for name in ENGINES_OF if name not in AT_ONCE])
def test_the_key_can_change_while_a_job_runs(studio: Studio, providers: Service, ada: Creator, provider: str) -> None:
    """The provider refuses the old key at once. A process that has read it reads the new one."""
    job_id = begun(ada, ENGINES_OF[provider])
    providers.faults.add(PROVIDER_OF[provider], ProviderCall.POLL, Fault.WORKING)
    runner = RemoteRunner()
    [(task, _)] = take()
    runner.handle(task)
    rotate(provider, providers)
    while bodies := take():
        for body, _ in bodies:
            runner.handle(body)
    run_all(studio, job_id, ENGINES_OF[provider])
    stage = stage_of(ENGINES_OF[provider])
    assert (jobs.get(job_id).step(stage).status, len(providers.requests)) == (JobStatus.COMPLETED, 1)
    assert providers.keys_elsewhere == set()


def test_a_job_whose_provider_refuses_the_old_key_waits_for_the_new_one(
    studio: Studio, providers: Service, ada: Creator
) -> None:
    """The operator revokes the key before the new one is stored. What was paid for is not given up."""
    job_id = begun(ada, ENGINES_OF["runway"])
    providers.faults.add("runway", ProviderCall.POLL, Fault.WORKING)
    [(task, _)] = take()
    RemoteRunner().handle(task)
    providers.valid_keys = {"newer"}
    for _ in range(3):
        [(body, _)] = take()
        RemoteRunner().handle(body)
    assert jobs.get(job_id).step(VIDEO).status == JobStatus.RUNNING
    rotate("runway", providers)
    run_out()
    assert (jobs.get(job_id).step(VIDEO).status, len(providers.requests)) == (JobStatus.COMPLETED, 1)


@pytest.mark.parametrize("provider", ["luma", "openai", "google", "stability", "elevenlabs"])
def test_a_submission_with_the_old_key_is_sent_again_with_the_new_one(
    studio: Studio, providers: Service, ada: Creator, provider: str
) -> None:
    engine_key = key_of(provider)
    assert secrets.secret(engine_key) == KEY
    job_id = begun(ada, ENGINES_OF[provider])
    rotate(provider, providers)
    run_all(studio, job_id, ENGINES_OF[provider])
    assert jobs.get(job_id).step(stage_of(ENGINES_OF[provider])).status == JobStatus.COMPLETED
    assert len(providers.requests) == 1


def rotate(provider: str, service: Service) -> None:
    """Store a new key, and let the providers refuse all others."""
    service.valid_keys = {"newer"}
    clients.secretsmanager().put_secret_value(SecretId=f"kinora/test/{key_of(provider)}", SecretString="newer")


def key_of(provider: str) -> str:
    return str(engine(stage_of(ENGINES_OF[provider]), ENGINES_OF[provider]).key)


@pytest.mark.parametrize("provider", ["runway", "fal", "google"])
@pytest.mark.parametrize("fault", [None, Fault.TOO_LATE, pytest.param(Fault.UNAVAILABLE, marks=pytest.mark.slow)])
def test_a_cancelled_job_ends_uncharged_whatever_its_provider_answers(
    providers: Service, ada: Creator, provider: str, fault: Fault | None
) -> None:
    job_id = begun(ada, ENGINES_OF[provider])
    providers.faults.add(provider, ProviderCall.POLL, *[Fault.WORKING] * 9)
    [(task, _)] = take()
    RemoteRunner().handle(task)
    if fault:
        providers.faults.add(provider, ProviderCall.CANCEL, fault)
    settlement.cancel(jobs.get(job_id), at=utc_now())
    run_out()
    assert len(providers.cancelled) == (fault is None or (provider, fault) == ("runway", Fault.TOO_LATE))
    assert Role.CLIP not in {out.role for made in jobs.results(jobs.get(job_id)).values() for out in made.outputs}
    assert credits.account(ada.user_id).available == 100


# --- what a model receives

RUNWAY = [entry for entry in ALL_ENGINES if entry.key == "runway-key" and entry.stage is VIDEO]


def test_a_request_of_runway_names_frames_size_and_camera(providers: Service) -> None:
    entry = engine(VIDEO, "runway-veo3.1")
    ticket = RunwayVideo(entry).submit(video_request(entry), Files())
    [made] = providers.requests
    assert json.loads(ticket) == {"id": made.id}
    assert made.picture == b"s3://media/1.png"
    body = dict(made.body)
    first, last = body.pop("promptImage")
    assert (first["position"], last["position"]) == ("first", "last")
    assert len({first["uri"], last["uri"]}) == 2
    assert first["uri"].startswith("runway://")
    assert body == {
        "model": "veo3.1",
        "promptText": "a lake. Camera: slow cinematic dolly in towards the subject, no zoom, no camera shake.",
        "duration": 4, "ratio": "1280:720", "audio": False, "seed": 7,
    }  # fmt: skip


def test_a_request_of_google_contains_the_picture_and_asks_for_one_shot(providers: Service) -> None:
    entry = engine(VIDEO, "google-omni")
    ticket = GoogleVideo(entry).submit(video_request(entry), Files())
    [made] = providers.requests
    assert json.loads(ticket) == {"id": made.id}
    assert made.picture == b"s3://media/1.png"
    body = dict(made.body)
    assert str(body.pop("prompt")).startswith("a lake. Camera: slow cinematic dolly in towards the subject")
    assert body == {
        "model": "gemini-omni-1.1-flash", "background": True,
        "generation_config": {"video_config": {"task": "image_to_video"}},
        "response_format": {
            "type": "video", "delivery": "uri", "resolution": "720p", "aspect_ratio": "16:9", "duration": "3s",
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("interaction", "code", "retryable"),
    [
        ({"status": "failed", "errors": [{"code": "https://errors.test/SAFETY"}]}, "content_refused", False),
        ({"status": "failed", "steps": [{"error": {"message": "Blocked by our policy."}}]}, "content_refused", False),
        ({"status": "failed", "errors": [{"code": "internal"}]}, "provider_failed", True),
        ({"status": "completed", "steps": [{"type": "model_output", "content": []}]}, "content_refused", False),
        ({"status": "completed", "usage": {"output_tokens_by_modality": [{"modality": "video", "tokens": 9}]}},
         "provider_failed", False),
        ({"status": "budget_exceeded"}, "provider_refused", False),
        ({"status": "incomplete"}, "provider_failed", False),
    ],
)  # fmt: skip
def test_an_interaction_without_a_clip_ends_as_its_reason_says(
    providers: Service, interaction: dict[str, Any], code: str, retryable: bool
) -> None:
    made = GoogleVideo(engine(VIDEO, "google-omni"))
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=interaction)))
    vars(made)["_provider"] = replace(made._provider, _client=client)
    with pytest.raises(StageFailure) as failed:
        made.poll('{"id": "1"}')
    assert (failed.value.code, failed.value.retryable) == (code, retryable)


def test_a_file_that_needs_the_key_is_read_from_the_api_only(providers: Service, tmp_path: Path) -> None:
    made = GoogleVideo(engine(VIDEO, "google-omni"))
    with pytest.raises(StageFailure) as failed:
        made.fetch(RemoteOutput(Role.CLIP, "https://files.example.com/1.mp4", "clip.mp4", "video/mp4"), tmp_path / "1")
    assert (failed.value.code, (tmp_path / "1").exists()) == ("result_unusable", False)


def test_a_picture_that_stability_refuses_after_its_work_stays_on_record(
    studio: Studio, providers: Service, ada: Creator
) -> None:
    """The provider may bill it, so it counts as paid, and it is not sent again."""
    job_id = begun(ada, "stability-ultra", aspectRatio="4:5")
    providers.faults.add("stability", ProviderCall.SUBMIT, Fault.MODERATED_OUTPUT)
    run_out()
    [made] = providers.requests
    assert (made.body["model"], made.body["aspect_ratio"], made.body["output_format"]) == ("ultra", "4:5", "png")
    assert shown(studio.cloud.answers[-1]) == ("Stage.Final", "content_refused")
    held = tickets.get(job_id, Stage.IMAGE_GENERATION)
    assert held is not None
    assert (held.intent is not None, held.submissions) == (True, 1)
    settlement.fail(jobs.get(job_id), error="Refused.", at=utc_now())
    [row] = charges.of_month(f"{utc_now():%Y-%m}")
    assert (row.engine, row.requests, row.cents) == ("stability-ultra", 1, 8)


@pytest.mark.parametrize("entry", RUNWAY, ids=lambda entry: entry.name)
def test_a_request_beyond_the_limits_of_a_model_is_not_sent(providers: Service, entry: Engine) -> None:
    beyond: list[dict[str, Any]] = [
        # as many UTF-16 code units as the model accepts, without the words of the camera
        {"prompt": "\N{ROCKET}" * (entry.max_prompt_units // 2)} if entry.max_prompt_units else {"loop": True},
        {"duration": 11},
        {"loop": True},
        {"more_image_urls": ("s3://media/2.png",) * (entry.max_pictures or 1)},
        {"width": 1280, "height": 1024} if entry.ratios else {"duration": 1},  # 5:4
    ]
    for fields in beyond:
        with pytest.raises(StageFailure) as failed:
            RunwayVideo(entry).submit(video_request(entry, **fields), Files())
        assert failed.value.code == "engine_cannot"
    assert providers.requests == []
    assert entry.runs is Runs.REMOTE


def test_a_job_beyond_the_limits_of_a_model_is_refused_before_credits_are_held(
    providers: Service, ada: Creator
) -> None:
    project = ada.project()
    for settings, prompt in (
        ({}, "a lake " * 150), ({"aspectRatio": "5:4"}, "a lake"), ({"duration": 4.5}, "a lake"),
        ({"loop": True}, "a lake"),
    ):  # fmt: skip
        chosen = {"engines": {"VIDEO_SYNTHESIS": "runway-gen4.5"}, "duration": 5, **settings}
        body = {"projectId": project, "prompt": prompt, "settings": chosen}
        answer = ada.post("/api/jobs", body)
        assert (answer.status, answer.body.get("code")) == (422, "no_engine"), answer.body
    assert "UTF-16" in ada.post("/api/jobs", {**body, "prompt": "a lake " * 150}).body["detail"]
    assert credits.account(ada.user_id).available == 100


# --- motion transfer


def test_a_performance_is_copied_to_the_character_of_the_clip(studio: Studio, providers: Service, ada: Creator) -> None:
    job_id = performed(ada, driving_seconds=5.2)
    for stage in (Stage.IMAGE_GENERATION, VIDEO):
        complete_step(job_id, stage)
    dispatch({"jobId": job_id, "stage": Stage.MOTION_TRANSFER.value, "taskToken": "token-1"}, None)
    run_out()
    [made] = providers.requests
    assert made.body["character"]["uri"] != made.body["reference"]["uri"]
    assert made.picture == b"x", "the clip of video synthesis"
    assert (made.body["model"], made.body["ratio"]) == ("act_two", "1280:720")
    assert jobs.get(job_id).step(Stage.MOTION_TRANSFER).status == JobStatus.COMPLETED
    assert studio.cloud.answers[-1].error is None
    complete_step(job_id, Stage.POST_PROCESSING)
    settlement.complete(jobs.get(job_id), at=utc_now())
    [row] = charges.of_month(f"{utc_now():%Y-%m}")
    assert (row.engine, row.requests, row.cents) == ("runway-act-two", 1, 25)


def test_a_performance_longer_than_the_film_is_refused_before_credits_are_held(
    providers: Service, ada: Creator
) -> None:
    """Runway bills the seconds of the driving clip, and the quote has those of the film."""
    answer = perform(ada, driving_seconds=9)
    assert (answer.status, answer.body["code"]) == (422, "invalid"), answer.body
    assert "9.0 s" in answer.body["detail"]
    assert credits.account(ada.user_id).available == 100


def performed(ada: Creator, *, driving_seconds: float) -> str:
    answer = perform(ada, driving_seconds=driving_seconds)
    assert answer.status == 202, answer.body
    return str(answer.body["id"])


def perform(ada: Creator, *, driving_seconds: float) -> Answer:
    driving = ada.asset(AssetType.VIDEO, duration=driving_seconds)
    settings = {"engines": {"MOTION_TRANSFER": "runway-act-two"}, "duration": 5}
    body = {"projectId": ada.project(), "prompt": "a lake", "inputs": [{"role": "driving", "assetId": driving}]}
    return ada.post("/api/jobs", body | {"settings": settings})


# --- pictures


def test_a_picture_that_is_answered_is_stored_after_an_outage_and_not_bought_again(
    studio: Studio, providers: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer of OpenAI exists nowhere else. The step that follows estimates the depth."""
    job_id = begun(ada, "openai-image", aspectRatio="1:1")
    [(task, _)] = take()
    upload, failures = (
        media.upload,
        [EndpointConnectionError(endpoint_url="s3"), EndpointConnectionError(endpoint_url="s3")],
    )

    def uploaded(*arguments: Any, **options: Any) -> None:
        if failures:
            raise failures.pop()
        upload(*arguments, **options)

    monkeypatch.setattr(media, "upload", uploaded)
    RemoteRunner().handle(task)
    [made] = providers.requests
    size = made.body["size"]
    assert (made.body["model"], size, made.body["n"]) == ("gpt-image-2.5-flare", "1296x1296", 1)
    assert ada.user_id not in json.dumps(dict(made.body))
    assert (failures, jobs.get(job_id).step(Stage.IMAGE_GENERATION).status) == ([], JobStatus.COMPLETED)
    assert (take(), studio.cloud.answers[-1].error) == ([], None)
    task_after = stage_task(jobs.get(job_id), jobs.spec(job_id), jobs.results(jobs.get(job_id)), VIDEO)
    assert isinstance(task_after.request, VideoSynthesisJob)
    assert task_after.request.depth_url is None


def test_a_picture_of_luma_is_polled_and_stored(providers: Service, ada: Creator) -> None:
    job_id = begun(ada, "luma-uni", aspectRatio="16:9")
    providers.faults.add("luma", ProviderCall.POLL, Fault.WORKING)
    run_out()
    [made] = providers.requests
    assert (made.body["type"], made.body["model"], made.body["aspect_ratio"]) == ("image", "uni-1", "16:9")
    assert ada.user_id not in json.dumps(dict(made.body))
    stored = jobs.results(jobs.get(job_id))[Stage.IMAGE_GENERATION]
    assert str(stored.key(Role.PICTURE)).endswith("/picture.png")
    assert stored.metrics["painter"] == "uni-1 of Luma, a trained model"


def test_a_polling_url_of_another_region_receives_the_key_and_another_host_does_not() -> None:
    provider = Provider("flux-key", "https://api.bfl.ai", 1, lambda _: {}, lambda _: not_made(), domain="bfl.ai")
    own = ("https://api.bfl.ai/v1/x", "https://api.eu1.bfl.ai/v1/x")
    others = (
        "http://api.eu1.bfl.ai/",
        "https://evilbfl.ai/",
        "https://api.bfl.ai.example.com/",
        "https://api.bfl.ai:8443/",
    )
    assert [provider.is_own(url) for url in (*own, *others)] == [True, True, False, False, False, False]


# --- circuits, caps and fallbacks

GEN = "runway-gen4.5"  # 60 US cents for 5 seconds
TURBO = "runway-gen4-turbo"  # its fallback, 25 US cents


def engine_of(job_id: str) -> str:
    return jobs.get(job_id).step(VIDEO).engine


def fail_until_open(name: str) -> None:
    for _ in range(FAILURES_TO_OPEN):
        states.failed(name, at=utc_now())


def test_after_failures_in_a_row_a_fallback_does_the_step_before_anything_is_paid(
    studio: Studio, providers: Service, ada: Creator
) -> None:
    job_id = begun(ada, GEN)
    held = jobs.get(job_id).credits
    providers.faults.add("runway", ProviderCall.SUBMIT, *[Fault.UNAVAILABLE] * FAILURES_TO_OPEN)
    for _ in range(FAILURES_TO_OPEN + 1):  # the last one finds the circuit open
        [(task, _)] = take()
        RemoteRunner().handle(task)
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Retryable", "provider_unavailable")]
    assert (providers.requests, engine_of(job_id)) == ([], GEN)
    send(job_id, GEN, "token-2")
    run_out()
    [made] = providers.requests
    assert (made.body["model"], engine_of(job_id)) == ("gen4_turbo", TURBO)
    assert jobs.get(job_id).credits == held
    [step] = [one for one in ada.get(f"/api/jobs/{job_id}").body["steps"] if one["stepType"] == VIDEO]
    assert (step["engine"], step["status"]) == (TURBO, "COMPLETED")


def test_one_job_probes_an_open_circuit_and_its_result_closes_it(providers: Service, ada: Creator) -> None:
    fail_until_open(GEN)
    later = utc_now() + PROBE_PAUSE
    assert [states.may_send(GEN, at=at) for at in (utc_now(), later, later)] == [False, True, False]
    ProviderStateRecord(f"circuit#{GEN}").update([ProviderStateRecord.probe_at.set(utc_now())])
    job_id = begun(ada, GEN)
    run_out()
    assert (engine_of(job_id), len(providers.requests)) == (GEN, 1)
    assert states.may_send(GEN, at=utc_now())
    assert not states.is_out(GEN, 0, at=utc_now())


def test_two_jobs_that_read_an_open_circuit_at_once_do_not_both_probe_it(
    providers: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    fail_until_open(GEN)
    read = ProviderStateRecord.get(f"circuit#{GEN}")
    monkeypatch.setattr(store, "_read", lambda _: read)
    later = utc_now() + PROBE_PAUSE
    assert [states.may_send(GEN, at=later) for _ in range(2)] == [True, False]


def test_the_cap_of_a_day_is_not_exceeded(
    studio: Studio, providers: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_PROVIDER_DAY_CENTS", "100")
    first, second = begun(ada, TURBO), begun(ada, TURBO)
    providers.faults.add("runway", ProviderCall.SUBMIT, Fault.THROTTLED, Fault.THROTTLED)
    run_out()  # a request that is not accepted does not count
    assert len(providers.requests) == 2
    states.reserve(30, at=utc_now())
    studio.refill_quotas()
    third = begun(ada, TURBO)
    assert [engine_of(one) for one in (first, second, third)] == [TURBO, TURBO, "parallax"]
    assert len(studio.messages("video-synthesis")) == 1
    with pytest.raises(OverCap):
        states.reserve(30, at=utc_now())


def test_a_cap_that_is_reached_after_dispatch_sends_nothing(
    studio: Studio, providers: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = begun(ada, "fal-pika")
    monkeypatch.setenv("KINORA_PROVIDER_DAY_CENTS", "19")
    run_out()
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Retryable", "provider_unavailable")]
    assert (providers.requests, tickets.get(job_id, VIDEO)) == ([], None)


def test_an_engine_without_a_fallback_waits_until_its_provider_is_back(providers: Service, ada: Creator) -> None:
    fail_until_open("flux-pro")
    job_id = begun(ada, "flux-pro")
    [(task, _)] = take()
    RemoteRunner().handle(task)
    [(task, pause)] = take()
    assert (pause, providers.requests) == (UNAVAILABLE_PAUSE_SECONDS, [])
    states.works("flux-pro")
    RemoteRunner().handle(task)
    run_out()
    assert jobs.get(job_id).step(Stage.IMAGE_GENERATION).status == JobStatus.COMPLETED


def test_repeated_requests_of_a_step_stay_below_the_price_of_a_step(
    studio: Studio, providers: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_PROVIDER_JOB_CENTS", "100")
    job_id = begun(ada, GEN)
    providers.faults.add("runway", ProviderCall.POLL, Fault.BROKEN)
    run_out()
    send(job_id, GEN, "token-2")
    run_out()
    assert shown(studio.cloud.answers[-1]) == ("Stage.Final", "provider_price")
    assert len(providers.requests) == 1


def test_a_step_that_may_have_been_paid_is_not_handed_over(providers: Service, ada: Creator) -> None:
    job_id = begun(ada, GEN)
    providers.faults.add("runway", ProviderCall.POLL, Fault.WORKING)
    [(task, _)] = take()
    RemoteRunner().handle(task)
    take()  # the chain of polls is lost
    fail_until_open(GEN)
    send(job_id, GEN, "token-2")
    run_out()
    assert (engine_of(job_id), len(providers.requests)) == (GEN, 1)
    assert jobs.get(job_id).step(VIDEO).status == JobStatus.COMPLETED


def test_content_that_a_provider_refused_is_not_handed_over(studio: Studio, providers: Service, ada: Creator) -> None:
    job_id = begun(ada, GEN)
    providers.faults.add("runway", ProviderCall.POLL, Fault.MODERATED_OUTPUT)
    run_out()
    fail_until_open(GEN)
    send(job_id, GEN, "token-2")
    run_out()
    assert (engine_of(job_id), len(providers.requests)) == (GEN, 1)


def test_an_engine_that_a_worker_wrote_is_not_replaced_by_one_that_the_job_does_not_name(
    providers: Service, ada: Creator
) -> None:
    job_id = begun(ada, GEN)
    take()
    steps.hand_over(job_id, VIDEO, "fal-pika", before=GEN, at=utc_now())
    fail_until_open("fal-pika")
    send(job_id, GEN, "token-2")
    assert engine_of(job_id) == "fal-pika"


def test_a_step_is_handed_over_once_also_if_the_answer_of_the_write_is_lost(providers: Service, ada: Creator) -> None:
    job_id = begun(ada, GEN)
    for _ in range(2):  # the second call is the one that botocore sends again
        steps.hand_over(job_id, VIDEO, TURBO, before=GEN, at=utc_now())
    with pytest.raises(Fenced):
        steps.hand_over(job_id, VIDEO, "parallax", before=GEN, at=utc_now())
    assert engine_of(job_id) == TURBO


# --- many faults at once

JOBS = int(os.environ.get("KINORA_FAULT_JOBS", "100"))  # `make provider-faults` runs 1,000
PART = 20  # jobs of one test, so that it stays below the time limit of a test
RANDOM_FAULTS = {
    ProviderCall.UPLOAD: [Fault.THROTTLED, Fault.TIMED_OUT, Fault.DROPPED],
    ProviderCall.SUBMIT: [
        Fault.THROTTLED, Fault.UNAVAILABLE, Fault.FAILED_BEFORE, Fault.FAILED_AFTER, Fault.TIMED_OUT, Fault.DROPPED,
        Fault.WRONG_CONTENT, Fault.MODERATED_INPUT,
    ],
    ProviderCall.POLL: [
        Fault.WORKING, Fault.UNKNOWN_STATE, Fault.THROTTLED, Fault.UNKNOWN_KEY, Fault.TIMED_OUT, Fault.DROPPED,
        Fault.WRONG_CONTENT, Fault.BROKEN, Fault.MODERATED_OUTPUT,
    ],
    ProviderCall.RESULT: [Fault.TIMED_OUT, Fault.WRONG_CONTENT, Fault.DROPPED],
    ProviderCall.FILE: [Fault.FAILED_BEFORE, Fault.DROPPED, Fault.EXPIRED, Fault.WRONG_CONTENT],
}  # fmt: skip
ENDS = {"submission_unconfirmed", "content_refused", "provider_failed", "result_unusable", "result_lost"}
WITHOUT_FILE = {"result_unusable": Fault.WRONG_CONTENT, "result_lost": Fault.EXPIRED}
"""The ends of a finished request whose file does not exist at the provider, and the fault that deletes the file."""


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, JOBS, PART))
def test_many_faults_at_once_pay_no_step_twice_and_lose_no_result(
    studio: Studio, providers: Service, ada: Creator, first: int, record_property: Callable[[str, object], None]
) -> None:
    """Each job has its own random faults. A second request follows only one that the provider reported as failed."""
    unspoilt = studio.save()
    figures: Counter[str] = Counter()
    for seed in range(first, min(first + PART, JOBS)):
        random = Random(seed)
        provider = random.choice(list(ENGINES_OF))
        planned = {
            call: random.choices(faults, k=random.choice([0, 0, 1, 2])) for call, faults in RANDOM_FAULTS.items()
        }
        for call, faults in planned.items():
            providers.faults.add(PROVIDER_OF[provider], call, *faults)
        figures += judged(studio, providers, ada, provider, planned)
        unspoilt()
        studio.cloud.answers.clear()
        providers.requests.clear()
        providers.faults.clear()
        studio.refill_quotas()
    for name, number in figures.items():
        record_property(name, number)
    assert figures["end: film"] > 0, figures


def judged(
    studio: Studio, service: Service, ada: Creator, provider: str, planned: Mapping[ProviderCall, Sequence[Fault]]
) -> Counter[str]:
    """Run and settle a job, check that it is paid once or not at all, and return what is counted."""
    job_id, stage = begun(ada, ENGINES_OF[provider]), stage_of(ENGINES_OF[provider])
    for number in range(2, 6):
        run_all(studio, job_id, ENGINES_OF[provider])
        if studio.cloud.answers[-1].error != "Stage.Retryable":
            break
        send(job_id, ENGINES_OF[provider], f"token-{number}")
    answer, held, about = studio.cloud.answers[-1], tickets.get(job_id, stage), (provider, planned)
    assert held is not None, about
    end = "film" if answer.error is None else shown(answer)[1]
    assert end in {"film", *ENDS}, about
    if end == "film":
        for planned_stage, step in jobs.get(job_id).planned():
            if step.status != JobStatus.COMPLETED:
                complete_step(job_id, planned_stage)
        settlement.complete(jobs.get(job_id), at=utc_now())
    else:
        settlement.fail(jobs.get(job_id), error="The provider failed.", at=utc_now())
    paid = [one for one in service.requests if not one.ended]  # a request that failed by the provider's fault is not
    job, account = jobs.get(job_id), credits.account(ada.user_id)
    assert len(paid) <= 1, about
    assert len(service.requests) <= held.submissions <= job.step(stage).attempts, about
    assert (job.status == JobStatus.COMPLETED) == (end == "film"), about
    assert (account.available, account.held) == (100 - (job.credits if end == "film" else 0), 0), about
    assert sum(row.requests for row in charges.of_month(f"{utc_now():%Y-%m}")) == held.submissions, about
    if end == "film":
        assert len(paid) == 1, about
    elif end == "submission_unconfirmed":
        assert held.ticket is None, about
        assert held.intent is not None, about
    elif held.ticket and paid:
        assert WITHOUT_FILE[end] in planned[ProviderCall.FILE], about
    return Counter(
        {
            "jobs": 1, "faults": sum(map(len, planned.values())), f"end: {end}": 1,
            "requests that the provider accepted": len(service.requests),
            "finished requests with a ticket": held.ticket is not None and bool(paid),
            "credits captured": 100 - account.available,
        }
    )  # fmt: skip
