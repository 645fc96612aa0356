"""The canvas: linear light and inverse distance for each pixel of a pinhole camera."""

from dataclasses import dataclass, field
from typing import NamedTuple

import cv2
import numpy as np

from workers.painter.noise import Field, as_field, resized

_VISIBLE = 1 / 255  # coverage up to which a cutout is invisible
_FARTHEST = 10.0  # distance of the farthest cutout, in distances of the nearest ground: farther ones hardly move
_SAME_PLACE = 0.01  # objects whose distances differ by less than this fraction share one cutout


def colour(hexadecimal: str, gain: float = 1.0) -> Field:
    """Return the sRGB colour `"ff8a4a"` as linear light, shape (3,), times `gain`."""
    srgb = np.array([int(hexadecimal[i : i + 2], 16) for i in (0, 2, 4)], np.float32) / 255
    return as_field(np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4) * gain)


def mix(a: Field, b: Field, amount: Field | float) -> Field:
    """Interpolate from `a` to `b`. An `amount` of shape (h, w, 1) is expanded to the channels first, for speed."""
    if isinstance(amount, np.ndarray) and amount.ndim == 3 and amount.shape[2] == 1:
        plane = as_field(amount[..., 0])
        if a.ndim == 1 and b.ndim == 1:
            return as_field(cv2.transform(plane, np.stack([b - a, a], axis=1)))
        amount = spread(plane)
    return as_field(a + (b - a) * amount)


def spread(plane: Field) -> Field:
    """Return the plane (h, w) repeated as (h, w, 3)."""
    return as_field(cv2.merge([plane, plane, plane]))


@dataclass(frozen=True, slots=True)
class Camera:
    """A level camera whose shift lens places the horizon on any row. In world units the eye height is about 1."""

    width: int
    height: int
    horizon: float  # row, pixels
    eye: float = 1.0  # height over the ground plane

    @property
    def scale(self) -> float:
        """The geometric size of the picture, independent of its shape, in pixels."""
        return float(np.sqrt(self.width * self.height))

    @property
    def focal(self) -> float:
        """Focal length, pixels."""
        return 0.9 * self.scale

    @property
    def nearest(self) -> float:
        """The distance of flat ground at the bottom edge."""
        return self.focal * self.eye / (self.height - self.horizon)

    def project(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Return the column and row of a world point: `x` to the right, `y` up from the ground, `z` forward."""
        return self.width / 2 + x * self.focal / z, self.horizon - (y - self.eye) * self.focal / z


class Subject(NamedTuple):
    """A possible main subject: the name of its accent and its point of interest.

    The point is in fractions of the sprite, or in pixels after the subject is on a canvas.
    """

    name: str
    x: float
    y: float
    height: float = 0.0  # pixels


@dataclass(frozen=True, slots=True)
class Sprite:
    """An upright object: coverage 0..1, shade 0..1 and emitted light, all (height, width)."""

    alpha: Field
    shade: Field
    glow: Field | None = None
    subject: Subject | None = None

    def fitted(self, width: int, height: int) -> "Sprite":
        kind = cv2.INTER_AREA if height < self.alpha.shape[0] else cv2.INTER_LINEAR
        glow = None if self.glow is None else resized(self.glow, width, height, kind)
        alpha, shade = resized(self.alpha, width, height, kind), resized(self.shade, width, height, kind)
        return Sprite(alpha, shade, glow, self.subject)


class Cutout(NamedTuple):
    """An upright object without occlusion: `paint` (h, w, 3) linear light, `alpha` (h, w), and its corner."""

    left: int
    top: int
    paint: Field
    alpha: Field
    inverse: float

    def trimmed(self) -> "Cutout":
        """Return the cutout without the rows and columns that it does not cover."""
        left, top, width, height = cv2.boundingRect((self.alpha > 0).astype(np.uint8))
        part = np.s_[top : top + height, left : left + width]
        return Cutout(self.left + left, self.top + top, self.paint[part], self.alpha[part], self.inverse)

    @property
    def place(self) -> tuple[slice, slice]:
        """The rows and columns of the cutout on its canvas."""
        height, width = self.alpha.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


@dataclass(slots=True)
class Canvas:
    """`rgb` (h, w, 3) linear light; `inverse` (h, w) 1 / distance, 0 is sky; `water` (h, w) open water 0..1.

    Upright objects that `stand` places before `set_apart` wait in `standing`, so that the air and the water behind them
    are painted. `set_apart` paints them. It stores them, and all upright objects that follow, as cutouts, in painting
    order; `behind` is the canvas without them.
    """

    camera: Camera
    rgb: Field
    inverse: Field
    water: Field
    subjects: list[Subject] = field(default_factory=list)  # pixels
    behind: "Canvas | None" = None
    cutouts: list[Cutout] = field(default_factory=list)
    standing: list[Cutout] = field(default_factory=list)

    @classmethod
    def blank(cls, camera: Camera) -> "Canvas":
        shape = (camera.height, camera.width)
        return cls(camera, np.zeros((*shape, 3), np.float32), np.zeros(shape, np.float32), np.zeros(shape, np.float32))

    def copy(self) -> "Canvas":
        """Return an independent copy of the canvas."""
        return Canvas(self.camera, self.rgb.copy(), self.inverse.copy(), self.water.copy())

    def set_apart(self) -> None:
        """Paint the objects of `standing`. Store them, and all upright objects that follow, as cutouts too."""
        self.behind = self.copy()
        self._paint_standing()

    def complete(self) -> "Canvas":
        """Return the canvas with the objects of `standing`."""
        if not self.standing:
            return self
        whole = self.copy()
        whole.standing = list(self.standing)
        whole._paint_standing()
        return whole

    def _paint_standing(self) -> None:
        for left, top, paint, alpha, inverse in self.standing:
            self.lay(left, top, paint, alpha, inverse)
        self.standing.clear()

    def set_light(self, paint: Field, alpha: Field, inverse: float, corner: tuple[int, int] = (0, 0)) -> None:
        """Store light in the air, which nothing hides, as a cutout: `paint` (3,), and its coverage `alpha` (h, w)."""
        self.cutouts.append(Cutout(*corner, as_field(np.broadcast_to(paint, (*alpha.shape, 3))), alpha, inverse))

    def lay(self, left: int, top: int, paint: Field, alpha: Field, inverse: Field | float) -> None:
        """Paint `paint`, (h, w, 3) or (3,), at a corner. Nearer pixels of the canvas hide it.

        The distance is replaced where coverage is at least 0.5, so that colour and distance have the same outline.
        """
        place, cut = self._within(left, top, alpha)
        over = alpha[cut]
        if not over.size:
            return
        source = paint if paint.ndim == 1 else paint[cut]
        near = inverse[cut] if isinstance(inverse, np.ndarray) else np.float32(inverse)
        if self.behind is not None and not isinstance(inverse, np.ndarray):
            shown = np.where(near >= self.behind.inverse[place], over, np.float32(0))
            if shown.max() > _VISIBLE:
                paint = as_field(np.broadcast_to(source, (*shown.shape, 3)))
                self._keep(Cutout(place[1].start, place[0].start, paint, as_field(shown), inverse))
        over = np.where(near >= self.inverse[place], over, np.float32(0))
        self.inverse[place] = np.where(over >= 0.5, near, self.inverse[place])
        self.water[place] *= 1 - over
        self.rgb[place] += (source - self.rgb[place]) * spread(as_field(over))

    def _within(self, left: int, top: int, alpha: Field) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Return the part of the canvas that an object at a corner covers, and the part of the object inside it."""
        spans = []
        for start, size, end in zip((top, left), alpha.shape, self.rgb.shape[:2], strict=True):
            first, last = max(0, start), min(end, start + size)
            spans.append((slice(first, last), slice(first - start, max(last, first) - start)))
        (rows, inner_rows), (columns, inner_columns) = spans
        return (rows, columns), (inner_rows, inner_columns)

    def _keep(self, cutout: Cutout) -> None:
        """Store a cutout, or merge it into the previous one if both have the same place (grass and its flowers)."""
        last = self.cutouts[-1] if self.cutouts else None
        if last and last.place == cutout.place and abs(last.inverse - cutout.inverse) < _SAME_PLACE * last.inverse:
            alpha = as_field(last.alpha + cutout.alpha - last.alpha * cutout.alpha)
            share = as_field(cutout.alpha / np.maximum(alpha, np.float32(1e-6)))
            self.cutouts[-1] = last._replace(paint=mix(last.paint, cutout.paint, share[..., None]), alpha=alpha)
        else:
            self.cutouts.append(cutout)

    def stand(
        self,
        sprite: Sprite,
        dark: Field,
        light: Field,
        x: float,
        y: float,
        z: float,
        height: float,
        *,
        glow: Field | None = None,
        apart: bool = True,
    ) -> None:
        """Place a sprite at a world point, with its foot at height `y`. Its shade is mapped from `dark` to `light`.

        `apart` is False for objects that are too many to be cutouts.
        """
        column, row = self.camera.project(x, y, z)
        pixels_high = height * self.camera.focal / z
        rows = round(pixels_high)
        columns = round(pixels_high * sprite.alpha.shape[1] / sprite.alpha.shape[0])
        left, top = round(column - columns / 2), round(row) - rows
        out = left >= self.camera.width or left + columns <= 0 or top >= self.camera.height or top + rows <= 0
        if rows < 2 or columns < 1 or out:
            return
        fitted = sprite.fitted(columns, rows)
        paint = mix(dark, light, fitted.shade[..., None])
        if fitted.glow is not None and glow is not None:
            paint = as_field(paint + cv2.transform(fitted.glow, glow[:, None]))
        if apart and self.behind is None and z < _FARTHEST * self.camera.nearest:
            place, cut = self._within(left, top, fitted.alpha)
            corner = place[1].start, place[0].start
            self.standing.append(Cutout(*corner, as_field(paint[cut]), as_field(fitted.alpha[cut]), 1 / z))
        else:
            self.lay(left, top, paint, fitted.alpha, 1 / z)
        if sprite.subject is not None:
            name, at_x, at_y, _ = sprite.subject
            self.subjects.append(Subject(name, left + at_x * columns, top + at_y * rows, rows))
