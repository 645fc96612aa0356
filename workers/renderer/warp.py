"""Geometry of the 2.5D renderer: which point of the picture each point of a frame shows.

Coordinates are *units*: the picture's centre is 0, x right, y down, and half the geometric mean of the frame's sides
is 1. A pinhole camera of focal length F sees the picture's point p at distance 1/d. After the camera has moved by
(tx, ty, tz) and turned by R, the frame's point q looks along R (q / zoom, F); where that ray meets the picture's
plane is u, and the point it shows is

    p = u + d(p) (F (tx, ty) - u tz)

which has one solution per surface that the ray meets; the one with the greatest d is in front.
"""

from collections.abc import Sequence
from math import ceil, cos, hypot, sin
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from shared.camera.lowerings import BULGE, DOLLY, FOCAL, Aim, View, inverse_distance
from workers.media.planes import Bytes, Floats, as_floats

_GENTLE, _ITERATIONS = 0.35, 5
_EXACT = 0.01  # samples of the relief
_HALVINGS = 5
CELL = 4  # pixels of the frame per cell of its grid
_BAND = 70  # rows of the grid that are met at once
_STRIP = 256  # rows of samples that are looked up at once: fewer, and threads wait for each other's interpreter


class Raster(NamedTuple):
    """Samples of the picture: how many stand in a unit, and at which column and row its centre is."""

    unit: float
    column: float
    row: float

    @classmethod
    def of(cls, shape: Sequence[int], unit: float) -> "Raster":
        """That of an array of this shape, with `unit` samples per unit."""
        return cls(unit, (shape[1] - 1) / 2, (shape[0] - 1) / 2)

    def onto(self, other: "Raster") -> tuple[np.float32, np.float32, np.float32]:
        """What takes this one's columns and rows to the other's: a factor, and what to add to columns and to rows."""
        factor = other.unit / self.unit
        added = other.column - factor * self.column, other.row - factor * self.row
        return np.float32(factor), np.float32(added[0]), np.float32(added[1])


UNITS = Raster(1, 0, 0)


class Rays(NamedTuple):
    """Per point of a frame: p = start + d * slope, in samples of some raster; float32 arrays."""

    start_x: Floats
    start_y: Floats
    slope_x: Floats
    slope_y: Floats

    def onto(self, here: Raster, there: Raster) -> "Rays":
        """The same rays, which are in samples of the first raster, in those of the second."""
        factor, added_x, added_y = here.onto(there)
        return Rays(
            self.start_x * factor + added_x,
            self.start_y * factor + added_y,
            self.slope_x * factor,
            self.slope_y * factor,
        )

    def at(self, d: "Floats | np.float32") -> tuple[Floats, Floats]:
        """The points at inverse distance `d`."""
        x, y = self.slope_x * d, self.slope_y * d
        x += self.start_x
        y += self.start_y
        return x, y

    def rim(self) -> "Rays":
        """Those of a grid's first and last rows and columns: no ray within leads further out, or is steeper.

        At one distance a grid of rays meets a plane, and no lens folds it: what is within stays within, and the slope
        is linear in the start.
        """
        return Rays(*(np.concatenate([each[0], each[-1], each[:, 0], each[:, -1]]) for each in self))


def rays(view: View, cover: float, x: Floats, y: Floats, raster: Raster = UNITS) -> Rays:
    """Rays through the frame's points (units), where `cover` is the base zoom; x and y must broadcast together."""
    if view.fisheye:
        x, y = _bulged(x, y, BULGE * view.fisheye)
    unit, column, row = raster
    samples = np.array([[unit * FOCAL, 0, column], [0, unit * FOCAL, row], [0, 0, 1]])
    m = (samples @ _eye(view, cover)).astype(np.float32)
    ahead, start_x, start_y = (m[i, 0] * x + (m[i, 1] * y + m[i, 2]) for i in (2, 0, 1))
    np.maximum(ahead, np.float32(0.2 * FOCAL), out=ahead)
    start_x /= ahead
    start_y /= ahead
    forward = np.float32(view.forward)  # the slope is F (tx, ty) - u tz, where u in samples is the start off the centre
    slope_x, slope_y = start_x * -forward, start_y * -forward
    slope_x += np.float32(unit * FOCAL * view.right) + forward * np.float32(column)
    slope_y += np.float32(-unit * FOCAL * view.up) + forward * np.float32(row)
    return Rays(start_x, start_y, slope_x, slope_y)


def project(view: View, cover: float, x: Floats, y: Floats, d: Floats) -> tuple[Floats, Floats]:
    """Where in the frame the picture's points at inverse distance `d` stand, all in units: the inverse of `rays`."""
    nearer = 1 - np.float32(view.forward) * d
    u = (x - d * np.float32(FOCAL * view.right)) / nearer
    v = (y + d * np.float32(FOCAL * view.up)) / nearer
    m = np.linalg.inv(_eye(view, cover)).astype(np.float32)
    ahead = m[2, 0] * u + m[2, 1] * v + m[2, 2] * np.float32(FOCAL)
    u, v = ((m[row, 0] * u + m[row, 1] * v + m[row, 2] * np.float32(FOCAL)) / ahead for row in (0, 1))
    return _unbulged(u, v, BULGE * view.fisheye) if view.fisheye else (u, v)


def _eye(view: View, cover: float) -> npt.NDArray[np.float64]:
    """Takes a point of the frame (x, y, 1) to the direction in which it looks."""
    pan = np.array([[cos(view.pan), 0, sin(view.pan)], [0, 1, 0], [-sin(view.pan), 0, cos(view.pan)]])
    tilt = np.array([[1, 0, 0], [0, cos(view.tilt), -sin(view.tilt)], [0, sin(view.tilt), cos(view.tilt)]])
    roll = np.array([[cos(view.roll), -sin(view.roll), 0], [sin(view.roll), cos(view.roll), 0], [0, 0, 1]])
    zoom = view.focal * cover
    lens = np.array([[1, 0, view.shift_right * zoom], [0, 1, -view.shift_up * zoom], [0, 0, FOCAL * zoom]])
    return np.asarray(pan @ tilt @ roll @ lens, np.float64)


def _bulged(x: Floats, y: Floats, amount: float) -> tuple[Floats, Floats]:
    """What a fisheye lens shows at the frame's points: less and less of the picture, the nearer to the middle."""
    shrunk = (1 + np.float32(amount / 2) * (x * x + y * y)) / np.float32(1 + amount)  # 1 at a square frame's corners
    return x * shrunk, y * shrunk


def _unbulged(x: Floats, y: Floats, amount: float) -> tuple[Floats, Floats]:
    """The inverse of `_bulged`, by Newton's method."""
    radius = np.hypot(x, y)
    bent, goal = np.float32(amount / 2), radius * np.float32(1 + amount)
    found: Floats = radius
    for _ in range(4):
        found = found - (found * (1 + bent * found * found) - goal) / (1 + 3 * bent * found * found)
    grown = found / np.maximum(radius, np.float32(1e-6))
    return as_floats(x * grown), as_floats(y * grown)


class Frame(NamedTuple):
    """The sizes of the film's frame, and its coarse grid with one node of margin on each side.

    Maps are solved at the grid's nodes, the middles of its cells, and resized.
    """

    width: int
    height: int
    unit: float  # pixels per unit
    cell: int  # pixels each way
    x: Floats  # 1 x columns, units
    y: Floats  # rows x 1, units

    @classmethod
    def of(cls, width: int, height: int, cell: int = CELL) -> "Frame":
        unit = (width * height) ** 0.5 / 2
        x, y = (
            (np.arange(-1, -(-size // cell) + 1, dtype=np.float32) * cell + (cell / 2 - size / 2)) / np.float32(unit)
            for size in (width, height)
        )
        return cls(width, height, unit, cell, x[None, :], y[:, None])

    @property
    def spacing(self) -> np.float32:
        """Units between two nodes of the grid."""
        return np.float32(self.cell / self.unit)

    def refine(self, coarse: Floats, side: int) -> Floats:
        """A map over the grid, resized to `side` samples per cell and way: `cell` for every pixel, half for chroma."""
        rows, columns = coarse.shape
        return as_floats(cv2.resize(coarse, (columns * side, rows * side), interpolation=cv2.INTER_LINEAR))

    def looked_up(self, plane: Bytes, columns: Floats, rows: Floats, side: int) -> Bytes:
        """What a plane shows in the cells, but not in the margin, at points given per node: `side` samples each way."""
        height, width = (nodes - 2 for nodes in columns.shape)
        drawn = np.empty((height * side, width * side, *plane.shape[2:]), np.uint8)
        strip = _STRIP // side
        maps = np.empty((2, (strip + 2) * side, (width + 2) * side), np.float32)
        for top in range(0, height, strip):
            part = drawn[top * side : (top + strip) * side]
            size = (width + 2) * side, len(part) + 2 * side
            for coarse, fine in zip((columns, rows), maps, strict=True):
                cv2.resize(coarse[top : top + strip + 2], size, dst=fine[: size[1]], interpolation=cv2.INTER_LINEAR)
            x, y = maps[:, side : side + len(part), side:-side]
            cv2.remap(plane, x, y, cv2.INTER_LINEAR, dst=part, borderMode=cv2.BORDER_REFLECT_101)
        return drawn

    def plane_shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and columns of a frame's Y, U and V."""
        half = (self.height // 2, self.width // 2)
        return (self.height, self.width), half, half

    def travel(self, here: View, there: View, cover: float) -> float:
        """Pixels by which the frame's corners or its middle move at most between two views, at half distance."""
        across, down = self.width / 2 / self.unit, self.height / 2 / self.unit
        x = np.array([-across, across, -across, across, 0], np.float32)
        y = np.array([-down, -down, down, down, 0], np.float32)
        before, after = (rays(view, cover, x, y).at(np.float32(0.5)) for view in (here, there))
        return float(np.hypot(after[0] - before[0], after[1] - before[1]).max()) * self.unit * cover * here.focal


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


def reach(view: View) -> float:
    """How far, in units, `view` moves the nearest things against the farthest at most: the widest gap it can open."""
    return FOCAL * hypot(view.right, view.up) + 1.5 * abs(view.forward)


def aim(views: Sequence[View], frame: Frame, half_size: tuple[float, float], focal_point: tuple[float, float]) -> Aim:
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


def covers(views: Sequence[View], frame: Frame, half_size: tuple[float, float], depth: Floats, most: float) -> float:
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
