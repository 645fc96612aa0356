"""Film options: each option of a job reaches the engine."""

from collections.abc import Iterator
from typing import Any

import pytest

from functions.pipeline.requests import stage_task
from shared.assets.record import AssetType
from shared.jobs.store import jobs
from shared.stages.requests import MotionTransferJob, PostProcessingJob, VideoSynthesisJob
from shared.stages.stages import Role, Stage
from tests.support.steps import complete_step
from tests.support.studio import Answer, Creator
from tests.support.studio import studio as deployed


@pytest.fixture(scope="module")
def ada() -> Iterator[Creator]:
    with deployed() as studio:
        studio.wipe()
        yield studio.arrive("ada@example.com")


def submit(ada: Creator, inputs: list[tuple[str, str]], **settings: Any) -> Answer:
    given = [{"role": role, "assetId": asset} for role, asset in inputs]
    body = {"projectId": ada.project(), "prompt": "a lighthouse", "inputs": given, "settings": settings}
    return ada.post("/api/jobs", body)


def clean(asset: str) -> str:
    return f"s3://kinora-test-media/assets/{asset}/clean"


def test_up_to_four_pictures_reach_the_film_in_order_and_its_provenance(ada: Creator) -> None:
    pictures = [ada.asset() for _ in range(4)]
    answer = submit(ada, [("picture", picture) for picture in pictures], loop=True)
    assert answer.status == 202, answer.body
    job, spec = jobs.get(answer.body["id"]), jobs.spec(answer.body["id"])
    assert spec.input_keys == {Role.PICTURE: f"assets/{pictures[0]}/clean"}
    video = stage_task(job, spec, {}, Stage.VIDEO_SYNTHESIS)
    assert isinstance(video.request, VideoSynthesisJob)
    assert [video.request.image_url, *video.request.more_image_urls] == [clean(picture) for picture in pictures]
    assert video.request.loop
    complete_step(job.job_id, Stage.VIDEO_SYNTHESIS)
    job = jobs.get(job.job_id)
    finish = stage_task(job, spec, jobs.results(job), Stage.POST_PROCESSING)
    assert isinstance(finish.request, PostProcessingJob)
    brought = [one.url for one in finish.request.ingredients if one.role is Role.PICTURE]
    assert brought == [clean(picture) for picture in pictures]


def test_the_transfer_mode_reaches_motion_transfer(ada: Creator) -> None:
    answer = submit(ada, [("driving", ada.asset(AssetType.VIDEO)), ("picture", ada.asset())], transfer="handheld")
    job_id = answer.body["id"]
    complete_step(job_id, Stage.VIDEO_SYNTHESIS)
    job = jobs.get(job_id)
    task = stage_task(job, jobs.spec(job_id), jobs.results(job), Stage.MOTION_TRANSFER)
    assert isinstance(task.request, MotionTransferJob)
    assert task.request.mode == "handheld"
    assert task.request.prompt is None, "a worker of the previous release does not know the field"
    job.step(Stage.MOTION_TRANSFER).engine = "vace"
    task = stage_task(job, jobs.spec(job_id), jobs.results(job), Stage.MOTION_TRANSFER)
    assert isinstance(task.request, MotionTransferJob)
    assert task.request.prompt == "a lighthouse"


def test_the_film_has_the_ratio_of_the_first_picture(ada: Creator) -> None:
    """Otherwise a portrait would be cropped to 16:9 without notice."""
    portrait, landscape = (ada.asset(width=w, height=h) for w, h in ((1080, 1920), (1920, 1080)))
    given = [("picture", portrait), ("picture", landscape)]
    answer = submit(ada, given)
    assert answer.body["settings"]["aspectRatio"] == "9:16"
    spec = jobs.spec(answer.body["id"])
    film = stage_task(jobs.get(answer.body["id"]), spec, {}, Stage.VIDEO_SYNTHESIS).request
    assert isinstance(film, VideoSynthesisJob)
    assert (film.width, film.height) == (1080, 1920)
    assert submit(ada, given, aspectRatio="16:9").body["settings"]["aspectRatio"] == "16:9"


@pytest.mark.parametrize(
    ("roles", "settings"),
    [
        (["picture"] * 5, {}),
        (["driving", "driving"], {}),
        (["picture", "picture", "driving"], {}),
        (["driving"], {"loop": True}),
        (["driving"], {"transfer": "wobbly"}),
        (["picture"], {"style": "oil"}),
        ([], {"style": "nonsense"}),
    ],
)
def test_invalid_film_options_are_refused(ada: Creator, roles: list[str], settings: dict[str, Any]) -> None:
    types = {"picture": AssetType.IMAGE, "driving": AssetType.VIDEO}
    answer = submit(ada, [(role, ada.asset(types[role])) for role in roles], **settings)
    assert (answer.status, answer.body["code"]) == (422, "invalid")
