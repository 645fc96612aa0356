"""A depth model of the operator's own stands behind the same interface as the guess."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

from workers.media import depth, depth_model
from workers.media.depth_model import DepthModelUnavailable, nearness, normalised

PICTURE = np.random.default_rng(1).integers(0, 255, (60, 100, 3)).astype(np.uint8)


class Session:
    """Stands for onnxruntime's: the lower a row, the nearer it is."""

    def __init__(self, path: str, providers: list[str]) -> None:
        assert (Path(path).name, providers) == ("depth.onnx", ["CPUExecutionProvider"])

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="image", shape=["batch", 3, 28, "width"])]

    def run(self, _outputs: None, inputs: dict[str, Any]) -> list[Any]:
        assert inputs["image"].shape == (1, 3, 28, 518)
        assert abs(float(inputs["image"].mean())) < 3
        return [np.linspace(5, 9, 28, dtype=np.float32)[None, :, None] * np.ones((1, 1, 518), np.float32)]


@pytest.fixture
def pointed_to(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    depth_model.load.cache_clear()
    path = tmp_path / "depth.onnx"
    monkeypatch.setenv("KINORA_DEPTH_MODEL", str(path))
    return path


def test_without_a_model_depth_is_guessed() -> None:
    assert np.array_equal(nearness(PICTURE), depth.estimate(PICTURE))


def test_a_model_that_is_pointed_to_is_asked(pointed_to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = ModuleType("onnxruntime")
    library.InferenceSession = Session  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "onnxruntime", library)
    pointed_to.write_bytes(b"model")
    near = nearness(PICTURE)
    assert near.shape == (28, 518)
    assert (near[0].max(), near[-1].min()) == (0, 1)


def test_what_is_missing_is_said(pointed_to: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DepthModelUnavailable, match="does not exist"):
        nearness(PICTURE)
    pointed_to.write_bytes(b"model")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DepthModelUnavailable, match="onnxruntime"):
        nearness(PICTURE)


def test_a_flat_answer_is_far_everywhere() -> None:
    assert not normalised(np.full((4, 4), 7, np.float32)).any()
