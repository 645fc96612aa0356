"""Projection: the point of the picture that each point of a frame shows, and the inverse.

Coordinates are *units*: the picture's centre is 0, x right, y down, and half the geometric mean of the frame's sides
is 1. A pinhole camera of focal length F sees the picture's point p at distance 1/d. After the camera has moved by
(tx, ty, tz) and turned by R, the ray of the frame's point q has the direction R (q / zoom, F). The ray meets the
picture's plane at u, and shows the point

    p = u + d(p) (F (tx, ty) - u tz)
"""

from collections.abc import Sequence
from math import cos, sin
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from shared.camera.lowerings import BULGE, FOCAL, CameraView
from workers.media.planes import Bytes, Floats, as_floats

CELL = 4  # side of a cell of the frame's grid, in pixels
_STRIP = 256  # rows of samples per call of cv2.remap; with fewer, threads wait for the interpreter's lock


class Raster(NamedTuple):
    """A sampling of the picture: the number of samples per unit, and the column and row of the picture's centre."""

    unit: float
    column: float
    row: float

    @classmethod
    def of(cls, shape: Sequence[int], unit: float) -> "Raster":
        """Return the raster of an array of this shape, with `unit` samples per unit."""
        return cls(unit, (shape[1] - 1) / 2, (shape[0] - 1) / 2)

    def onto(self, other: "Raster") -> tuple[np.float32, np.float32, np.float32]:
        """Return the conversion to another raster: a factor, and the offsets of columns and of rows."""
        factor = other.unit / self.unit
        added = other.column - factor * self.column, other.row - factor * self.row
        return np.float32(factor), np.float32(added[0]), np.float32(added[1])


UNITS = Raster(1, 0, 0)


class Rays(NamedTuple):
    """The ray of each point of a frame: p = start + d * slope, in samples of a raster; float32 arrays."""

    start_x: Floats
    start_y: Floats
    slope_x: Floats
    slope_y: Floats

    def onto(self, here: Raster, there: Raster) -> "Rays":
        """Return the rays, which are in samples of the raster `here`, in samples of the raster `there`."""
        factor, added_x, added_y = here.onto(there)
        return Rays(
            self.start_x * factor + added_x,
            self.start_y * factor + added_y,
            self.slope_x * factor,
            self.slope_y * factor,
        )

    def at(self, d: "Floats | np.float32") -> tuple[Floats, Floats]:
        """Return the columns and rows of the points at inverse distance `d`."""
        x, y = self.slope_x * d, self.slope_y * d
        x += self.start_x
        y += self.start_y
        return x, y

    def rim(self) -> "Rays":
        """Return the rays of a grid's first and last rows and columns: they bound the positions and slopes of all rays.

        A grid of rays meets a plane at one distance. Lenses do not fold this grid, so that inner rays stay within the
        rim. The slope is linear in the start.
        """
        return Rays(*(np.concatenate([each[0], each[-1], each[:, 0], each[:, -1]]) for each in self))


def rays(view: CameraView, cover: float, x: Floats, y: Floats, raster: Raster = UNITS) -> Rays:
    """Return the rays through the frame's points (units) at the base zoom `cover`; x and y must broadcast together."""
    if view.fisheye:
        x, y = _bulged(x, y, BULGE * view.fisheye)
    unit, column, row = raster
    samples = np.array([[unit * FOCAL, 0, column], [0, unit * FOCAL, row], [0, 0, 1]])
    m = (samples @ _ray_matrix(view, cover)).astype(np.float32)
    ahead, start_x, start_y = (m[i, 0] * x + (m[i, 1] * y + m[i, 2]) for i in (2, 0, 1))
    np.maximum(ahead, np.float32(0.2 * FOCAL), out=ahead)
    start_x /= ahead
    start_y /= ahead
    forward = np.float32(view.forward)  # the slope is F (tx, ty) - u tz, where u in samples is the start off the centre
    slope_x, slope_y = start_x * -forward, start_y * -forward
    slope_x += np.float32(unit * FOCAL * view.right) + forward * np.float32(column)
    slope_y += np.float32(-unit * FOCAL * view.up) + forward * np.float32(row)
    return Rays(start_x, start_y, slope_x, slope_y)


def project(view: CameraView, cover: float, x: Floats, y: Floats, d: Floats) -> tuple[Floats, Floats]:
    """Return the frame's points that show the picture's points at inverse distance `d`, in units: inverts `rays`."""
    nearer = 1 - np.float32(view.forward) * d
    u = (x - d * np.float32(FOCAL * view.right)) / nearer
    v = (y + d * np.float32(FOCAL * view.up)) / nearer
    m = np.linalg.inv(_ray_matrix(view, cover)).astype(np.float32)
    ahead = m[2, 0] * u + m[2, 1] * v + m[2, 2] * np.float32(FOCAL)
    u, v = ((m[row, 0] * u + m[row, 1] * v + m[row, 2] * np.float32(FOCAL)) / ahead for row in (0, 1))
    return _unbulged(u, v, BULGE * view.fisheye) if view.fisheye else (u, v)


def _ray_matrix(view: CameraView, cover: float) -> npt.NDArray[np.float64]:
    """Return the 3 x 3 matrix that maps a point of the frame (x, y, 1) to the direction of its ray."""
    zoom = view.focal * cover
    lens = np.array([[1, 0, view.shift_right * zoom], [0, 1, -view.shift_up * zoom], [0, 0, FOCAL * zoom]])
    return np.asarray(direction(view) @ lens, np.float64)


def direction(view: CameraView) -> npt.NDArray[np.float64]:
    """Return the 3 x 3 rotation from the camera's axes to the picture's: x right, y down, z forward."""
    pan = np.array([[cos(view.pan), 0, sin(view.pan)], [0, 1, 0], [-sin(view.pan), 0, cos(view.pan)]])
    tilt = np.array([[1, 0, 0], [0, cos(view.tilt), -sin(view.tilt)], [0, sin(view.tilt), cos(view.tilt)]])
    roll = np.array([[cos(view.roll), -sin(view.roll), 0], [sin(view.roll), cos(view.roll), 0], [0, 0, 1]])
    return np.asarray(pan @ tilt @ roll, np.float64)


def _bulged(x: Floats, y: Floats, amount: float) -> tuple[Floats, Floats]:
    """Return the undistorted points that a fisheye lens shows at the frame's points; it magnifies the middle."""
    shrunk = (1 + np.float32(amount / 2) * (x * x + y * y)) / np.float32(1 + amount)  # 1 at a square frame's corners
    return x * shrunk, y * shrunk


def _unbulged(x: Floats, y: Floats, amount: float) -> tuple[Floats, Floats]:
    """Invert `_bulged` by Newton's method."""
    radius = np.hypot(x, y)
    bent, goal = np.float32(amount / 2), radius * np.float32(1 + amount)
    found: Floats = radius
    for _ in range(4):
        found = found - (found * (1 + bent * found * found) - goal) / (1 + 3 * bent * found * found)
    grown = found / np.maximum(radius, np.float32(1e-6))
    return as_floats(x * grown), as_floats(y * grown)


class Frame(NamedTuple):
    """The size of the film's frame, and its coarse grid with a margin of one node on each side.

    Remap coordinates are calculated at the grid's nodes, which are the middles of its cells, and then resized.
    """

    width: int
    height: int
    unit: float  # pixels per unit
    cell: int  # side of a cell, in pixels
    x: Floats  # 1 x columns, in units
    y: Floats  # rows x 1, in units

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
        """Distance between two nodes of the grid, in units."""
        return np.float32(self.cell / self.unit)

    def refine(self, coarse: Floats, side: int) -> Floats:
        """Return a map over the grid, resized to `side` x `side` samples per cell: `cell` for luma, half for chroma."""
        rows, columns = coarse.shape
        return as_floats(cv2.resize(coarse, (columns * side, rows * side), interpolation=cv2.INTER_LINEAR))

    def remapped(self, plane: Bytes, columns: Floats, rows: Floats, side: int) -> Bytes:
        """Return a plane remapped to points given per node: `side` x `side` samples per cell, without the margin."""
        height, width = (nodes - 2 for nodes in columns.shape)
        result = np.empty((height * side, width * side, *plane.shape[2:]), np.uint8)
        strip = _STRIP // side
        maps = np.empty((2, (strip + 2) * side, (width + 2) * side), np.float32)
        for top in range(0, height, strip):
            part = result[top * side : (top + strip) * side]
            size = (width + 2) * side, len(part) + 2 * side
            for coarse, fine in zip((columns, rows), maps, strict=True):
                cv2.resize(coarse[top : top + strip + 2], size, dst=fine[: size[1]], interpolation=cv2.INTER_LINEAR)
            x, y = maps[:, side : side + len(part), side:-side]
            cv2.remap(plane, x, y, cv2.INTER_LINEAR, dst=part, borderMode=cv2.BORDER_REFLECT_101)
        return result

    def plane_shapes(self) -> tuple[tuple[int, int], ...]:
        """Return the rows and columns of a frame's Y, U and V."""
        half = (self.height // 2, self.width // 2)
        return (self.height, self.width), half, half

    def travel(self, here: CameraView, there: CameraView, cover: float) -> float:
        """Return the maximum travel between two views of the frame's corners and middle, in pixels, at d = 0.5."""
        across, down = self.width / 2 / self.unit, self.height / 2 / self.unit
        x = np.array([-across, across, -across, across, 0], np.float32)
        y = np.array([-down, -down, down, down, 0], np.float32)
        before, after = (rays(view, cover, x, y).at(np.float32(0.5)) for view in (here, there))
        return float(np.hypot(after[0] - before[0], after[1] - before[1]).max()) * self.unit * cover * here.focal
