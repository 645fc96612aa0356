"""Depth of field: a layered picture as a lens focused at one disparity sees it.

Objects behind the plane of focus are blurred in the layer without near objects, so that sharp objects do not bleed into
the blur. The blur of objects before the plane of focus spreads over their surroundings. Three steps of disc blur (none,
half, full) are mixed by each point's circle of confusion, and so approximate all widths.
"""

from typing import NamedTuple, Self

import cv2
import numpy as np

from shared.camera.lowerings import FAR
from workers.media.planes import Bytes, Floats, as_bytes, as_floats

WIDEST = 0.02
"""Radius in units of the strongest blur, far from the plane of focus: 15 pixels of a 1080p frame."""
_SHARP = 0.04  # disparity from the plane of focus up to which objects are sharp
_GROWTH = 1.35  # circle of confusion (1 is the widest) per disparity beyond `_SHARP`


class Stack(NamedTuple):
    """One plane of a picture: sharp, half blurred and fully blurred."""

    sharp: Bytes
    half: Bytes
    full: Bytes

    @classmethod
    def of(cls, plane: Bytes, unit: float) -> Self:
        """Blur a plane that has `unit` samples per unit."""
        return cls(plane, _disc_blur(plane, WIDEST / 2 * unit), _disc_blur(plane, WIDEST * unit))

    def mix(self, confusion: Floats, sharp: Bytes | None = None) -> Bytes:
        """Blur each point by its circle of confusion (0..1, map of any size); `sharp` replaces the sharp plane."""
        height, width = self.sharp.shape[:2]
        amount = as_floats(cv2.resize(confusion, (width, height), interpolation=cv2.INTER_LINEAR))
        first, second = np.clip(2 * amount, 0, 1), np.clip(2 * amount - 1, 0, 1)
        mixed = cv2.blendLinear(self.half, self.sharp if sharp is None else sharp, first, 1 - first)
        return as_bytes(cv2.blendLinear(self.full, mixed, second, 1 - second))


def behind(depth: Floats, focus: float) -> Floats:
    """Return the circle of confusion (0..1) of points behind the plane of focus, 0 for all others.

    `depth` is inverse distance, `focus` the disparity in focus.
    """
    return as_floats(np.clip(_GROWTH * (np.float32(focus - _SHARP) - _nearness(depth)), 0, 1))


def before(depth: Floats, focus: float, unit: float) -> Floats:
    """Return the circle of confusion (0..1) of points before the plane of focus, spread over their surroundings.

    `depth` and `focus` are as in `behind`. The map has `unit` pixels per unit.
    """
    confusion = as_floats(np.clip(_GROWTH * (_nearness(depth) - np.float32(focus + _SHARP)), 0, 1))
    if not confusion.any():
        return confusion
    size = 2 * round(WIDEST * unit) + 1
    spread = cv2.dilate(confusion, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return as_floats(cv2.GaussianBlur(spread, (0, 0), size / 4))


def confusion(d: float, focus: float) -> float:
    """Return the circle of confusion (0..1) of a point at inverse distance `d`; `focus` is the disparity in focus."""
    apart = abs((d - FAR) / (1 - FAR) - focus) - _SHARP
    return min(max(_GROWTH * apart, 0.0), 1.0)


def matte(thing: Floats, confusion: Floats, unit: float) -> Floats:
    """Return the coverage (0..1) of near objects: the mask `thing` (0 or 1), blurred where they are out of focus."""
    sigma = WIDEST / 2 * unit
    wide, weight = (as_floats(cv2.GaussianBlur(each, (0, 0), sigma)) for each in (thing, thing * confusion))
    own = np.clip(2 * weight / np.maximum(wide, np.float32(1e-3)), 0, 1)
    crisp = as_floats(cv2.GaussianBlur(thing, (0, 0), 0.6))
    return as_floats(crisp + (wide - crisp) * own)


def _nearness(depth: Floats) -> Floats:
    return (depth - np.float32(FAR)) / np.float32(1 - FAR)


def _disc_blur(plane: Bytes, radius: float) -> Bytes:
    reach = int(np.ceil(radius))
    across = np.arange(-reach, reach + 1)
    disc = np.clip(radius + 0.5 - np.hypot(across, across[:, None]), 0, 1)
    return as_bytes(cv2.filter2D(plane, -1, disc / disc.sum(), borderType=cv2.BORDER_REFLECT_101))
