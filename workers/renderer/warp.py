"""Geometry of the 2.5D renderer: where rays first meet the picture's relief, and how a path stays within the picture.

A ray (see workers/motion/projection.py) shows the point p = u + d(p) (F (tx, ty) - u tz), which has one solution per
surface that the ray meets; the one with the greatest d is in front.
"""

from collections.abc import Sequence
from math import ceil, hypot
from typing import NamedTuple

import cv2
import numpy as np

from shared.camera.lowerings import DOLLY, FOCAL, Aim, CameraView, inverse_distance
from workers.media.planes import Floats, as_floats
from workers.motion.projection import Frame, Rays, rays

_GENTLE, _ITERATIONS = 0.35, 5
_EXACT = 0.01  # samples of the relief
_HALVINGS = 5
_BAND = 70  # rows of the grid that are met at once


class Relief(NamedTuple):
    """A map of inverse distances ready to be met by rays: itself, its gradient per sample, and its range."""

    d: Floats
    gradient: Floats  # rows x columns x 2
    low: float
    high: float
    lowest: Floats  # of each row
    highest: Floats
    steepest: float  # length of the gradient, at most

    @classmethod
    def of(cls, d: Floats) -> "Relief":
        slopes = [cv2.Scharr(d, cv2.CV_32F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1))]
        steepest = float(cv2.magnitude(*slopes).max())
        lowest, highest = d.min(axis=1), d.max(axis=1)
        gradient = as_floats(cv2.merge(slopes))
        return cls(d, gradient, float(lowest.min()), float(highest.max()), lowest, highest, steepest)

    def between(self, rim: "Rays") -> tuple[float, float]:
        """The lowest and the highest of what rays within this rim (in samples) can meet, by the rows they pass."""
        low, high = self.low, self.high
        for _ in range(2):  # between nearer bounds they pass fewer rows
            ends = [rim.start_y + np.float32(d) * rim.slope_y for d in (low, high)]
            first, last = min(float(end.min()) for end in ends), max(float(end.max()) for end in ends)
            rows = len(self.d)
            passed = np.s_[max(min(int(first) - 1, rows - 1), 0) : max(int(last) + 3, 1)]
            low, high = float(self.lowest[passed].min()), float(self.highest[passed].max())
        return low, high

    def look(self, x: Floats, y: Floats) -> Floats:
        """Inverse distance at points in pixels."""
        return as_floats(cv2.remap(self.d, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def meet(rays: Rays, relief: Relief, step: float = 2.5) -> Floats:
    """Inverse distance where each ray (in the relief's samples) first meets the relief, coming from the camera.

    A band of rows at a time: what a band looks at is mostly sky, or mostly ground, and so between nearer bounds than
    the whole.
    """
    found = np.empty(rays.start_x.shape, np.float32)
    for top in range(0, len(found), _BAND):
        band = np.s_[top : top + _BAND]
        _meet(Rays(*(each[band] for each in rays)), relief, step, found[band])
    return found


def _meet(rays: Rays, relief: Relief, step: float, met: Floats) -> None:
    """Marches through the relief in steps of at most `step` samples and keeps the nearest layer that is solid, then
    halves the interval: parallax occlusion mapping (Tatarchuk 2006). Where the relief is so gentle that a ray meets it
    only once, iterating d = relief(p(d)) gets there sooner.
    """
    rim = rays.rim()
    bottom, top = relief.between(rim)
    slope = float(cv2.magnitude(rim.slope_x, rim.slope_y).max())
    x, y = np.empty_like(met), np.empty_like(met)

    # What is found there is written into `met`; only once `d`, which `met` itself may be, has been used.
    def look(d: "Floats | np.float32") -> Floats:
        np.add(np.multiply(rays.slope_x, d, out=x), rays.start_x, out=x)
        np.add(np.multiply(rays.slope_y, d, out=y), rays.start_y, out=y)
        return as_floats(cv2.remap(relief.d, x, y, cv2.INTER_LINEAR, dst=met, borderMode=cv2.BORDER_REPLICATE))

    gentle = relief.steepest * slope  # the error shrinks by this factor each time, or more
    if gentle < _GENTLE:
        look(np.float32((bottom + top) / 2))
        error = (top - bottom) / 2 * slope * gentle  # samples
        for _ in range(1, _ITERATIONS):
            if error < _EXACT:
                break
            error *= gentle
            look(met)
        return
    steps = min(max(ceil(slope * (top - bottom) / step), 1), 48)
    height = np.float32((top - bottom) / steps)
    low = np.full(met.shape, bottom, np.float32)
    for i in range(1, steps):
        d = np.float32(bottom + i * height)
        np.copyto(low, d, where=look(d) >= d)
    for _ in range(_HALVINGS):
        height /= 2
        middle = low + height
        np.copyto(low, middle, where=look(middle) >= middle)
    np.add(low, height / 2, out=met)


def stretch(rays: Rays, relief: Relief, x: Floats, y: Floats) -> Floats:
    """How many times wider than framed the surface at (x, y) is drawn along the ray's travel: 1 - grad(d) . slope."""
    gradient = as_floats(cv2.remap(relief.gradient, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return np.float32(1) - (gradient[..., 0] * rays.slope_x + gradient[..., 1] * rays.slope_y)


def reach(view: CameraView) -> float:
    """How far, in units, `view` moves the nearest things against the farthest at most: the widest gap it can open."""
    return FOCAL * hypot(view.right, view.up) + 1.5 * abs(view.forward)


def aim(
    views: Sequence[CameraView], frame: Frame, half_size: tuple[float, float], focal_point: tuple[float, float]
) -> Aim:
    """Where a path that would show the picture's middle should lead instead; `focal_point` in fractions of the picture.

    A picture of another shape than the frame is cropped so that the focal point stands as near as may be to a third.
    Zooms and dollies hold it where it stands then; if that is beyond a third they let it drift towards there, as far as
    the picture reaches.
    """
    growth = [v.focal / (1 - min(v.forward, DOLLY) * inverse_distance(0.5)) for v in views]
    widest = min(v.focal for v in views)
    grown = max(growth) / min(growth)
    point, middle = [], []
    for at, half, size in zip(
        (2 * focal_point[0] - 1, 1 - 2 * focal_point[1]), half_size, (frame.width, frame.height), strict=True
    ):
        side = size / 2 / frame.unit
        wanted = at * half - min(max(at * half, -side / 3), side / 3)
        crop = min(max(wanted, side - half), half - side)
        stands = at * half - crop
        beyond = stands - min(max(stands, -side / 3), side / 3)
        held = stands + beyond / max(grown - 1, 1e-3)
        point.append(crop + min(max(held, -side), side))
        middle.append(crop)
    return Aim((point[0], point[1]), (middle[0], middle[1]), widest)


def covers(
    views: Sequence[CameraView], frame: Frame, half_size: tuple[float, float], depth: Floats, most: float
) -> float:
    """The smallest base zoom, 1..`most`, at which no view sees past the picture's borders (`half_size`, units).

    The frame's sides are tested against the nearest and the farthest thing in that side's quarter of the picture.
    """
    across, down = np.float32(frame.width / 2 / frame.unit), np.float32(frame.height / 2 / frame.unit)
    along = np.linspace(-1, 1, 17, dtype=np.float32)
    rows, columns = (-(-size // 4) for size in depth.shape)
    edge = np.ones_like(along)
    x = np.concatenate([along, along, -edge, edge]) * across
    y = np.concatenate([-edge, edge, along, along]) * down
    quarters = (depth[:rows], depth[-rows:], depth[:, :columns], depth[:, -columns:])
    ranges = [np.repeat([extreme(quarter) for quarter in quarters], along.size) for extreme in (np.min, np.max)]

    def full(cover: float) -> bool:
        for view in views:
            beams = rays(view, cover, x, y)
            for d in ranges:
                seen_x, seen_y = beams.at(d)
                if np.abs(seen_x).max() > half_size[0] + 1e-4 or np.abs(seen_y).max() > half_size[1] + 1e-4:
                    return False
        return True

    low, high = 1.0, most
    if full(low):
        return low
    while high - low > 0.002:
        middle = (low + high) / 2
        low, high = (low, middle) if full(middle) else (middle, high)
    return high
