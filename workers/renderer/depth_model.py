"""Depth from the operator's own model if KINORA_DEPTH_MODEL points to one, else from `depth.estimate`.

The model is an ONNX file that returns relative inverse depth (larger is nearer), such as an export of MiDaS or Depth
Anything 2, or relative depth (larger is farther), such as an export of Depth Anything 3 MONO-LARGE. onnxruntime runs
it. It is imported only then, and is not a dependency of Kinora.
"""

from collections.abc import Callable
from enum import StrEnum
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

SKY = 0.3  # minimum score of the sky, as in the code of Depth Anything 3
_LEAST_DEPTH = 1e-6
_SIDE = 518  # training size of such models in pixels, a multiple of their 14-pixel patches
# Mean and standard deviation of RGB in ImageNet, by which the models' inputs are normalised.
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


class DepthModelUnavailable(Exception):
    """The error of a model in KINORA_DEPTH_MODEL that cannot be used; the message contains the reason."""


class Returned(StrEnum):
    """The value of each pixel that a depth model returns."""

    INVERSE = "inverse"  # larger is nearer
    DEPTH = "depth"  # larger is farther


class DepthConfig(Config):
    """The path of the operator's depth model, and what it returns. Names of outputs do not tell these apart."""

    depth_model: Path | None = None
    depth_model_returns: Returned = Returned.INVERSE


def configured() -> bool:
    """Return whether the operator has a depth model."""
    return DepthConfig().depth_model is not None


def nearness(picture: Bytes) -> Floats:
    """Return the disparity (0 far, 1 near) of a picture from the configured model, or an estimate without a model.

    Raise DepthModelUnavailable if the configured model cannot be used.
    """
    config = DepthConfig()
    if config.depth_model is None:
        return depth.estimate(picture)
    return normalised(load(config.depth_model, config.depth_model_returns)(picture))


def normalised(inverse: Floats) -> Floats:
    """Scale relative inverse depth to disparity 0..1: clip at the 1st and 99th percentile. A constant map becomes 0."""
    low, high = np.quantile(inverse, [0.01, 0.99])
    if not high - low > 1e-6 * max(abs(high), 1.0):
        return np.zeros_like(inverse)
    return as_floats(np.clip((inverse - low) / (high - low), 0, 1).astype(np.float32))


@cache
def load(path: Path, returned: Returned) -> Model:
    """Load the model at the path; raise DepthModelUnavailable if it cannot be used.

    What a second output `sky` marks is as far as the farthest other pixel.
    """
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
    name, has_sky = session.get_inputs()[0].name, "sky" in [output.name for output in session.get_outputs()[1:]]
    first = session.get_outputs()[0].name
    sizes = session.get_inputs()[0].shape[2:]
    height, width = (size if isinstance(size, int) else _SIDE for size in sizes)

    def run(picture: Bytes) -> Floats:
        small = as_bytes(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
        pixels = (small.astype(np.float32) / np.float32(255) - _MEAN) / _DEVIATION
        outputs = session.run([first, "sky"] if has_sky else [first], {name: pixels.transpose(2, 0, 1)[None]})
        found, *skies = (as_floats(np.squeeze(np.asarray(output, np.float32))) for output in outputs)
        inverse = found if returned is Returned.INVERSE else 1 / np.maximum(found, _LEAST_DEPTH)
        for sky in skies:
            ground = inverse[sky < SKY]
            inverse = np.where(sky < SKY, inverse, ground.min() if ground.size else 0)
        return as_floats(inverse)

    return run
