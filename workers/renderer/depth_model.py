"""Depth by a model of the operator's own, when KINORA_DEPTH_MODEL points to one; else guessed by `depth.estimate`.

The model is an ONNX file that answers relative inverse depth, larger is nearer, as exports of MiDaS and Depth Anything
do. onnxruntime runs it; it is imported only then, and does not come with the house.
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
"""From a picture (RGB, height x width x 3) to relative inverse depth of any size and scale."""

_SIDE = 518  # what such models were trained at, a multiple of their patches' 14 pixels
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


class DepthModelUnavailable(Exception):
    """The model that KINORA_DEPTH_MODEL names cannot be used; the message says why."""


class DepthConfig(Config):
    """Where the operator's depth model is."""

    depth_model: Path | None = None


def nearness(picture: Bytes) -> Floats:
    """Nearness 0..1 of a picture by the configured model, or guessed; raises DepthModelUnavailable."""
    path = DepthConfig().depth_model
    return depth.estimate(picture) if path is None else normalised(load(path)(picture))


def normalised(inverse: Floats) -> Floats:
    """Relative inverse depth as nearness 0..1; one in a hundred at either end may be wrong. All 0 if it is flat."""
    low, high = np.quantile(inverse, [0.01, 0.99])
    if not high - low > 1e-6 * max(abs(high), 1.0):
        return np.zeros_like(inverse)
    return as_floats(np.clip((inverse - low) / (high - low), 0, 1).astype(np.float32))


@cache
def load(path: Path) -> Model:
    """The model at the path; raises DepthModelUnavailable."""
    if not path.exists():
        raise DepthModelUnavailable(f"KINORA_DEPTH_MODEL points to {path}, which does not exist.")
    try:
        library = import_module("onnxruntime")
    except ImportError as missing:
        raise DepthModelUnavailable("KINORA_DEPTH_MODEL needs onnxruntime, which is not installed.") from missing
    try:
        session = library.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors share no base
        raise DepthModelUnavailable(f"KINORA_DEPTH_MODEL points to {path}, which is no ONNX model: {error}") from error
    name = session.get_inputs()[0].name
    sizes = session.get_inputs()[0].shape[2:]
    height, width = (size if isinstance(size, int) else _SIDE for size in sizes)

    def answer(picture: Bytes) -> Floats:
        small = as_bytes(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
        pixels = (small.astype(np.float32) / np.float32(255) - _MEAN) / _DEVIATION
        (inverse, *_) = session.run(None, {name: pixels.transpose(2, 0, 1)[None]})
        return as_floats(np.squeeze(np.asarray(inverse, np.float32)))

    return answer
