"""A step whose provider makes an input of the result: a worker completes it, and it is paid once.

Provider, function of remote engines, dispatch, worker, renderer and settlement are the real ones; the provider is the
imitation.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import pytest
from botocore.exceptions import EndpointConnectionError

from functions.pipeline.dispatch import handler as dispatch
from local.imitation.app import imitation
from local.imitation.faults import Fault, ProviderCall
from local.imitation.pictures import make
from local.imitation.service import Service
from shared.assets.record import AssetType
from shared.aws import media
from shared.charges.store import charges
from shared.core.clock import utc_now
from shared.core.ids import new_id
from shared.credits.store import credits
from shared.jobs import settlement
from shared.jobs.keys import step_prefix
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.jobs.tickets import tickets
from shared.stages.messages import StageTask
from shared.stages.requests import PostProcessingJob, VideoSynthesisJob
from shared.stages.stages import Role, Stage
from tests.integration.test_provider_faults import imitated
from tests.integration.test_remote_engines import filmed, run_out, shown, take
from tests.support.steps import complete_step
from tests.support.studio import Creator, Studio
from tests.unit.workers.motion.test_motion_check import hills
from workers.engines.post_processing.finish import Finish
from workers.engines.video_synthesis.parallax import Parallax
from workers.runtime.lambda_entry import RemoteRunner
from workers.runtime.step import StepRunner

VIDEO, POST = Stage.VIDEO_SYNTHESIS, Stage.POST_PROCESSING
LAYERS = "luma-layers"
PRICE = 24 + 1  # of the layers of a film of one second, rounded up
MOVED = 2  # of the 2.5D camera for one second
REST = 2  # of the painter and of post-processing


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with imitation(make) as running:
        yield running


@pytest.fixture
def providers(studio: Studio, service: Service, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with imitated(service, monkeypatch):
        yield service


@pytest.fixture(scope="module")
def hill(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "picture.png"
    cv2.imwrite(str(path), hills()[0][..., ::-1])
    return path


@pytest.fixture
def job_id(ada: Creator, providers: Service, hill: Path) -> str:
    """Return a job of one second whose picture is complete and whose clip is dispatched."""
    made = str(ada.job(ada.project(), engines={VIDEO: LAYERS}, duration=1, resolution="480p")["id"])
    complete_step(made, Stage.IMAGE_GENERATION)
    result = jobs.results(jobs.get(made))[Stage.IMAGE_GENERATION]
    media.upload(hill, str(result.key(Role.PICTURE)), "image/png", kind="work")
    near = hills()[1]
    depth = hill.with_name("depth.png")
    cv2.imwrite(str(depth), (near * 65535).astype("uint16"))
    media.upload(depth, str(result.key(Role.DEPTH)), "image/png", kind="work")
    send(made)
    return made


def send(job_id: str, stage: Stage = VIDEO) -> None:
    dispatch({"jobId": job_id, "stage": stage.value, "taskToken": new_id("token")}, None)


def fetch(studio: Studio, service: Service, job_id: str, hill: Path) -> None:
    """Let the provider cut the picture and the function fetch the layers. Dispatch them to a worker."""
    [(task, _)] = take()
    RemoteRunner().handle(task)
    for one in service.requests:
        one.picture = hill.read_bytes()
    run_out()
    assert [answer.error for answer in studio.cloud.answers] == ["Unavailable"]
    assert jobs.get(job_id).step(VIDEO).status == JobStatus.QUEUED
    studio.cloud.answers.clear()
    send(job_id)


def work(studio: Studio, stage: Stage = VIDEO) -> None:
    delivery = studio.deliver(stage.queue)
    assert delivery is not None
    StepRunner({"parallax": Parallax(), "finish": Finish()}, shutdown_requested=lambda: False).handle(delivery)


def test_the_camera_moves_over_the_layers_of_a_provider_and_the_step_is_paid_once(
    studio: Studio, providers: Service, ada: Creator, job_id: str, hill: Path
) -> None:
    fetch(studio, providers, job_id, hill)
    [delivery] = [body for body, _ in studio.queued(VIDEO.queue)]
    request = StageTask.model_validate_json(delivery).request
    assert isinstance(request, VideoSynthesisJob)
    assert [Path(url).name for url in request.layer_urls or ()] == ["layer00.png", "layer01.png", "layer02.png"]
    work(studio)
    assert [answer.error for answer in studio.cloud.answers] == [None]
    step = jobs.get(job_id).step(VIDEO)
    result = jobs.results(jobs.get(job_id))[VIDEO]
    assert (step.engine, step.status, result.metrics["layers"]) == (LAYERS, JobStatus.COMPLETED, 3)
    assert (result.metrics["provider"], result.metrics["model"]) == ("luma", "uni-1")
    assert float(str(result.metrics["motionScore"])) > 0.9, "the renderer's own camera"
    [made] = providers.requests
    assert (made.body["type"], made.body["layering"]) == ("layering", {"resolution": "1k"})
    complete_step(job_id, POST)
    settlement.complete(jobs.get(job_id), at=utc_now())
    assert credits.account(ada.user_id).available == 100 - PRICE - REST
    [row] = charges.of_month(f"{utc_now():%Y-%m}")
    assert (row.engine, row.requests, row.cents) == (LAYERS, 1, 25)


def test_a_worker_that_is_lost_repeats_only_the_local_part(
    studio: Studio, providers: Service, job_id: str, hill: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetch(studio, providers, job_id, hill)

    def lost(*_: object, **__: object) -> None:
        raise EndpointConnectionError(endpoint_url="s3")

    with monkeypatch.context() as broken:
        broken.setattr(media, "upload", lost)
        with pytest.raises(EndpointConnectionError):
            work(studio)
    work(studio)
    assert jobs.get(job_id).step(VIDEO).status == JobStatus.COMPLETED
    held = tickets.get(job_id, VIDEO)
    assert held is not None
    assert (len(providers.requests), held.submissions) == (1, 1)


def test_each_new_dispatch_sends_the_fetched_layers_and_no_second_request(
    studio: Studio, providers: Service, job_id: str, hill: Path
) -> None:
    """The state machine dispatches the step again after a retryable failure, and after a redrive."""
    fetch(studio, providers, job_id, hill)
    send(job_id)
    run_out()
    assert len(studio.messages(VIDEO.queue)) == 2
    assert len(providers.requests) == 1


def test_layers_that_cannot_be_used_end_as_a_clear_failure_without_a_charge(
    studio: Studio, providers: Service, ada: Creator, job_id: str, tmp_path: Path
) -> None:
    square = tmp_path / "square.png"
    cv2.imwrite(str(square), hills()[0][:270, :270])
    fetch(studio, providers, job_id, square)
    work(studio)
    assert [shown(answer) for answer in studio.cloud.answers] == [("Stage.Final", "layers_unusable")]
    settlement.fail(jobs.get(job_id), error="The layers cannot be used.", at=utc_now())
    assert credits.account(ada.user_id).available == 100


def test_a_job_that_ends_while_its_layers_wait_pays_nothing_more(
    studio: Studio, providers: Service, ada: Creator, job_id: str, hill: Path
) -> None:
    fetch(studio, providers, job_id, hill)
    settlement.cancel(jobs.get(job_id), at=utc_now())
    work(studio)
    run_out()
    assert (len(providers.requests), studio.cloud.answers) == (1, [])
    assert credits.account(ada.user_id).available == 100


def test_a_provider_that_is_out_hands_over_to_the_camera_without_layers_at_its_lower_price(
    studio: Studio, providers: Service, ada: Creator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_PROVIDER_DAY_CENTS", "10")
    picture = ada.asset(AssetType.IMAGE)
    settings = {"engines": {VIDEO: LAYERS}, "duration": 2}
    body = {"projectId": ada.project(), "prompt": "a lake", "inputs": [{"role": "picture", "assetId": picture}]}
    made = str(ada.post("/api/jobs", body | {"settings": settings}).body["id"])
    send(made)
    assert (jobs.get(made).step(VIDEO).engine, take()) == ("parallax", [])
    for stage in (VIDEO, POST):
        complete_step(made, stage)
    settlement.complete(jobs.get(made), at=utc_now())
    assert credits.account(ada.user_id).available == 100 - 2 - 1


def test_the_fault_of_a_download_is_repeated_with_new_urls(
    studio: Studio, providers: Service, job_id: str, hill: Path
) -> None:
    providers.faults.add("luma", ProviderCall.FILE, Fault.EXPIRED, Fault.DROPPED)
    fetch(studio, providers, job_id, hill)
    work(studio)
    assert (jobs.get(job_id).step(VIDEO).status, len(providers.requests)) == (JobStatus.COMPLETED, 1)


# --- a soundtrack


def sounding(ada: Creator, name: str) -> str:
    """Return a job of one second whose clip is complete and whose sound is dispatched."""
    settings = {"engines": {POST: name}, "soundPrompt": "slow waves", "duration": 1, "resolution": "480p"}
    made = str(ada.job(ada.project(), **settings)["id"])
    for stage in (Stage.IMAGE_GENERATION, VIDEO):
        complete_step(made, stage)
    clip = jobs.results(jobs.get(made))[VIDEO].key(Role.CLIP)
    media.put(filmed("static"), str(clip), "video/mp4", kind="work")
    send(made, POST)
    return made


@pytest.mark.parametrize(
    ("name", "price", "cents", "asked"),
    [
        ("elevenlabs-effects", 3, 1, {"text": "slow waves", "duration_seconds": 1}),
        ("elevenlabs-music", 6, 4.5, {"prompt": "slow waves", "music_length_ms": 3000, "force_instrumental": True}),
    ],
)
def test_a_film_gets_the_sound_that_its_creator_asked_for(
    studio: Studio, providers: Service, ada: Creator, tmp_path: Path,
    name: str, price: int, cents: float, asked: dict[str, object],
) -> None:  # fmt: skip
    job_id = sounding(ada, name)
    run_out()
    assert [answer.error for answer in studio.cloud.answers] == ["Unavailable"]
    send(job_id, POST)
    work(studio, POST)
    [made] = providers.requests
    assert {field: made.body[field] for field in asked} == asked
    result = jobs.results(jobs.get(job_id))[POST]
    assert (result.metrics["provider"], result.metrics["lufs"]) == ("elevenlabs", pytest.approx(-14, abs=2))
    film = tmp_path / "film.mp4"
    media.download(media.address(str(result.key(Role.VIDEO))), film)
    with av.open(str(film)) as opened:
        heard = sum(frame.samples / frame.sample_rate for frame in opened.decode(audio=0))
    assert heard == pytest.approx(2, abs=0.1), "as long as the clip, whose engine is not asked for a second"
    settlement.complete(jobs.get(job_id), at=utc_now())
    assert credits.account(ada.user_id).available == 100 - 1 - MOVED - price
    [row] = charges.of_month(f"{utc_now():%Y-%m}")
    assert (row.engine, row.requests, row.cents) == (name, 1, cents)


def test_a_sound_that_its_job_and_an_upload_both_bring_is_refused_before_credits_are_held(
    providers: Service, ada: Creator
) -> None:
    body = {"projectId": ada.project(), "prompt": "a lake"}
    upload = [{"role": "audio", "assetId": ada.asset(AssetType.AUDIO)}]
    asked = {"engines": {POST: "elevenlabs-music"}, "soundPrompt": "slow waves"}
    answer = ada.post("/api/jobs", body | {"settings": asked, "inputs": upload})
    assert (answer.status, answer.body["code"]) == (422, "invalid"), answer.body
    assert "one soundtrack" in answer.body["detail"]
    quote = ada.post("/api/jobs/quote", body | {"settings": asked}).body
    [step] = [one for one in quote["steps"] if one["stepType"] == POST]
    assert (step["engine"], step["credits"]) == ("elevenlabs-music", 14)
    assert credits.account(ada.user_id).available == 100


# --- a better clip


@pytest.mark.parametrize(
    ("name", "operation", "asked"),
    [
        ("runway-upscale", "upscale:2", {"resolution": "1k", "flavor": "natural", "creativity": 0}),
        ("runway-frame-rate", "interpolate:48", {"targetFramerate": "48"}),
    ],
)
def test_a_model_of_a_provider_takes_over_an_operation_and_a_worker_does_the_others(
    studio: Studio, providers: Service, ada: Creator,
    name: str, operation: str, asked: dict[str, object],
) -> None:  # fmt: skip
    engines = {POST: name, VIDEO: "fal-pika"}
    settings = {"engines": engines, "operations": [operation, "grade:noir"], "duration": 5, "resolution": "480p"}
    job_id = str(ada.job(ada.project(), onMissedMove="keep", **settings)["id"])
    for stage in (Stage.IMAGE_GENERATION, VIDEO):
        complete_step(job_id, stage)
    clip = jobs.results(jobs.get(job_id))[VIDEO].key(Role.CLIP)
    media.put(filmed("static"), str(clip), "video/mp4", kind="work")
    send(job_id, POST)
    run_out()
    [made] = providers.requests
    assert {field: made.body[field] for field in asked} == asked
    send(job_id, POST)
    [body] = [body for body, _ in studio.queued(POST.queue)]
    request = StageTask.model_validate_json(body).request
    assert isinstance(request, PostProcessingJob)
    assert request.video_url.startswith(media.address(step_prefix(job_id, POST)))
    assert (request.ingredients[-1].engine, request.operations[:2]) == (name, (operation, "grade:noir"))
    work(studio, POST)
    result = jobs.results(jobs.get(job_id))[POST]
    assert (jobs.get(job_id).step(POST).engine, result.metrics["provider"]) == (name, "runway")
    assert "grade:noir" in str(result.metrics["operations"])
    assert len(providers.requests) == 1
