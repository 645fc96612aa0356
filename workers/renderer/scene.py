"""A scene for a moving camera, from a picture and its depth: it draws the frame that a view sees.

Most of a frame is smooth. Its remap coordinates are calculated on a coarse grid and resized; on a coarser grid if the
difference is invisible. Only cells at the edges of near objects are calculated per pixel: a pixel shows the near
object, else the surface behind it, else the inpainted background.
"""

from collections.abc import Iterator, Sequence
from math import ceil, inf
from typing import NamedTuple

import cv2
import numpy as np

from shared.camera.lowerings import CameraView
from workers.media.planes import Bytes, Floats, Planes, as_bytes, as_floats, from_rgb
from workers.media.scenery import Flat
from workers.motion.projection import CELL, Frame, Raster, Rays, rays
from workers.renderer.flats import PlacedFlat
from workers.renderer.focus import WIDEST, Stack, before, behind, matte
from workers.renderer.layers import Indices, decompose
from workers.renderer.warp import Relief, meet, stretch

_FINE = 2  # pixels of the picture per pixel of the depth map for edges
_SEARCH = 4  # pixels of the picture per pixel of the coarser depth map for ray intersections
_WIDE_CELL = 2 * CELL  # side of a cell of the coarser grid, in pixels
_STRAIGHT = 0.25  # maximum deviation from linear within a wide cell, in pixels
_BATCH = 16  # cells whose samples form one row: OpenCV limits both sides of an array to 32767
# Range of pixels of the picture per pixel of the frame that is drawn unscaled, and the ratios to which pictures below
# and above that range are scaled.
_COARSEST, _FINEST, _ENLARGED, _REDUCED = 0.6, 1.5, 0.8, 1.2
_TORN = 1.25  # stretch factor above which a surface may be an object's edge that is torn open
_PARTING = 0.2  # displacement of two surfaces against each other that becomes visible, in pixels of the coarse map


class Layer(NamedTuple):
    """Luma, and chroma at half size: U, V and two empty channels, because cv2.remap is faster with 4 than with 2."""

    luma: Bytes
    chroma: Bytes

    @classmethod
    def of(cls, planes: Planes) -> "Layer":
        empty = np.zeros_like(planes.u)
        return cls(planes.y, as_bytes(cv2.merge([planes.u, planes.v, empty, empty])))


class Cover(NamedTuple):
    """The coverage of near objects in each sample of luma and of chroma: 0..255."""

    luma: Bytes
    chroma: Bytes

    @classmethod
    def of(cls, luma: Bytes) -> "Cover":
        height, width = luma.shape
        return cls(luma, as_bytes(cv2.resize(luma, (width // 2, height // 2), interpolation=cv2.INTER_AREA)))

    def solid(self) -> "Cover":
        return Cover(np.full_like(self.luma, 255), np.full_like(self.chroma, 255))


class Blurs(NamedTuple):
    """The blurs of one plane of both layers."""

    front: Stack
    back: Stack


class Scene(NamedTuple):
    """Both layers of a picture, their depth, and the flats in front of them."""

    unit: float  # pixels of the picture per unit
    front: Layer
    back: Layer  # the front itself if the picture has no occluding edges
    own: Layer  # the front with rims in the objects' own colours, as in `Layers`
    cover: Cover  # the coverage of `own`
    front_relief: Relief
    back_relief: Relief
    search_relief: Relief  # coarser map of the front
    sides: Floats  # rows and columns of the search relief x 2: nearest and farthest surface around each point
    things: Floats  # size of the front relief: 1 at objects that stand before something else
    cliff: float  # minimum step of inverse distance that is an object's edge
    blurs: tuple[Blurs, ...]  # for luma and chroma; empty without a lens
    flats: tuple[PlacedFlat, ...]  # far to near
    cell: int  # side of a cell of the frames' grid, in pixels

    @classmethod
    def of(
        cls,
        picture: Bytes,
        depth: Floats,
        unit: float,
        frame_unit: float,
        reach: float,
        *,
        lens: bool,
        flats: Sequence[Flat] = (),
    ) -> "Scene":
        """Lay out a picture. `depth` is inverse distance of any size.

        `unit` and `frame_unit` are the picture's and the frame's pixels per unit. `flats`, from far to near, stand in
        front of the picture and are not in it. A picture much finer or coarser than the frame is scaled first. `reach`
        is the maximum reach of all views, in units. `lens` must be true if a view has a focus.
        """
        height, width = picture.shape[:2]
        finer = unit / frame_unit
        scale = 1.0 if _COARSEST < finer < _FINEST else (_ENLARGED if finer < 1 else _REDUCED) / finer
        size = (max(2 * round(width * scale / 2), 16), max(2 * round(height * scale / 2), 16))
        if size != (width, height):
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LANCZOS4
            picture = as_bytes(cv2.resize(picture, size, interpolation=how))
        scale = size[0] / width
        placed = tuple(PlacedFlat.of(flat, (width, height), scale, unit, lens=lens) for flat in flats)
        unit *= scale
        fine = (size[0] // _FINE, size[1] // _FINE)
        how = cv2.INTER_AREA if fine[0] < depth.shape[1] else cv2.INTER_LINEAR
        depth = as_floats(cv2.resize(depth, fine, interpolation=how))
        layers = decompose(picture, depth, max(reach, 3 * WIDEST * lens) * unit / _FINE)
        soft = _soften(layers.front_depth)
        around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (5, 5))
        sides = cv2.merge([cv2.dilate(layers.front_depth, around), cv2.erode(layers.front_depth, around)])
        coarse = (-(-size[0] // _SEARCH), -(-size[1] // _SEARCH))
        search = cv2.resize(cv2.dilate(soft, around[1:4, 1:4]), coarse, interpolation=cv2.INTER_AREA)
        bent = _bend(as_floats(search), ceil(_WIDE_CELL * unit / frame_unit / _SEARCH)) * reach * frame_unit
        bent += _WIDE_CELL**2 / 8 / frame_unit  # the deviation by a fisheye lens or a rotation
        front = Layer.of(from_rgb(layers.front))
        back = front if layers.back is None else Layer.of(from_rgb(layers.back))
        own = front if layers.back is None else Layer.of(from_rgb(layers.own))
        blurs = (
            []
            if not lens
            else [
                Blurs(Stack.of(plane, unit / step), Stack.of(plane_behind, unit / step))
                for plane, plane_behind, step in ((front.luma, back.luma, 1), (front.chroma, back.chroma, 2))
            ]
        )
        return cls(
            unit,
            front,
            back,
            own,
            Cover.of(layers.cover),
            Relief.of(soft),
            Relief.of(_soften(layers.back_depth)),
            Relief.of(as_floats(search)),
            as_floats(cv2.resize(sides, coarse, interpolation=cv2.INTER_NEAREST)),
            layers.things.astype(np.float32),
            layers.cliff,
            tuple(blurs),
            placed,
            _WIDE_CELL if bent < _STRAIGHT else CELL,
        )

    def focused(self, focus: float) -> "Scene":
        """Return the scene as a lens focused at this disparity sees it."""
        depth, back_depth = self.front_relief.d, self.back_relief.d
        unit = self.unit * depth.shape[1] / self.front.luma.shape[1]
        far, far_back, near = behind(depth, focus), behind(back_depth, focus), before(depth, focus, unit)
        cover = matte(self.things, far, unit)
        front, back = [], []
        for blurs in self.blurs:
            height, width = blurs.front.sharp.shape[:2]
            opacity = as_floats(cv2.resize(cover, (width, height)))
            without_things = blurs.back.mix(far_back)
            seen = as_bytes(cv2.blendLinear(blurs.front.mix(far), without_things, opacity, 1 - opacity))
            front.append(blurs.front.mix(near, seen) if near.any() else seen)
            back.append(without_things)
        sharp = Layer(*front)
        flats = tuple(flat.focused(focus) for flat in self.flats)
        return self._replace(front=sharp, back=Layer(*back), own=sharp, cover=self.cover.solid(), flats=flats)

    def draw(self, view: CameraView, frame: Frame, cover: float) -> Planes:
        """Draw the frame that `view` sees at the base zoom `cover`."""
        on_map = rays(view, cover, frame.x, frame.y, self._raster(self.search_relief.d))
        d = meet(on_map, self.search_relief)
        x, y = on_map.at(d)
        factor, right, down = self._raster(self.search_relief.d).onto(self._raster(self.front.luma))
        x, y = x * factor + right, y * factor + down
        luma = frame.remapped(self.front.luma, x, y, frame.cell)
        x, y = (as_floats(at / 2 - np.float32(0.25)) for at in (x, y))
        chroma = frame.remapped(self.front.chroma, x, y, frame.cell // 2)
        if self.back is not self.front:
            edges = _Edges.of(*self._surfaces(on_map, d), on_map, self.cliff)
            for group in edges.groups(self.cliff):
                for plane, side in ((luma, frame.cell), (chroma, frame.cell // 2)):
                    self._draw_edges(plane, side, group, view, frame, cover)
        planes = Planes(luma, *(as_bytes(cv2.extractChannel(chroma, i)) for i in range(2)))
        for flat in self.flats:
            flat.draw(planes, view, frame, cover)
        shapes = frame.plane_shapes()
        return Planes(*(plane[:rows, :columns] for plane, (rows, columns) in zip(planes, shapes, strict=True)))

    def _surfaces(self, on_map: Rays, d: Floats) -> tuple[Floats, Floats, Floats]:
        """Return three inverse distances at which each ray may meet a surface, far to near.

        Where the surface is torn, they are the background's, the foot's and the crest's. Elsewhere all three are `d`.
        """
        x, y = on_map.at(d)
        torn = np.nonzero(stretch(on_map, self.search_relief, x, y) > _TORN)
        crest, foot = _nearest(self.sides, x[torn], y[torn]).T
        few = Rays(*(each[torn] for each in on_map))
        on_back = few.onto(self._raster(self.search_relief.d), self._raster(self.back_relief.d))
        hidden = _nearest(self.back_relief.d, *on_back.at(d[torn]))
        far, own, near = d.copy(), d.copy(), d.copy()
        far[torn], own[torn], near[torn] = hidden, foot, crest
        return far, own, near

    def depth(self, view: CameraView, frame: Frame, cover: float) -> Floats:
        """Return the inverse distance of each pixel of that frame, calculated on the coarse grid: height x width."""
        on_map = rays(view, cover, frame.x, frame.y, self._raster(self.search_relief.d))
        fine = frame.refine(meet(on_map, self.search_relief), frame.cell)
        seen = np.ascontiguousarray(fine[frame.cell :, frame.cell :][: frame.height, : frame.width])
        for flat in self.flats:
            flat.depth(seen, view, frame, cover)
        return seen

    def _draw_edges(
        self, plane: Bytes, side: int, edges: "_Edges", view: CameraView, frame: Frame, cover: float
    ) -> None:
        """Draw the cells at edges again, per sample: `side` x `side` samples of `plane` in each cell."""
        if edges.rows.size == 0:
            return
        within = ((np.arange(side, dtype=np.float32) + np.float32(0.5)) / side - np.float32(0.5)) * frame.spacing
        x = frame.x[0, edges.columns + 1][:, None, None] + within
        y = frame.y[edges.rows + 1, 0][:, None, None] + within[:, None]
        on_map = rays(view, cover, x, y, self._raster(self.front_relief.d))
        on_map = Rays(*(each.reshape(-1, _BATCH * side * side) for each in on_map))
        surfaces = [np.repeat(d, side * side).reshape(on_map.start_x.shape) for d in edges.surfaces]
        drawn = self._decide(on_map, surfaces, luma=plane.ndim == 2)
        rows, columns = (size // side for size in plane.shape[:2])
        cells = plane.reshape(rows, side, columns, side, -1)
        cells[edges.rows, :, edges.columns] = drawn.reshape(-1, side, side, cells.shape[-1])

    def _decide(self, on_map: Rays, surfaces: Sequence[Floats], *, luma: bool) -> Bytes:
        """Return the samples that rays, in samples of the front relief, show.

        `surfaces` are the possible inverse distances of each ray, far to near.
        """
        own, back, cover = (layer.luma if luma else layer.chroma for layer in (self.own, self.back, self.cover))
        on_plane = on_map.onto(self._raster(self.front_relief.d), self._raster(own))
        far, near = surfaces[0], surfaces[-1]
        edge = np.maximum(near - far, np.float32(self.cliff))
        drawn = _sampled(back, *on_plane.at(self.back_relief.sample(*on_map.at(far))))
        for d in surfaces:
            met = self.front_relief.sample(*on_map.at(d))
            apart = as_floats(cv2.absdiff(met, d))
            np.copyto(met, d, where=apart >= np.float32(self.cliff / 4))
            at = on_plane.at(met)
            apart /= edge if d is near else np.float32(self.cliff)
            weight = np.clip(np.float32(2) - np.float32(4) * apart, 0, 1) * _sampled(cover, *at)
            weight /= np.float32(255)
            drawn = as_bytes(cv2.blendLinear(_sampled(own, *at), drawn, weight, 1 - weight))
        return drawn

    def _raster(self, plane: Bytes | Floats) -> Raster:
        """Return the raster of a plane or a map of the whole picture."""
        return Raster.of(plane.shape, self.unit * plane.shape[1] / self.front.luma.shape[1])


class _Edges(NamedTuple):
    """Cells of a frame's grid at edges, without the grid's margin, with the surfaces in each cell.

    The surfaces are inverse distances, far to near, one per cell. `groups` pads the cells to a multiple of `_BATCH`.
    """

    rows: Indices
    columns: Indices
    surfaces: tuple[Floats, ...]

    @classmethod
    def of(cls, far: Floats, own: Floats, near: Floats, on_map: Rays, cliff: float) -> "_Edges":
        """Return the cells beside a cliff whose sides move apart in this view, and the cells of torn surfaces.

        The inputs are the results of `Scene._surfaces`: they differ only where a surface is torn.
        """
        window = np.ones((3, 3), np.uint8)
        torn = far != near
        near, far = as_floats(cv2.dilate(near, window)), as_floats(cv2.erode(far, window))
        parting = (near - far) * as_floats(cv2.magnitude(on_map.slope_x, on_map.slope_y))
        at_edge = ((near - far > cliff) & (parting > _PARTING)) | torn
        cells = np.s_[1:-1, 1:-1]
        rows, columns = np.nonzero(at_edge[cells])
        far, own, near = (surface[cells][rows, columns] for surface in (far, own, near))
        return cls(rows, columns, (far, own, near))

    def groups(self, cliff: float) -> Iterator["_Edges"]:
        """Yield the cells with two surfaces, then the cells with a third surface between them."""
        far, own, near = self.surfaces
        third = np.minimum(own - far, near - own) > cliff / 8
        yield self._padded(np.flatnonzero(~third), (far, near))
        yield self._padded(np.flatnonzero(third), self.surfaces)

    def _padded(self, chosen: Indices, surfaces: tuple[Floats, ...]) -> "_Edges":
        if chosen.size:
            chosen = np.pad(chosen, (0, -chosen.size % _BATCH), mode="edge")
        return _Edges(self.rows[chosen], self.columns[chosen], tuple(d[chosen] for d in surfaces))


def _bend(depth: Floats, step: int) -> float:
    """Return the map's maximum deviation from linear over `step` pixels, in inverse distance; inf for small maps."""
    if min(depth.shape) <= 2 * step:
        return inf
    across = depth[:, 2 * step :] - 2 * depth[:, step:-step] + depth[:, : -2 * step]
    down = depth[2 * step :] - 2 * depth[step:-step] + depth[: -2 * step]
    return sum(float(np.abs(bent).max()) for bent in (across, down)) / 8


def _soften(depth: Floats) -> Floats:
    """Blur cliffs to slopes of about two pixels, so that edges move by fractions of a pixel instead of jumping."""
    return as_floats(cv2.GaussianBlur(depth, (0, 0), 0.8))


def _nearest(plane: Floats, x: Floats, y: Floats) -> Floats:
    """Return the plane's samples that are nearest to the points, which are in pixels of the plane."""
    rows, columns = plane.shape[:2]
    down = np.clip(np.rint(y), 0, rows - 1).astype(np.intp)
    return as_floats(plane[down, np.clip(np.rint(x), 0, columns - 1).astype(np.intp)])


def _sampled(plane: Bytes, columns: Floats, rows: Floats) -> Bytes:
    return as_bytes(cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))
