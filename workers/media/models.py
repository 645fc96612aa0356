"""Trained models of this repository's workers: weights in the folder KINORA_MODELS, which OpenCV runs on the CPU.

Without the variable, or without a file, `load` returns None. The callers then do without the model.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal, NamedTuple

import cv2

from shared.core.config import Config
from shared.observability import logger
from workers.media.planes import Floats, as_floats

Name = Literal["matte", "faces", "moderation"]


class ModelsConfig(Config):
    """The folder with the weights that `python -m tools.models` installs."""

    models: Path | None = None


class Model(NamedTuple):
    """A loaded network. OpenCV's networks hold the state of a run, so one thread at a time runs it."""

    net: Any
    lock: Lock

    def run(self, pixels: Floats, outputs: tuple[str, ...]) -> list[Floats]:
        """Return the named outputs for a picture, in the model's order of axes (1 x 3 x height x width for most)."""
        with self.lock:
            self.net.setInput(pixels)
            return [as_floats(self.net.forward(name)) for name in outputs]


def load(name: Name) -> Model | None:
    """Return the model, or None if its weights are not installed or are not readable."""
    folder = ModelsConfig().models
    return None if folder is None else _load(folder / table()[name]["file"])


@cache
def table() -> Mapping[str, Mapping[str, str]]:
    """Return the facts of each model by its name: file, package, sha256, about and licence."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


@cache
def _load(path: Path) -> Model | None:
    try:
        net = (cv2.dnn.readNetFromTFLite if path.suffix == ".tflite" else cv2.dnn.readNetFromONNX)(str(path))
    except cv2.error as error:
        logger.error("model unavailable", path=str(path), error=str(error))
        return None
    return Model(net, Lock())
