"""Depth from the operator's own model if KINORA_DEPTH_MODEL points to one, else from `depth.estimate`.

The model is an ONNX file that returns relative inverse depth (larger is nearer), such as an export of MiDaS or Depth
Anything. onnxruntime runs it. It is imported only then, and is not a dependency of Kinora.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from pathlib import Path

import cv2
import numpy as np

from shared.core.config import Config
from workers.media import depth
from workers.media.planes import Bytes, Floats, as_bytes, as_floats

Model = Callable[[Bytes], Floats]
"""A function from a picture (RGB, height x width x 3) to relative inverse depth of any size and scale."""

_SIDE = 518  # training size of such models in pixels, a multiple of their 14-pixel patches
# Mean and standard deviation of RGB in ImageNet, by which the models' inputs are normalised.
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


class DepthModelUnavailable(Exception):
    """The error of a model in KINORA_DEPTH_MODEL that cannot be used; the message contains the reason."""


class DepthConfig(Config):
    """The path of the operator's depth model."""

    depth_model: Path | None = None


def configured() -> bool:
    """Return whether the operator has a depth model."""
    return DepthConfig().depth_model is not None


def nearness(picture: Bytes) -> Floats:
    """Return the disparity (0 far, 1 near) of a picture from the configured model, or an estimate without a model.

    Raise DepthModelUnavailable if the configured model cannot be used.
    """
    path = DepthConfig().depth_model
    return depth.estimate(picture) if path is None else normalised(load(path)(picture))


def normalised(inverse: Floats) -> Floats:
    """Scale relative inverse depth to disparity 0..1: clip at the 1st and 99th percentile. A constant map becomes 0."""
    low, high = np.quantile(inverse, [0.01, 0.99])
    if not high - low > 1e-6 * max(abs(high), 1.0):
        return np.zeros_like(inverse)
    return as_floats(np.clip((inverse - low) / (high - low), 0, 1).astype(np.float32))


@cache
def load(path: Path) -> Model:
    """Load the model at the path; raise DepthModelUnavailable if it cannot be used."""
    if not path.exists():
        raise DepthModelUnavailable(f"KINORA_DEPTH_MODEL points to {path}, which does not exist.")
    try:
        library = import_module("onnxruntime")
    except ImportError as missing:
        raise DepthModelUnavailable("KINORA_DEPTH_MODEL needs onnxruntime, which is not installed.") from missing
    try:
        session = library.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base class
        raise DepthModelUnavailable(
            f"KINORA_DEPTH_MODEL points to {path}, which is not a valid ONNX model: {error}"
        ) from error
    name = session.get_inputs()[0].name
    sizes = session.get_inputs()[0].shape[2:]
    height, width = (size if isinstance(size, int) else _SIDE for size in sizes)

    def run(picture: Bytes) -> Floats:
        small = as_bytes(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
        pixels = (small.astype(np.float32) / np.float32(255) - _MEAN) / _DEVIATION
        (inverse, *_) = session.run(None, {name: pixels.transpose(2, 0, 1)[None]})
        return as_floats(np.squeeze(np.asarray(inverse, np.float32)))

    return run
