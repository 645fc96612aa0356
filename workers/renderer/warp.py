"""Geometry of the 2.5D renderer: the first intersection of rays with the picture's relief, and the framing of paths.

A ray (see workers/motion/projection.py) shows the point p = u + d(p) (F (tx, ty) - u tz). This equation has one
solution for each surface that the ray meets; the solution with the greatest d is in front.
"""

from collections.abc import Sequence
from math import ceil, hypot
from typing import NamedTuple

import cv2
import numpy as np

from shared.camera.lowerings import DOLLY, FOCAL, Aim, CameraView, inverse_distance
from workers.media.planes import Floats, as_floats
from workers.media.subject import Box
from workers.motion.projection import Frame, Rays, rays

# Maximum contraction factor at which fixed-point iteration is used, and the maximum number of iterations.
_MAX_CONTRACTION, _MAX_ITERATIONS = 0.35, 5
_TOLERANCE = 0.01  # tolerance of the iteration, in samples of the relief
_BISECTIONS = 5  # bisection steps after the march
_HEADROOM = 0.1  # minimum distance of the subject from the frame's border, as a fraction of half the frame's side
_CLOSER = 0.05  # minimum share of the frame's side that the closest view leaves out; less is no zoom or dolly
_BAND = 70  # rows of the grid that are intersected at once


class Relief(NamedTuple):
    """A map of inverse distances for ray intersections, with its gradient per sample and its range."""

    d: Floats
    gradient: Floats  # rows x columns x 2
    low: float
    high: float
    lowest: Floats  # minimum of each row
    highest: Floats  # maximum of each row
    steepest: float  # maximum length of the gradient

    @classmethod
    def of(cls, d: Floats) -> "Relief":
        slopes = [cv2.Scharr(d, cv2.CV_32F, *axis, scale=1 / 32) for axis in ((1, 0), (0, 1))]
        steepest = float(cv2.magnitude(*slopes).max())
        lowest, highest = d.min(axis=1), d.max(axis=1)
        gradient = as_floats(cv2.merge(slopes))
        return cls(d, gradient, float(lowest.min()), float(highest.max()), lowest, highest, steepest)

    def between(self, rim: "Rays") -> tuple[float, float]:
        """Return the range of inverse distances in the rows that rays within this rim (in samples) can reach."""
        low, high = self.low, self.high
        for _ in range(2):  # with tighter bounds the rays reach fewer rows
            ends = [rim.start_y + np.float32(d) * rim.slope_y for d in (low, high)]
            first, last = min(float(end.min()) for end in ends), max(float(end.max()) for end in ends)
            rows = len(self.d)
            passed = np.s_[max(min(int(first) - 1, rows - 1), 0) : max(int(last) + 3, 1)]
            low, high = float(self.lowest[passed].min()), float(self.highest[passed].max())
        return low, high

    def sample(self, x: Floats, y: Floats) -> Floats:
        """Return the inverse distance at points, which are in pixels of the map."""
        return as_floats(cv2.remap(self.d, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def meet(rays: Rays, relief: Relief, step: float = 2.5) -> Floats:
    """Return the inverse distance at which each ray (in samples of the relief) first meets the relief.

    The rays are processed in bands of rows. A band sees mostly sky or mostly ground, so its bounds are tighter than
    those of the whole picture. `step` is the maximum length of a step of the march, in samples.
    """
    found = np.empty(rays.start_x.shape, np.float32)
    for top in range(0, len(found), _BAND):
        band = np.s_[top : top + _BAND]
        _meet(Rays(*(each[band] for each in rays)), relief, step, found[band])
    return found


def _meet(rays: Rays, relief: Relief, step: float, met: Floats) -> None:
    """Write the inverse distance at which each ray first meets the relief to `met`.

    Parallax occlusion mapping (Tatarchuk 2006): march through the relief in steps of at most `step` samples, take the
    nearest step that is inside the relief, then bisect the interval. If the relief is so gentle that each ray meets it
    only once, the fixed-point iteration d = relief(p(d)) is faster.
    """
    rim = rays.rim()
    bottom, top = relief.between(rim)
    slope = float(cv2.magnitude(rim.slope_x, rim.slope_y).max())
    x, y = np.empty_like(met), np.empty_like(met)

    # Write the relief at the rays' points to `met`. `d` may be `met` itself, because it is read before the write.
    def sample(d: "Floats | np.float32") -> Floats:
        np.add(np.multiply(rays.slope_x, d, out=x), rays.start_x, out=x)
        np.add(np.multiply(rays.slope_y, d, out=y), rays.start_y, out=y)
        return as_floats(cv2.remap(relief.d, x, y, cv2.INTER_LINEAR, dst=met, borderMode=cv2.BORDER_REPLICATE))

    contraction = relief.steepest * slope  # upper bound of the factor by which each iteration reduces the error
    if contraction < _MAX_CONTRACTION:
        sample(np.float32((bottom + top) / 2))
        error = (top - bottom) / 2 * slope * contraction  # samples
        for _ in range(1, _MAX_ITERATIONS):
            if error < _TOLERANCE:
                break
            error *= contraction
            sample(met)
        return
    steps = min(max(ceil(slope * (top - bottom) / step), 1), 48)
    height = np.float32((top - bottom) / steps)
    low = np.full(met.shape, bottom, np.float32)
    for i in range(1, steps):
        d = np.float32(bottom + i * height)
        np.copyto(low, d, where=sample(d) >= d)
    for _ in range(_BISECTIONS):
        height /= 2
        middle = low + height
        np.copyto(low, middle, where=sample(middle) >= middle)
    np.add(low, height / 2, out=met)


def stretch(rays: Rays, relief: Relief, x: Floats, y: Floats) -> Floats:
    """Return the stretch factor of the surface at (x, y) along the ray's travel: 1 - grad(d) . slope."""
    gradient = as_floats(cv2.remap(relief.gradient, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
    return np.float32(1) - (gradient[..., 0] * rays.slope_x + gradient[..., 1] * rays.slope_y)


def reach(view: CameraView) -> float:
    """Return the maximum displacement of the nearest against the farthest objects in `view`, in units.

    This is the widest gap that the view can open.
    """
    return FOCAL * hypot(view.right, view.up) + 1.5 * abs(view.forward)


def aim(
    views: Sequence[CameraView],
    frame: Frame,
    half_size: tuple[float, float],
    focal_point: tuple[float, float],
    kept: Box | None = None,
) -> Aim:
    """Return the aim of a path at `focal_point`, which is in fractions of the picture's width and height.

    A picture of another shape than the frame is cropped. The crop puts the focal point within the central thirds of
    the frame, or as near to them as possible. Zooms and dollies keep the focal point at its place in the frame. If it
    is outside the thirds, they move it towards them, as far as the picture's borders permit. The crop contains the box
    `kept`, which is in the same fractions, with a margin. If the box does not fit, the crop contains its top, unless
    the picture cuts the top off. The closest view contains the box, too. If the box does not fit, the focal point is
    at the middle of that view, or a little below it.
    """
    growth = [v.focal / (1 - min(v.forward, DOLLY) * inverse_distance(0.5)) for v in views]
    widest = min(v.focal for v in views)
    grown = max(growth) / min(growth)
    travel = 1 - 1 / grown  # of the closest view's middle, per distance of the fixed point from the middle
    across, up = ((2 * kept[0] - 1, 2 * kept[2] - 1), (1 - 2 * kept[3], 1 - 2 * kept[1])) if kept else (None, None)
    point, middle = [], []
    for at, ends, half, size in (
        (2 * focal_point[0] - 1, across, half_size[0], frame.width),
        (1 - 2 * focal_point[1], up, half_size[1], frame.height),
    ):
        side = size / 2 / frame.unit
        room = side * (1 - _HEADROOM)
        first, last = (end * half for end in ends) if ends else (at * half, at * half)
        target = at * half - min(max(at * half, -side / 3), side / 3)
        if last - first < 2 * room:
            target = min(max(target, last - room), first + room)
        elif ends is up and last < half:
            target = max(target, last - room)
        crop = min(max(target, side - half), half - side)
        placed = at * half - crop
        beyond = placed - min(max(placed, -side / 3), side / 3)
        held = placed + beyond / max(grown - 1, 1e-3)
        if ends and travel > _CLOSER:
            low, high = last - crop - room / grown, first - crop + room / grown
            if low > high and last - first < 2 * side / grown:
                low = high = (first + last) / 2 - crop
            if low <= high:
                closest = min(max(held * travel, low), high)
            else:
                top = min(max(placed, last - crop - side / grown), placed + side / 6 / grown)
                closest = top if ends is up and last < half else placed
            held = closest / travel
        point.append(crop + min(max(held, -side), side))
        middle.append(crop)
    return Aim((point[0], point[1]), (middle[0], middle[1]), widest)


def covers(
    views: Sequence[CameraView], frame: Frame, half_size: tuple[float, float], depth: Floats, most: float
) -> float:
    """Return the smallest base zoom, 1..`most`, at which all views stay within the picture's borders.

    `half_size` is half the picture's width and height, in units. `depth` is inverse distance. Each side of the frame is
    tested at the nearest and the farthest distance in that side's quarter of the picture.
    """
    across, down = np.float32(frame.width / 2 / frame.unit), np.float32(frame.height / 2 / frame.unit)
    along = np.linspace(-1, 1, 17, dtype=np.float32)
    rows, columns = (-(-size // 4) for size in depth.shape)
    edge = np.ones_like(along)
    x = np.concatenate([along, along, -edge, edge]) * across
    y = np.concatenate([-edge, edge, along, along]) * down
    quarters = (depth[:rows], depth[-rows:], depth[:, :columns], depth[:, -columns:])
    ranges = [np.repeat([extreme(quarter) for quarter in quarters], along.size) for extreme in (np.min, np.max)]

    def fills(cover: float) -> bool:
        for view in views:
            beams = rays(view, cover, x, y)
            for d in ranges:
                seen_x, seen_y = beams.at(d)
                if np.abs(seen_x).max() > half_size[0] + 1e-4 or np.abs(seen_y).max() > half_size[1] + 1e-4:
                    return False
        return True

    low, high = 1.0, most
    if fills(low):
        return low
    while high - low > 0.002:
        middle = (low + high) / 2
        low, high = (low, middle) if fills(middle) else (middle, high)
    return high
