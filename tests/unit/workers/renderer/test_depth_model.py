"""A depth model of the operator has the same interface as the estimate."""

import sys
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, checker, helper, numpy_helper

from tools.depth_model import main as check_depth_model
from workers.media import depth
from workers.renderer import depth_model
from workers.renderer.depth_model import DepthModelUnavailable, Returned, nearness, normalised

PICTURE = np.random.default_rng(1).integers(0, 255, (60, 100, 3)).astype(np.uint8)


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    depth_model.load.cache_clear()
    path = tmp_path / "depth.onnx"
    monkeypatch.setenv("KINORA_DEPTH_MODEL", str(path))
    return path


def test_depth_is_estimated_without_a_model() -> None:
    assert np.array_equal(nearness(PICTURE), depth.estimate(PICTURE))


def exported(path: Path, height: int | str, width: int | str, *, sky: bool = False) -> None:
    """Write a small model with the interface of such exports: its output is the mean colour of 14-pixel patches.

    `sky` adds the output of DA3MONO-LARGE: the same mean, which is 0.3 or more in bright patches.
    """
    shape: list[str | int | None] = ["batch", 3, height, width]
    picture = helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)
    names = ["depth", "sky"] if sky else ["inverse_depth"]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "rows", "columns"]) for name in names]
    nodes = [
        helper.make_node("AveragePool", ["image"], ["patches"], kernel_shape=[14, 14], strides=[14, 14]),
        *(helper.make_node("ReduceMean", ["patches", "channels"], [name], keepdims=0) for name in names),
    ]
    channels = [numpy_helper.from_array(np.array([1]), "channels")]
    graph = helper.make_graph(nodes, "depth", [picture], outputs, channels)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    checker.check_model(model)
    path.write_bytes(model.SerializeToString())


@pytest.mark.parametrize(("height", "rows"), [(28, 2), ("height", 37)])
def test_a_configured_model_is_used(configured: Path, height: int | str, rows: int) -> None:
    """The model receives the picture upright, at its fixed input size or its training size."""
    exported(configured, height, "width")
    falling = np.repeat(np.linspace(255, 0, 60).astype(np.uint8), 100 * 3).reshape(60, 100, 3)
    near = nearness(falling)
    assert near.shape == (rows, 37)
    assert (near[0].min(), near[-1].max()) == (1, 0)
    assert (np.diff(near, axis=0) <= 0).all()


def test_a_model_receives_the_colours_of_its_training(configured: Path) -> None:
    """Colours are in the order red, green, blue, minus the mean of ImageNet and divided by its deviation."""
    exported(configured, 28, 28)
    colour = np.full((28, 28, 3), (255, 0, 51), np.uint8)
    expected = np.mean([(1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (0.2 - 0.406) / 0.225])
    assert depth_model.load(configured, Returned.INVERSE)(colour) == pytest.approx(np.full((2, 2), expected), abs=1e-5)


def test_depth_of_a_model_becomes_inverse_depth_and_its_sky_is_far(
    configured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An export of DA3MONO-LARGE has larger values for what is farther, and an output with the score of the sky."""
    monkeypatch.setenv("KINORA_DEPTH_MODEL_RETURNS", "depth")
    exported(configured, 14, 56, sky=True)
    means = [0.1, 0.2, 0.25, 0.6]  # from left to right; the last one is sky
    values = [255 * (mean * np.array([0.229, 0.224, 0.225]) + [0.485, 0.456, 0.406]) for mean in means]
    picture = np.repeat(np.round(values).astype(np.uint8)[None], 14, axis=1).repeat(14, axis=0).reshape(14, 56, 3)
    near, second, far, sky = depth_model.load(configured, Returned.DEPTH)(picture)
    assert (near, second, far) == pytest.approx([10, 5, 4], rel=0.05)
    assert sky == far
    assert nearness(picture)[0] == 1
    assert nearness(picture)[-1] == 0


def test_a_file_that_is_not_a_model_is_reported(configured: Path) -> None:
    configured.write_bytes(b"model")
    with pytest.raises(DepthModelUnavailable, match="not a valid ONNX model"):
        nearness(PICTURE)


def test_a_missing_file_or_package_is_reported(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DepthModelUnavailable, match="does not exist"):
        nearness(PICTURE)
    configured.write_bytes(b"model")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DepthModelUnavailable, match="onnxruntime"):
        nearness(PICTURE)


def test_a_constant_output_is_far_everywhere() -> None:
    assert not normalised(np.full((4, 4), 7, np.float32)).any()


def test_the_check_of_a_depth_model_names_what_is_wrong(configured: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "does not exist" in check_depth_model()
    exported(configured, 28, 28)
    assert check_depth_model() == ""
    assert "SHA-256" in check_depth_model("0" * 64)
    monkeypatch.delenv("KINORA_DEPTH_MODEL")
    assert check_depth_model() == "KINORA_DEPTH_MODEL is not set."
