"""The last steps of a picture: weather, soft edges, lens, style and dither, of a canvas and of objects before it."""

import cv2
import numpy as np

from shared.vocabulary.words import Place, Weather
from workers.media.scenery import Flat
from workers.painter import grade, weather
from workers.painter.canvas import Canvas, Cutout, mix
from workers.painter.light import Light
from workers.painter.noise import Field, as_field, stream
from workers.painter.reading import Reading
from workers.painter.style import MARGIN, Corner, brush_of

Pixels8 = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

_FAINTEST = 0.5 / 255  # coverage that is visible
_SOFTENED = 3  # width beside an object in which its edges are softened, in pixels


class FinishedCanvas:
    """The finished picture of a canvas, whose colours are overwritten. It also finishes objects before the canvas.

    The finish of an object costs as much as its box, not as much as the picture.
    """

    def __init__(self, canvas: Canvas, scene: Canvas, light: Light, reading: Reading) -> None:
        """Finish `canvas`. `scene` is the canvas with its upright objects."""
        self._canvas, self._seed = canvas, reading.seed
        self._margin = max(_SOFTENED, round(MARGIN.get(reading.style, 0) * canvas.camera.scale))
        self._fall, exposure = None, 1.0
        if reading.place is not Place.SPACE:
            exposure = light.exposure
            if reading.weather is Weather.STORM:
                weather.lightning(canvas, reading.seed)
            self._fall = weather.fall_of(canvas, light, reading)
        if self._fall:
            self._fall.cover(canvas.rgb, np.s_[:, :])
        grade.soften_edges(canvas.rgb, canvas.inverse)
        self._lens = grade.Lens(canvas, scene, reading, exposure)
        developed = self._lens.develop()
        self._brush = brush_of(reading.style, developed, canvas.camera.scale, reading.seed)
        self.picture: Pixels8 = self._last(developed, (0, 0))  # RGB, height x width x 3

    def flat(self, cutout: Cutout, nearness: float) -> Flat:
        """Return the finished object, with the light that blooms around it."""
        cutout = cutout.trimmed()
        shines = float(cutout.paint.max()) > 1
        margin = max(self._margin, grade.reach(self._canvas.camera) if shines else 0)
        rows, columns = (slice(max(at.start - margin, 0), at.stop + margin) for at in cutout.place)
        box = rows, columns
        own = tuple(
            slice(at.start - wide.start, at.stop - wide.start) for at, wide in zip(cutout.place, box, strict=True)
        )
        behind, corner = self._canvas.rgb[box], (columns.start, rows.start)
        cover = np.zeros(behind.shape[:2], np.float32)
        cover[own] = cutout.alpha
        paint = cutout.paint.copy()
        if self._fall:
            self._fall.cover(paint, cutout.place)
        rgb, lit, inverse = behind.copy(), behind.copy(), self._canvas.inverse[box].copy()
        lit[own] = mix(lit[own], paint, cutout.alpha[..., None])
        touched = cv2.dilate(cutout.alpha, np.ones((5, 5), np.uint8)) > 0
        rgb[own][touched] = paint[touched]
        inverse[own][touched] = cutout.inverse
        grade.soften_edges(rgb, inverse)
        finished = self._brush(self._lens.develop_part(rgb, box, lit), corner)
        if shines:
            dark, bright = (self._brush(self._lens.develop_part(behind, box, of), corner) for of in (behind, lit))
            finished, cover = _with_glow(finished, cover, dark, as_field(bright - dark))
        left, top, width, height = cv2.boundingRect((cover > _FAINTEST).astype(np.uint8))
        part = np.s_[top : top + height, left : left + width]
        noise = stream(self._seed, "coverage").random((height, width), np.float32)  # prevents banding
        alpha = (cover[part] * 255 + noise * np.float32(0.99)).astype(np.uint8)
        rgba = np.dstack([grade.dithered(finished[part], self._seed), alpha])
        return Flat(corner[0] + left, corner[1] + top, rgba, nearness)

    def _last(self, developed: Field, corner: Corner) -> Pixels8:
        return grade.dithered(self._brush(developed, corner), self._seed)


def _with_glow(object_: Field, cover: Field, dark: Field, glow: Field) -> tuple[Field, Field]:
    """Return the colours and the coverage of an object and of the light around it.

    `glow` is what the light adds to the colours `dark` behind it. The light gets the least coverage that shows it.
    """
    share = as_field(np.clip((glow / np.maximum(1 - dark, 1 / 255)).max(axis=2), 0, 1))
    tone = np.clip(dark + glow / np.maximum(share, 1 / 255)[..., None], 0, 1)
    total = as_field(cover + share * (1 - cover))
    return mix(as_field(tone), object_, as_field(cover / np.maximum(total, 1 / 255))[..., None]), total
