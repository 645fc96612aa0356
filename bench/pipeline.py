"""Benchmarks of the laptop cloud: its start, a film of all four stages, the overhead without engines."""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from uuid import uuid4

from local.cloud import Cloud, laptop_cloud
from local.studio import StudioClient, step_seconds
from tests.support.clips import driving_clip

FRAMES = 5 * 24


@dataclass(frozen=True, slots=True)
class FilmTimes:
    """A 5 s 1080p 24 fps film of four stages: seconds from submission to COMPLETED, frames per second of each stage."""

    seconds: float
    stage_fps: dict[str, float]


def cloud_ready_seconds() -> float:
    """Return the seconds from the start until REST answers and all workers poll."""
    began = monotonic()
    with laptop_cloud():
        return monotonic() - began


def overhead_seconds(*, jobs: int) -> float:
    """Return the median seconds of `jobs` jobs through three workers with empty engines, after one warm-up job."""
    with laptop_cloud(worker_module="tests.support.scripted_worker") as cloud, closing(_signed_up(cloud)) as studio:
        project_id = studio.create_project("bench")
        return median([_seconds(studio, project_id, {})[0] for _ in range(jobs + 1)][1:])


def film(folder: Path, *, films: int) -> FilmTimes:
    """Return the median film of `films` films with different seeds."""
    with laptop_cloud() as cloud, closing(_signed_up(cloud)) as studio:
        project_id = studio.create_project("bench")
        asset_id = studio.begin_upload(driving_clip(folder / "driving.mp4", seconds=5))
        while studio.asset(asset_id)["status"] == "VERIFYING":
            sleep(0.2)
        inputs = [{"role": "driving", "assetId": asset_id}]
        made = [
            _seconds(
                studio, project_id, {"inputs": inputs, "settings": {"duration": 5, "resolution": "1080p", "seed": seed}}
            )
            for seed in range(films)
        ]
    seconds, stages = sorted(made, key=lambda one: one[0])[len(made) // 2]
    return FilmTimes(seconds, {stage: FRAMES / taken for stage, taken in stages.items()})


def _signed_up(cloud: Cloud) -> StudioClient:
    studio = StudioClient(cloud.api_url, cloud.socket_url, cloud.outbox_url)
    studio.sign_up("bench@example.com", uuid4().hex)
    return studio


def _seconds(studio: StudioClient, project_id: str, options: dict[str, object]) -> tuple[float, dict[str, float]]:
    """Submit a job and wait until it is COMPLETED. Return the total seconds and those of each stage."""
    began = monotonic()
    job = studio.submit({"projectId": project_id, "prompt": "a lighthouse on a cliff at dusk"} | options)
    for _ in studio.events(job["id"]):
        pass
    taken, ended = monotonic() - began, studio.job(job["id"])
    if ended["status"] != "COMPLETED":
        raise RuntimeError(f"the job ended {ended['status']}: {ended['error']}")
    return taken, step_seconds(ended)
