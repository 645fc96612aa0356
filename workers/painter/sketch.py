"""Drawing of upright objects: filled outlines with a shade each, drawn larger than shown, for smooth edges."""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

from workers.painter.canvas import Sprite, Subject
from workers.painter.noise import Field, as_field

Point = tuple[float, float]
_SHIFT = 4  # fixed-point digits of outlines


@cache
def _circle(corners: int) -> list[Point]:
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return [(float(np.cos(a)), float(np.sin(a))) for a in turn]


class Sketch:
    """A sheet of `width` x `height`. Points are in units of its height from the top middle: x -w..w, y 0..1."""

    def __init__(self, width: int, height: int) -> None:
        self._alpha = np.zeros((height, width), np.uint8)
        self._shade = np.full((height, width), 90, np.uint8)
        self._glow = np.zeros((height, width), np.uint8)
        self._shines = False
        self._middle, self._unit = width / 2, float(height)

    def _fixed(self, points: Sequence[Point]) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
        placed = np.array([(self._middle + x * self._unit, y * self._unit) for x, y in points])
        return np.round(placed * (1 << _SHIFT)).astype(np.int32)

    def shape(self, points: Sequence[Point], shade: float, glow: float = 0.0) -> None:
        """Fill an outline. `shade` and `glow` are 0..1."""
        outline = [self._fixed(points)]
        cv2.fillPoly(self._alpha, outline, (255,), cv2.LINE_AA, _SHIFT)
        cv2.fillPoly(self._shade, outline, (int(255 * min(max(shade, 0), 1)),), cv2.LINE_8, _SHIFT)
        if glow or self._shines:
            cv2.fillPoly(self._glow, outline, (int(255 * glow),), cv2.LINE_8, _SHIFT)
            self._shines = True

    def box(self, left: float, top: float, right: float, bottom: float, shade: float, glow: float = 0.0) -> None:
        self.shape([(left, top), (right, top), (right, bottom), (left, bottom)], shade, glow)

    def disc(self, x: float, y: float, radius: float, shade: float, glow: float = 0.0) -> None:
        """Draw a disc. `radius` is in heights of the sheet."""
        rim = _circle(max(7, min(40, int(radius * self._unit))))
        self.shape([(x + radius * dx, y + radius * dy) for dx, dy in rim], shade, glow)

    def limb(self, points: Sequence[Point], start: float, end: float, shade: float) -> None:
        """Draw a tapering stroke along `points`. `start` and `end` are its widths."""
        line = np.array(points)
        along = np.gradient(line, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        across /= np.linalg.norm(across, axis=1, keepdims=True) + 1e-9
        half = np.linspace(start, end, len(line))[:, None] / 2
        outline = np.concatenate([line + across * half, (line - across * half)[::-1]])
        self.shape([(float(x), float(y)) for x, y in outline], shade)

    def sprite(self, subject: Subject | None = None) -> Sprite:
        """Return the finished sprite. `subject` is given if it can be the picture's main subject."""

        def unit(sheet: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Field:
            return as_field(sheet.astype(np.float32) / 255)

        return Sprite(unit(self._alpha), unit(self._shade), unit(self._glow) if self._shines else None, subject)
