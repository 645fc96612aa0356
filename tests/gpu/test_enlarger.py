"""The enlarger of the GPU engine of post-processing, on a CPU with a tiny model of random weights."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shared.stages.engines import engine
from shared.stages.failures import StageFailure
from shared.stages.requests import PostProcessingJob
from shared.stages.stages import Role, Stage
from tests.gpu.tiny_models import save
from tests.support.clips import driving_clip, textured
from workers.diffusion.enlarger import Enlarger
from workers.engines.contract import Workspace
from workers.engines.post_processing.finish import FinishOnGpu
from workers.media.probe import probe

NAME = engine(Stage.POST_PROCESSING, "finish-swin2sr").weights


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    assert NAME
    return save(NAME, tmp_path_factory.mktemp("weights"))


def test_a_picture_in_tiles_equals_the_whole_one(folder: Path) -> None:
    enlarge, rgb = Enlarger(folder), textured(250, 138)
    whole, tiled = (enlarge._tiled(rgb, side).astype(np.int16) for side in (512, 64))
    assert whole.shape == (276, 500, 3)
    assert whole.std() > 10, "it shows something"
    assert np.abs(whole - tiled).max() <= 1, "of 255: no seam"


def test_too_little_memory_makes_the_tiles_smaller(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    enlarge, rgb = Enlarger(folder), textured(250, 138)
    whole, model, fits = enlarge(rgb), enlarge._model, 150 * 150

    def gpu(pixel_values: Any) -> Any:
        if pixel_values.shape[2] * pixel_values.shape[3] > fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return model(pixel_values=pixel_values)

    monkeypatch.setattr(enlarge, "_model", gpu)
    assert np.abs(enlarge(rgb).astype(np.int16) - whole).max() <= 1
    assert enlarge._sides == [64], "later pictures begin with these tiles"
    fits = 0
    with pytest.raises(StageFailure) as failed:
        enlarge(rgb)
    assert failed.value.code == "out_of_memory"


@pytest.mark.parametrize("operations", [("upscale:2",), ("upscale:4", "stabilise"), ("grade",)])
def test_the_model_enlarges_each_frame_of_a_film_with_upscale(
    folder: Path, tmp_path: Path, operations: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_WEIGHTS", str(folder.parent))
    monkeypatch.setenv("KINORA_SIGNS_FILMS", "false")
    clip = driving_clip(tmp_path / "clip.mp4", seconds=0.25)
    finish, sizes = FinishOnGpu(), list[tuple[int, ...]]()
    finish.load()
    enlarge = finish._enlarge
    assert enlarge

    def noted(rgb: Any) -> Any:
        sizes.append(rgb.shape[:2])
        return enlarge(rgb)

    monkeypatch.setattr(finish, "_enlarge", noted)
    request = PostProcessingJob.model_validate(
        {"job_id": "job_1", "user_id": "usr_1", "width": 128, "height": 72, "seed": 1}
        | {"video_url": str(clip), "operations": operations}
    )
    made = finish.run(request, Workspace(tmp_path, fetch=Path, progress=lambda _: None))
    video = next(output.path for output in made.outputs if output.role is Role.VIDEO)
    factor = {"upscale:2": 2, "upscale:4": 4}.get(operations[0], 1)
    assert (probe(video).width, probe(video).height) == (128 * factor, 72 * factor)
    assert sizes == {1: [], 2: [(72, 128)] * 6, 4: [(72, 128), (144, 256)] * 6}[factor]
