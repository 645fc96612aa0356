"""Frame sizes: from an aspect ratio and a resolution to pixels."""

from enum import StrEnum
from typing import Literal

AspectRatio = Literal["16:9", "9:16", "1:1", "4:5", "5:4", "4:3", "3:4", "3:2", "2:3", "21:9"]


class Resolution(StrEnum):
    """The resolution of a film, named by the frame's short side."""

    SD = "480p"
    HD = "720p"
    FULL_HD = "1080p"
    QUAD_HD = "1440p"
    ULTRA_HD = "4k"

    @property
    def short_side(self) -> int:
        return 2160 if self is Resolution.ULTRA_HD else int(self.value.removesuffix("p"))


MOVING_SHORT_SIDE = 1440  # maximum short side rendered, limited by worker memory; post-processing upscales
OVERSCAN = 1.2  # factor by which a picture is larger than the frame, so that the camera has room to move


def frame_size(aspect_ratio: AspectRatio, short_side: int) -> tuple[int, int]:
    """Return width and height in pixels, both even."""
    across, down = map(int, aspect_ratio.split(":"))
    scale = short_side / min(across, down)
    return _even(across * scale), _even(down * scale)


def picture_size(aspect_ratio: AspectRatio, short_side: int) -> tuple[int, int]:
    """Return width and height in pixels, both even, of the picture for a film of that size."""
    width, height = frame_size(aspect_ratio, min(short_side, MOVING_SHORT_SIDE))
    return _even(width * OVERSCAN), _even(height * OVERSCAN)


def _even(length: float) -> int:
    return 2 * round(length / 2)
