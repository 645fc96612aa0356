"""Billboard layers (flats) in front of a moving camera: each is a plane at one distance, and so has clean edges."""

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple, Self

import cv2
import numpy as np

from shared.camera.lowerings import FAR, CameraView
from workers.media.planes import Bytes, Floats, Planes, as_bytes, as_floats, from_rgb
from workers.media.scenery import Flat
from workers.motion.projection import Frame, project, rays
from workers.renderer.focus import WIDEST, Stack, confusion

_BEYOND = 0.25  # length by which a flat at the picture's border is continued beyond it, in units


class Sheet(NamedTuple):
    """One plane of a flat, premultiplied by its coverage, and the coverage; also blurred if the scene has a lens."""

    colour: Stack
    cover: Stack


class PlacedFlat(NamedTuple):
    """A flat at its place in the scene. U and V have half as many samples as luma in each direction."""

    luma: Sheet
    u: Sheet
    v: Sheet
    units: tuple[float, float]  # samples of luma per unit, across and down
    middle: tuple[float, float]  # column and row of luma at the picture's middle
    d: float  # inverse distance

    @classmethod
    def of(cls, flat: Flat, size: tuple[int, int], scale: float, unit: float, *, lens: bool) -> Self:
        """Place a flat. `size` is the picture's width and height, `unit` its pixels per unit, both before `scale`."""
        rgba = _scaled(flat.rgba, scale)
        rows, columns = flat.rgba.shape[:2]
        across, down = rgba.shape[1] / columns, rgba.shape[0] / rows
        # At the picture's border the flat is continued by reflection, as the picture is. At its other sides it gets a
        # transparent margin for its blur. Even sizes keep chroma aligned with luma.
        ends = (flat.top > 0, flat.top + rows < size[1], flat.left > 0, flat.left + columns < size[0])
        top, bottom, left, right = (0 if end else _even(_BEYOND * unit * scale) for end in ends)
        rgba = as_bytes(cv2.copyMakeBorder(rgba, top, bottom, left, right, cv2.BORDER_REFLECT_101))
        middle = (size[0] / 2 - flat.left) * across + left - 0.5, (size[1] / 2 - flat.top) * down + top - 0.5
        top, bottom, left, right = (_even(WIDEST * unit * scale + 2) if end and lens else 0 for end in ends)
        bottom += rgba.shape[0] % 2
        right += rgba.shape[1] % 2
        alpha = as_bytes(cv2.copyMakeBorder(rgba[..., 3], top, bottom, left, right, cv2.BORDER_CONSTANT, value=(0,)))
        y, u, v = from_rgb(as_bytes(cv2.copyMakeBorder(rgba[..., :3], top, bottom, left, right, cv2.BORDER_REPLICATE)))
        half = as_bytes(cv2.resize(alpha, (alpha.shape[1] // 2, alpha.shape[0] // 2), interpolation=cv2.INTER_AREA))

        def stack(plane: Bytes, step: int) -> Stack:
            return Stack.of(plane, unit * scale / step) if lens else Stack(plane, plane, plane)

        luma, u_sheet, v_sheet = (
            Sheet(stack(as_bytes(cv2.multiply(plane, cover, scale=1 / 255)), step), stack(cover, step))
            for plane, cover, step in ((y, alpha, 1), (u, half, 2), (v, half, 2))
        )
        units, middle = (unit * across, unit * down), (middle[0] + left, middle[1] + top)
        return cls(luma, u_sheet, v_sheet, units, middle, float(FAR + (1 - FAR) * flat.nearness))

    def focused(self, focus: float) -> Self:
        """Return the flat as a lens focused at this disparity sees it."""
        blurred = as_floats(np.full((1, 1), confusion(self.d, focus), np.float32))

        def seen(sheet: Sheet) -> Sheet:
            return Sheet(*(Stack(*[stack.mix(blurred)] * 3) for stack in sheet))

        return self._replace(luma=seen(self.luma), u=seen(self.u), v=seen(self.v))

    def draw(self, planes: Planes, view: CameraView, frame: Frame, cover: float) -> None:
        """Composite the flat over `planes`, which cover all cells of the grid."""
        window = self._window(view, frame, cover)
        if window is None:
            return
        columns, rows = self._sample_points(window, view, frame, cover)
        side = frame.cell
        window.composite((planes.y,), (self.luma,), frame.refine(columns, side), frame.refine(rows, side), side)
        columns, rows = (as_floats(at / 2 - np.float32(0.25)) for at in (columns, rows))
        side //= 2
        window.composite(
            (planes.u, planes.v), (self.u, self.v), frame.refine(columns, side), frame.refine(rows, side), side
        )

    def depth(self, seen: Floats, view: CameraView, frame: Frame, cover: float) -> None:
        """Write the flat's inverse distance to the map `seen` where the flat covers more than half of a pixel."""
        window = self._window(view, frame, cover)
        if window is None:
            return
        drawn = np.zeros(((frame.y.size - 2) * frame.cell, (frame.x.size - 2) * frame.cell), np.uint8)
        columns, rows = (frame.refine(at, frame.cell) for at in self._sample_points(window, view, frame, cover))
        window.composite((drawn,), (Sheet(self.luma.cover, self.luma.cover),), columns, rows, frame.cell)
        seen[drawn[: frame.height, : frame.width] > 127] = self.d

    def _sample_points(self, window: "_Window", view: CameraView, frame: Frame, cover: float) -> tuple[Floats, Floats]:
        """Return the columns and rows of luma at the grid's nodes in the window and one cell around it."""
        x = frame.x[:, window.left : window.right + 2]
        y = frame.y[window.top : window.bottom + 2]
        columns, rows = (
            as_floats(at * np.float32(unit) + np.float32(middle))
            for at, unit, middle in zip(
                rays(view, cover, x, y).at(np.float32(self.d)), self.units, self.middle, strict=True
            )
        )
        return columns, rows

    def _window(self, view: CameraView, frame: Frame, cover: float) -> "_Window | None":
        """Return the part of the frame's grid that contains the flat; None if the flat is outside the frame."""
        height, width = self.luma.cover.sharp.shape
        along = np.linspace(0, 1, 9, dtype=np.float32)
        zeros, ones = np.zeros_like(along), np.ones_like(along)
        columns = np.concatenate([along, along, zeros, ones]) * np.float32(width) - np.float32(0.5)
        rows = np.concatenate([zeros, ones, along, along]) * np.float32(height) - np.float32(0.5)
        x, y = (
            as_floats((at - np.float32(middle)) / np.float32(unit))
            for at, unit, middle in zip((columns, rows), self.units, self.middle, strict=True)
        )
        seen = project(view, cover, x, y, as_floats(np.full_like(x, self.d)))
        spans = []
        for at, nodes in zip(seen, (frame.x[0], frame.y[:, 0]), strict=True):
            cells = (at - nodes[0]) / frame.spacing
            # Exclude the grid's margin. Add a cell at each side, because a fisheye lens bends the flat's border.
            spans.append((max(int(cells.min()) - 2, 0), min(int(cells.max()) + 2, len(nodes) - 2)))
        (left, right), (top, bottom) = spans
        return _Window(left, top, right, bottom) if left < right and top < bottom else None


class _Window(NamedTuple):
    """A rectangle of cells of a frame's grid, without the grid's margin."""

    left: int
    top: int
    right: int
    bottom: int

    def composite(
        self, planes: Sequence[Bytes], sheets: Sequence[Sheet], columns: Floats, rows: Floats, side: int
    ) -> None:
        """Composite sheets of one size over planes with `side` x `side` samples per cell.

        `columns` and `rows` are the points to sample, with a margin of one cell.
        """
        inside = np.s_[side:-side, side:-side]
        columns, rows = np.ascontiguousarray(columns[inside]), np.ascontiguousarray(rows[inside])
        place = np.s_[self.top * side : self.bottom * side, self.left * side : self.right * side]
        rest = cv2.bitwise_not(_sampled(sheets[0].cover.sharp, columns, rows))
        for plane, sheet in zip(planes, sheets, strict=True):
            behind = cv2.multiply(plane[place], rest, scale=1 / 255)
            plane[place] = cv2.add(behind, _sampled(sheet.colour.sharp, columns, rows))


def _scaled(rgba: Bytes, scale: float) -> Bytes:
    size = max(round(rgba.shape[1] * scale), 1), max(round(rgba.shape[0] * scale), 1)
    if size == rgba.shape[1::-1]:
        return rgba
    return as_bytes(cv2.resize(rgba, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4))


def _even(size: float) -> int:
    return 2 * ceil(size / 2)


def _sampled(plane: Bytes, columns: Floats, rows: Floats) -> Bytes:
    """Sample a plane; outside it, the samples are 0 (transparent)."""
    return as_bytes(cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))
