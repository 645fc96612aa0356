"""Camera options of jobs: a stacked preset, the painter's focal point, and the motion score."""

from dataclasses import replace
from typing import Any

import pytest

from functions.pipeline.requests import stage_task
from shared.assets.record import AssetType
from shared.core.clock import utc_now
from shared.jobs.steps import steps
from shared.jobs.store import StepResult, jobs
from shared.presets.presets import get_preset
from shared.stages.stages import Stage
from tests.support.steps import claim, complete_step, result_of
from tests.support.studio import Creator


def test_a_stacked_preset_is_part_of_the_jobs_move(ada: Creator) -> None:
    job_id = ada.job(ada.project(), stack={"presetId": "orbit-left", "weight": 0.6}, strength=0.5)["id"]
    spec = jobs.spec(job_id)
    assert spec.move.strength == 0.5
    assert spec.move.stacked is not None
    assert (spec.move.stacked.move, spec.move.stacked.weight) == (get_preset("orbit-left").config, 0.6)


@pytest.mark.parametrize(
    ("stack", "status"),
    [({"presetId": "nonesuch"}, 404), ({"presetId": "orbit-left", "weight": 2}, 422), ({"weight": 0.5}, 422)],
)
def test_an_invalid_stack_is_refused(ada: Creator, stack: dict[str, Any], status: int) -> None:
    body = {"projectId": ada.project(), "prompt": "a lighthouse", "settings": {"stack": stack}}
    assert ada.post("/api/jobs", body).status == status


def test_the_camera_aims_at_the_painters_focal_point(ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    attempt = claim(job_id, Stage.IMAGE_GENERATION)
    painted = replace(result_of(job_id, Stage.IMAGE_GENERATION, attempt), metrics={"focalPoint": [0.25, 0.4]})
    steps.record_result(jobs.get(job_id), Stage.IMAGE_GENERATION, painted, attempt=attempt, at=utc_now())
    job = jobs.get(job_id)
    task: Any = stage_task(job, jobs.spec(job_id), jobs.results(job), Stage.VIDEO_SYNTHESIS)
    assert task.request.focal_point == (0.25, 0.4)


def test_post_processing_knows_where_the_clip_shows_its_subject(ada: Creator) -> None:
    job_id = ada.job(ada.project(), operations=["letterbox"])["id"]
    for stage, metrics in ((Stage.IMAGE_GENERATION, {}), (Stage.VIDEO_SYNTHESIS, {"subjectPlace": [0.4, 0, 0.6, 0.2]})):
        attempt = claim(job_id, stage)
        result = replace(result_of(job_id, stage, attempt), metrics=metrics)
        steps.record_result(jobs.get(job_id), stage, result, attempt=attempt, at=utc_now())
    job = jobs.get(job_id)
    task: Any = stage_task(job, jobs.spec(job_id), jobs.results(job), Stage.POST_PROCESSING)
    assert task.request.subject_place == (0.4, 0, 0.6, 0.2)


def test_the_camera_draws_the_frames_that_interpolate_asks_for(ada: Creator) -> None:
    """Only the clip that the film is made of, and only an engine that renders a camera path, has more frames."""
    driving = ada.asset(AssetType.VIDEO, duration=5)
    settings = {"fps": 24, "operations": ["interpolate:60"]}

    def fps(job_id: str, stage: Stage) -> int:
        job = jobs.get(job_id)
        task: Any = stage_task(job, jobs.spec(job_id), jobs.results(job), stage)
        return int(task.request.fps)

    filmed = str(ada.job(ada.project(), **settings)["id"])
    complete_step(filmed, Stage.IMAGE_GENERATION)
    assert fps(filmed, Stage.VIDEO_SYNTHESIS) == 60
    body = {
        "projectId": ada.project(), "prompt": "a lighthouse", "settings": settings,
        "inputs": [{"role": "driving", "assetId": driving}],
    }  # fmt: skip
    driven = str(ada.post("/api/jobs", body).body["id"])
    for stage in (Stage.IMAGE_GENERATION, Stage.VIDEO_SYNTHESIS):
        complete_step(driven, stage)
    assert [fps(driven, stage) for stage in (Stage.VIDEO_SYNTHESIS, Stage.MOTION_TRANSFER)] == [24, 60]
    job = jobs.get(filmed)
    job.step(Stage.VIDEO_SYNTHESIS).engine = "fal-kling"
    remote: Any = stage_task(job, jobs.spec(filmed), jobs.results(job), Stage.VIDEO_SYNTHESIS)
    assert remote.request.fps == 24


def test_the_motion_score_is_shown_with_the_job(ada: Creator) -> None:
    job_id = ada.job(ada.project())["id"]
    complete_step(job_id, Stage.IMAGE_GENERATION)
    assert ada.get(f"/api/jobs/{job_id}").body["motionScore"] is None
    attempt = claim(job_id, Stage.VIDEO_SYNTHESIS)
    result = StepResult((), {"motionScore": 0.97})
    steps.record_result(jobs.get(job_id), Stage.VIDEO_SYNTHESIS, result, attempt=attempt, at=utc_now())
    assert ada.get(f"/api/jobs/{job_id}").body["motionScore"] == 0.97
