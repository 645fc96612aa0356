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
from shared.stages.messages import StageTask
from shared.stages.metadata import FOCAL_POINT, METADATA, MOTION_SCORE, declared
from shared.stages.requests import StageRequest
from shared.stages.stages import Stage
from tests.support.clips import captions, driving_clip, picture, track
from workers.engines.contract import StageResult, Workspace

MOVE = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, dolly=1, roll=0.5)))
# Fields of a small request for which the engines report all their metadata, and files for its addresses.
SMALL: dict[str, Any] = {
    "width": 160,
    "height": 90,
    "duration": 1,
    "fps": 12,
    "move": MOVE,
    "asked_move": MOVE,
    "operations": ("stabilise", "interpolate"),
}
FILES: dict[str, Callable[[Path], Path]] = {
    "image_url": lambda folder: picture(folder / "in.png", width=320, height=180),
    "video_url": lambda folder: driving_clip(folder / "clip.mp4", seconds=1),
    "driving_url": lambda folder: driving_clip(folder / "driving.mp4", seconds=3),
    "audio_url": lambda folder: track(folder / "track.wav"),
    "captions_url": lambda folder: captions(folder / "captions.srt"),
}
GOLDEN = Path(__file__).parents[1] / "golden"
CPU_ENGINES = [engine for engine in ENGINES if engine.runs is Runs.IN_PROCESS and engine.family is Family.CPU_MEDIA]


def small_request(stage: Stage, folder: Path) -> StageRequest:
    """Return the stage's golden request in a small size, with local files for its addresses."""
    golden = StageTask.model_validate_json((GOLDEN / f"{stage.queue}.v1.json").read_text()).request
    files = {name: str(FILES[name](folder)) if name in FILES else None for name in urls(golden)}
    small = {name: value for name, value in SMALL.items() if name in type(golden).model_fields}
    return golden.model_copy(update=files | small)


def urls(request: StageRequest) -> list[str]:
    return [name for name in type(request).model_fields if name.endswith("_url")]


def reported(engine: Engine, folder: Path) -> StageResult:
    module, name = engine.code.split(":")
    (folder / "work").mkdir()
    workspace = Workspace(folder / "work", Path, lambda _: None)
    result: StageResult = getattr(import_module(module), name)().run(small_request(engine.stage, folder), workspace)
    return result


@pytest.mark.parametrize("engine", CPU_ENGINES, ids=lambda engine: engine.name)
def test_an_engine_reports_declared_keys_only(engine: Engine, tmp_path: Path) -> None:
    metrics = reported(engine, tmp_path).metrics
    assert metrics or engine.stage not in METADATA
    assert sorted(set(metrics) - declared(engine.stage)) == [], "shared/stages/metadata.py does not declare these keys"
    assert json.loads(json.dumps(metrics)) == metrics


@pytest.mark.parametrize("stage", METADATA)
def test_metadata_is_declared_in_camel_case(stage: Stage) -> None:
    assert declared(stage)
    assert [key for key in declared(stage) if not re.fullmatch(r"[a-z]+([A-Z][a-z]*)*", key)] == []


def test_metadata_that_later_stages_and_views_read_are_declared() -> None:
    assert FOCAL_POINT in declared(Stage.IMAGE_GENERATION)
    for stage in (Stage.VIDEO_SYNTHESIS, Stage.MOTION_TRANSFER, Stage.POST_PROCESSING):
        assert MOTION_SCORE in declared(stage)
