"""Flats before a moving camera: each stands at one distance, is seen through one plane, and so has clean edges."""

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

_BEYOND = 0.25  # units


class Sheet(NamedTuple):
    """One plane of a flat, times how much of it is there; blurred too where there is a lens."""

    colour: Stack
    cover: Stack


class Standing(NamedTuple):
    """A flat in place. Both chromas have half as many samples as luma."""

    luma: Sheet
    u: Sheet
    v: Sheet
    units: tuple[float, float]  # samples of luma per unit, across and down
    middle: tuple[float, float]  # column and row in luma of the picture's middle
    d: float  # inverse distance

    @classmethod
    def of(cls, flat: Flat, size: tuple[int, int], scale: float, unit: float, *, lens: bool) -> Self:
        """`size` is the picture's width and height, `unit` its pixels per unit, both before it is scaled by `scale`."""
        rgba = _scaled(flat.rgba, scale)
        rows, columns = flat.rgba.shape[:2]
        across, down = rgba.shape[1] / columns, rgba.shape[0] / rows
        # What touches the picture's border goes on beyond it, mirrored as the picture does; what ends before it ends,
        # with room for its blur. Even sizes keep chroma in step.
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
        """The same as a lens focused at this nearness sees it."""
        blurred = as_floats(np.full((1, 1), confusion(self.d, focus), np.float32))

        def seen(sheet: Sheet) -> Sheet:
            return Sheet(*(Stack(*[stack.mix(blurred)] * 3) for stack in sheet))

        return self._replace(luma=seen(self.luma), u=seen(self.u), v=seen(self.v))

    def draw(self, planes: Planes, view: CameraView, frame: Frame, cover: float) -> None:
        """Draw it over what the view sees already: `planes`, of all the grid's cells, are drawn upon."""
        window = self._window(view, frame, cover)
        if window is None:
            return
        columns, rows = self._looked_at(window, view, frame, cover)
        side = frame.cell
        window.lay((planes.y,), (self.luma,), frame.refine(columns, side), frame.refine(rows, side), side)
        columns, rows = (as_floats(at / 2 - np.float32(0.25)) for at in (columns, rows))
        side //= 2
        window.lay((planes.u, planes.v), (self.u, self.v), frame.refine(columns, side), frame.refine(rows, side), side)

    def depth(self, seen: Floats, view: CameraView, frame: Frame, cover: float) -> None:
        """Put its inverse distance, where it covers more than half, over that of what the view sees already."""
        window = self._window(view, frame, cover)
        if window is None:
            return
        drawn = np.zeros(((frame.y.size - 2) * frame.cell, (frame.x.size - 2) * frame.cell), np.uint8)
        columns, rows = (frame.refine(at, frame.cell) for at in self._looked_at(window, view, frame, cover))
        window.lay((drawn,), (Sheet(self.luma.cover, self.luma.cover),), columns, rows, frame.cell)
        seen[drawn[: frame.height, : frame.width] > 127] = self.d

    def _looked_at(self, window: "_Window", view: CameraView, frame: Frame, cover: float) -> tuple[Floats, Floats]:
        """Columns and rows of luma that the grid's nodes see, those of one more cell all around the window's too."""
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
        """The part of the frame's grid within which it stands; None if that is none."""
        height, width = self.luma.cover.sharp.shape
        along = np.linspace(0, 1, 9, dtype=np.float32)
        none, all_of_it = np.zeros_like(along), np.ones_like(along)
        columns = np.concatenate([along, along, none, all_of_it]) * np.float32(width) - np.float32(0.5)
        rows = np.concatenate([none, all_of_it, along, along]) * np.float32(height) - np.float32(0.5)
        x, y = (
            as_floats((at - np.float32(middle)) / np.float32(unit))
            for at, unit, middle in zip((columns, rows), self.units, self.middle, strict=True)
        )
        seen = project(view, cover, x, y, as_floats(np.full_like(x, self.d)))
        spans = []
        for at, nodes in zip(seen, (frame.x[0], frame.y[:, 0]), strict=True):
            cells = (at - nodes[0]) / frame.spacing
            # Neither the margin nor what is beyond it; a cell more than the corners say, for bulging lenses.
            spans.append((max(int(cells.min()) - 2, 0), min(int(cells.max()) + 2, len(nodes) - 2)))
        (left, right), (top, bottom) = spans
        return _Window(left, top, right, bottom) if left < right and top < bottom else None


class _Window(NamedTuple):
    """Cells of a frame's grid, its margin not counted."""

    left: int
    top: int
    right: int
    bottom: int

    def lay(self, planes: Sequence[Bytes], sheets: Sequence[Sheet], columns: Floats, rows: Floats, side: int) -> None:
        """Lay sheets of one size over planes with `side` samples per cell; columns and rows have a cell of margin."""
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
    """Nothing is beyond the plane."""
    return as_bytes(cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT))
