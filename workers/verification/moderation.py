"""The moderation of uploads: a picture, or a frame of a clip, that seems to show nudity or sex is refused.

The model is Yahoo's Open NSFW. It does not find violence, hatred or the likeness of a person. Without the model of
`workers/media/models.py`, nothing is refused.
"""

from io import BytesIO

import numpy as np
from PIL import Image

from shared.core.config import Config
from workers.media import models
from workers.media.planes import Bytes
from workers.verification.verdict import Rejected

_WHOLE_SIDE, _SIDE = 256, 224  # in pixels: of the scaled picture, and of its middle, which the model sees
_BGR_MEAN = np.array([104, 117, 123], np.float32)  # of the pictures that the model was trained with


class ModerationConfig(Config):
    """The highest score of an upload that is accepted, 0..1. Yahoo calls a picture above 0.8 unsafe."""

    moderation_most: float = 0.8


def moderate(picture: Bytes) -> None:
    """Raise Rejected `content_refused` if a picture (RGB, height x width x 3) has too high a score."""
    if score(picture) > ModerationConfig().moderation_most:
        raise Rejected("content_refused", "This upload seems to show nudity or sex, which Kinora does not film.")


def score(picture: Bytes) -> float:
    """Return the probability that the picture shows nudity or sex, 0..1; 0 without the model."""
    model = models.load("moderation")
    if model is None:
        return 0.0
    file = BytesIO()  # the model was trained with JPEGs of this size
    Image.fromarray(picture).resize((_WHOLE_SIDE, _WHOLE_SIDE), Image.Resampling.BILINEAR).save(file, format="JPEG")
    edge = (_WHOLE_SIDE - _SIDE) // 2
    pixels = np.asarray(Image.open(file), np.float32)[edge : edge + _SIDE, edge : edge + _SIDE, ::-1] - _BGR_MEAN
    ((_, found),) = model.run(np.ascontiguousarray(pixels[None]), ("4195",))[0]
    return float(found)
