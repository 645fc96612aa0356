"""Depth of field: a layered picture as a lens focused at one nearness would see it.

What lies behind the plane of focus is blurred from the layer without near things, so that sharp things do not bleed
into it; what lies before it spreads over everything. Three steps of disc blur, mixed by each point's circle of
confusion, stand for all widths.
"""

from typing import NamedTuple, Self

import cv2
import numpy as np

from shared.camera.lowerings import FAR
from workers.media.planes import Bytes, Floats, as_bytes, as_floats

WIDEST = 0.02
"""Radius, in units, of the blur of what is furthest from the plane of focus: 15 pixels of a 1080p frame."""
_SHARP = 0.04  # this far from the plane of focus nothing blurs yet
_GROWTH = 1.35


class Stack(NamedTuple):
    """One plane of a picture, sharp, half and fully blurred."""

    sharp: Bytes
    half: Bytes
    full: Bytes

    @classmethod
    def of(cls, plane: Bytes, unit: float) -> Self:
        """`unit` is the plane's samples per unit."""
        return cls(plane, _disc_blur(plane, WIDEST / 2 * unit), _disc_blur(plane, WIDEST * unit))

    def mix(self, confusion: Floats, sharp: Bytes | None = None) -> Bytes:
        """Each point as blurred as `confusion` (0..1, any size) says; `sharp` may stand in for the sharp plane."""
        height, width = self.sharp.shape[:2]
        amount = as_floats(cv2.resize(confusion, (width, height), interpolation=cv2.INTER_LINEAR))
        first, second = np.clip(2 * amount, 0, 1), np.clip(2 * amount - 1, 0, 1)
        mixed = cv2.blendLinear(self.half, self.sharp if sharp is None else sharp, first, 1 - first)
        return as_bytes(cv2.blendLinear(self.full, mixed, second, 1 - second))


def behind(depth: Floats, focus: float) -> Floats:
    """Circle of confusion 0..1 of what lies behind the plane of focus (nearness); `depth` is inverse distance."""
    return as_floats(np.clip(_GROWTH * (np.float32(focus - _SHARP) - _nearness(depth)), 0, 1))


def before(depth: Floats, focus: float, unit: float) -> Floats:
    """As `behind`, of what lies before it, spread over its surroundings; the map has `unit` pixels per unit."""
    confusion = as_floats(np.clip(_GROWTH * (_nearness(depth) - np.float32(focus + _SHARP)), 0, 1))
    if not confusion.any():
        return confusion
    size = 2 * round(WIDEST * unit) + 1
    spread = cv2.dilate(confusion, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    return as_floats(cv2.GaussianBlur(spread, (0, 0), size / 4))


def confusion(d: float, focus: float) -> float:
    """Circle of confusion 0..1 of something at inverse distance `d`."""
    apart = abs((d - FAR) / (1 - FAR) - focus) - _SHARP
    return min(max(_GROWTH * apart, 0.0), 1.0)


def matte(thing: Floats, confusion: Floats, unit: float) -> Floats:
    """How much near things cover, 0..1: `thing` (0 or 1) softened as far as they are themselves out of focus."""
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
