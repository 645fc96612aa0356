"""Films with engines of providers, through the real API, workers and the imitation of the providers."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import av
import httpx
import pytest

from local.cloud import Cloud, laptop_cloud
from tests.e2e.conftest import TIMING, signed_up
from tests.e2e.test_films import film

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def providers_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("cloud")
    with laptop_cloud(folder=folder, worker_variables=TIMING, imitates_providers=True) as running:
        yield running


@pytest.mark.parametrize(
    "engines",
    [
        {"VIDEO_SYNTHESIS": "runway-gen4.5"},
        {"VIDEO_SYNTHESIS": "fal-pika"},
        {"VIDEO_SYNTHESIS": "luma-ray"},
        {"IMAGE_GENERATION": "openai-image"},
        {"IMAGE_GENERATION": "flux-pro"},
        {"IMAGE_GENERATION": "luma-uni"},
        {"VIDEO_SYNTHESIS": "google-omni"},
        {"IMAGE_GENERATION": "stability-core"},
        {"VIDEO_SYNTHESIS": "luma-layers"},
        {"POST_PROCESSING": "elevenlabs-music"},
    ],
    ids=lambda engines: next(iter(engines.values())),
)
def test_an_engine_of_a_provider_makes_its_part_of_a_film(
    providers_cloud: Cloud, tmp_path: Path, engines: dict[str, str]
) -> None:
    settings: dict[str, object] = {"engines": engines, "duration": 5, "resolution": "480p"}
    if "POST_PROCESSING" in engines:
        settings["soundPrompt"] = "slow waves"
    with closing(signed_up(providers_cloud)) as studio:
        job, _ = film(studio, prompt="a lake", settings=settings)
        assert job["status"] == "COMPLETED", job
        assert {step["stepType"]: step["engine"] for step in job["steps"]} | engines == {
            step["stepType"]: step["engine"] for step in job["steps"]
        }
        studio.download(job["videoUrl"], tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as clip:
        assert clip.streams.video[0].frames == 5 * 24
        assert bool(clip.streams.audio) is ("POST_PROCESSING" in engines)
    [name] = engines.values()
    asked = httpx.get(f"{providers_cloud.providers_url}/requests").json()
    made = [one for one in asked if name.startswith(one["provider"])]
    assert made != []
    assert all(one["webhook"] is (name in {"fal-pika", "flux-pro"}) for one in made)


def test_the_camera_makes_the_film_if_a_providers_clip_does_not_move(providers_cloud: Cloud, tmp_path: Path) -> None:
    fault = {"provider": "fal", "call": "file", "faults": ["still"]}
    assert httpx.post(f"{providers_cloud.providers_url}/faults", json=fault).status_code == 204
    settings = {"engines": {"VIDEO_SYNTHESIS": "fal-pika"}, "duration": 5, "resolution": "480p"}
    with closing(signed_up(providers_cloud)) as studio:
        job, _ = film(studio, prompt="a lake", settings=settings)
        assert job["status"] == "COMPLETED", job
        [clip] = [step for step in job["steps"] if step["stepType"] == "VIDEO_SYNTHESIS"]
        missed = clip["missedMove"]
        assert (clip["engine"], missed["engine"], missed["then"]) == ("parallax", "fal-pika", "camera")
        assert missed["motionScore"] < missed["motionPromise"] < job["motionScore"]
        assert job["credits"] == 1 + 4 + 1, "the picture, the 2.5D camera and post-processing"
        studio.download(job["videoUrl"], tmp_path / "film.mp4")
    with av.open(str(tmp_path / "film.mp4")) as moved:
        assert moved.streams.video[0].frames == 5 * 24
