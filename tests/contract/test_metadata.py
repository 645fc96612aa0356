"""The metadata that engines report have declared keys in camelCase, because clients and later stages read them."""

import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from shared.camera.move import CameraMove, Keyframe
from shared.stages.engines import ENGINES, Engine, Family, Runs
from shared.stages.metadata import FOCAL_POINT, METADATA, MOTION_SCORE, declared
from shared.stages.requests import (
    ImageGenerationJob,
    MotionTransferJob,
    PostProcessingJob,
    StageRequest,
    VideoSynthesisJob,
)
from shared.stages.stages import Stage
from tests.support.clips import driving_clip, picture, track
from workers.engines.contract import StageResult, Workspace

MOVE = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, dolly=1, roll=0.5)))
COMMON: dict[str, Any] = {"job_id": "job_1", "user_id": "usr_1", "width": 160, "height": 90, "seed": 1}
FILM: dict[str, Any] = {"preset_id": "dolly-in", "move": MOVE, "duration": 1, "fps": 12}

# A small request of each stage for which the engine reports all its metadata.
REQUESTS: dict[Stage, Callable[[Path], StageRequest]] = {
    Stage.IMAGE_GENERATION: lambda _: ImageGenerationJob(prompt="a lighthouse", aspect_ratio="16:9", **COMMON),
    Stage.VIDEO_SYNTHESIS: lambda folder: VideoSynthesisJob(
        image_url=str(picture(folder / "in.png", width=320, height=180)), prompt="", **FILM, **COMMON
    ),
    Stage.MOTION_TRANSFER: lambda folder: MotionTransferJob(
        video_url="",
        driving_url=str(driving_clip(folder / "driving.mp4", seconds=3)),
        image_url=str(picture(folder / "in.png", width=320, height=180)),
        **FILM,
        **COMMON,
    ),
    Stage.POST_PROCESSING: lambda folder: PostProcessingJob(
        video_url=str(driving_clip(folder / "clip.mp4", seconds=1)),
        audio_url=str(track(folder / "track.wav")),
        operations=("stabilise", "interpolate"),
        asked_move=MOVE,
        **COMMON,
    ),
}
CPU_ENGINES = [engine for engine in ENGINES if engine.runs is Runs.IN_PROCESS and engine.family is Family.CPU_MEDIA]


def reported(engine: Engine, folder: Path) -> StageResult:
    module, name = engine.code.split(":")
    (folder / "work").mkdir()
    workspace = Workspace(folder / "work", Path, lambda _: None)
    result: StageResult = getattr(import_module(module), name)().run(REQUESTS[engine.stage](folder), workspace)
    return result


@pytest.mark.parametrize("engine", CPU_ENGINES, ids=lambda engine: engine.name)
def test_an_engine_reports_declared_keys_only(engine: Engine, tmp_path: Path) -> None:
    metrics = reported(engine, tmp_path).metrics
    assert metrics
    assert set(metrics) <= declared(engine.stage), f"declare them in {METADATA[engine.stage].__name__}"
    assert json.loads(json.dumps(metrics)) == metrics


@pytest.mark.parametrize("stage", Stage)
def test_every_stage_declares_its_metadata_in_camel_case(stage: Stage) -> None:
    assert declared(stage)
    assert [key for key in declared(stage) if not re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", key)] == []


def test_metadata_that_later_stages_and_views_read_are_declared() -> None:
    assert FOCAL_POINT in declared(Stage.IMAGE_GENERATION)
    assert all(MOTION_SCORE in declared(stage) for stage in Stage if stage is not Stage.IMAGE_GENERATION)
