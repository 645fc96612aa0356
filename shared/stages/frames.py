"""Frame sizes: from an aspect ratio and a resolution to pixels."""

from enum import StrEnum
from math import log
from typing import Literal, get_args

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


DRAFT_SHORT_SIDE = 360  # short side of a draft
MOVING_SHORT_SIDE = 1440  # maximum short side rendered, limited by worker memory; post-processing upscales
# Maximum longer side of a film: that of 4K UHD. Phones do not play H.264 of level 6.0, which a film of 21:9 with 2160
# lines would need.
LONGEST_SIDE = 3840
OVERSCAN = 1.2  # factor by which a picture is larger than the frame, so that the camera has room to move


def frame_size(aspect_ratio: AspectRatio, short_side: int) -> tuple[int, int]:
    """Return width and height in pixels, both even. A wide frame has a shorter short side, within `LONGEST_SIDE`."""
    across, down = map(int, aspect_ratio.split(":"))
    scale = min(short_side / min(across, down), LONGEST_SIDE / max(across, down))
    return _even(across * scale), _even(down * scale)


def nearest_ratio(width: float, height: float) -> AspectRatio:
    """Return the aspect ratio that is closest to that of a picture."""

    def distance(ratio: AspectRatio) -> float:
        across, down = map(int, ratio.split(":"))
        return abs(log(width / height * down / across))

    return min(get_args(AspectRatio), key=distance)


def picture_size(aspect_ratio: AspectRatio, short_side: int) -> tuple[int, int]:
    """Return width and height in pixels, both even, of the picture for a film of that size."""
    width, height = frame_size(aspect_ratio, min(short_side, MOVING_SHORT_SIDE))
    return _even(width * OVERSCAN), _even(height * OVERSCAN)


def _even(length: float) -> int:
    return 2 * round(length / 2)
