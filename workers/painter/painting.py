"""Paint a reading: a picture with its depth, its parts and its focal point."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from shared.vocabulary.words import Place
from workers.media.planes import as_floats
from workers.media.previews import WIDTH as GLIMPSE
from workers.media.previews import small_jpeg_of
from workers.media.saliency import salient_point
from workers.media.scenery import Scenery
from workers.painter import city, grade, inland, shores, space, subjects
from workers.painter.canvas import Camera, Canvas
from workers.painter.finish import FinishedCanvas, Pixels8
from workers.painter.land import Setting, paint_land
from workers.painter.light import Light, light_of
from workers.painter.noise import Field, resized, stream
from workers.painter.reading import Reading
from workers.painter.sky import paint_sky

_LANDS = inland.LANDS | shores.LANDS

Pixels16 = np.ndarray[tuple[int, ...], np.dtype[np.uint16]]


@dataclass(frozen=True, slots=True)
class Painting:
    """A picture (h, w, 3) RGB and its nearness (h, w): 65535 nearest, 0 sky, linear in 1 / distance."""

    rgb: Pixels8
    nearness: Pixels16
    focal_point: tuple[float, float]  # of the main subject, in fractions of width and height
    scenery: Scenery | None = None  # the picture in parts, if it has near objects


def _camera(reading: Reading, width: int, height: int) -> Camera:
    rng = stream(reading.seed, "camera")
    level = {Place.CITY: 0.56, Place.SKYLINE: 0.62, Place.SEA: 0.58, Place.LAKE: 0.55, Place.CANYON: 0.6}.get(
        reading.place, 0.55
    )
    level += float(rng.uniform(-0.03, 0.03)) + (0.03 if height > width else 0.0)
    eye = {
        Place.CITY: 1.7,
        Place.MEADOW: 1.3,
        Place.DESERT: 1.7,
        Place.CANYON: 1.5,
        Place.COAST: 1.3,
        Place.ISLAND: 1.25,
    }.get(reading.place, 1.4)
    return Camera(width, height, height * level, eye)


def paint(
    reading: Reading,
    width: int,
    height: int,
    progress: Callable[[float], None] = lambda _: None,
    show: Callable[[Callable[[], bytes]], None] = lambda _: None,
) -> Painting:
    """Paint a reading at `width` x `height` pixels. `show` receives previews, like `Workspace.show`."""
    canvas = Canvas.blank(_camera(reading, width, height))
    light = light_of(reading)
    if reading.place is Place.SPACE:
        space.paint_space(canvas, reading)
    else:
        if light.disc > 0:  # a visible sun or moon must be inside the picture
            top = canvas.camera.horizon / canvas.camera.scale - 0.075
            light = replace(light, sun_height=min(light.sun_height, top))
        paint_sky(canvas, light, reading)
        progress(0.2)
        show(partial(_glimpse, canvas, light, reading))
        if reading.place is Place.CITY:
            city.paint_street(canvas, light, reading)
        elif reading.place is Place.SKYLINE:
            city.paint_skyline(canvas, light, reading)
        else:
            stage = Setting(canvas, light, reading)
            paint_land(stage, _LANDS[reading.place](stage))
            if stage.lamp is not None:
                subjects.beam(canvas, *stage.lamp, strength=0.9 * light.lamps)
    progress(0.6)
    show(partial(_glimpse, canvas, light, reading))
    nearest = max(float(canvas.inverse.max()), 1e-6)
    nearness = _nearness(canvas.inverse, nearest)
    finish = FinishedCanvas(canvas.behind or canvas, canvas, light, reading)
    scenery = _scenery(canvas, finish, nearest) if canvas.cutouts else None
    rgb = scenery.picture() if scenery else finish.picture
    progress(0.9)
    show(partial(small_jpeg_of, rgb))
    focal_point = _focal_point(canvas, reading) or salient_point(rgb, as_floats(nearness / np.float32(65535)))
    return Painting(rgb, nearness, focal_point, scenery)


def _glimpse(canvas: Canvas, light: Light, reading: Reading) -> bytes:
    """Return a small JPEG of an unfinished canvas. Scaling down first makes it cheap."""
    camera = canvas.camera
    small = replace(camera, width=GLIMPSE, height=round(GLIMPSE * camera.height / camera.width))
    scaled = Canvas.blank(small)
    scaled.rgb = resized(canvas.rgb, small.width, small.height, cv2.INTER_AREA)
    developed = grade.Lens(scaled, scaled, reading, 1.0 if reading.place is Place.SPACE else light.exposure).develop()
    return small_jpeg_of(np.clip(developed * 255 + 0.5, 0, 255).astype(np.uint8))


def _nearness(inverse: Field, nearest: float) -> Pixels16:
    return np.round(inverse * np.float32(65535 / nearest)).astype(np.uint16)


def _scenery(canvas: Canvas, finish: FinishedCanvas, nearest: float) -> Scenery:
    """Return the backdrop without its upright objects, and each object whole, in the picture's colours."""
    backdrop = canvas.behind or canvas
    flats = [
        finish.flat(cutout, min(cutout.inverse / nearest, 1.0))
        for cutout in sorted(canvas.cutouts, key=lambda cutout: cutout.inverse)
    ]
    return Scenery(finish.picture, as_floats(_nearness(backdrop.inverse, nearest) / np.float32(65535)), tuple(flats))


def _focal_point(canvas: Canvas, reading: Reading) -> tuple[float, float] | None:
    """Return the position of the largest visible subject, preferring subjects that the prompt names."""
    width, height = canvas.camera.width, canvas.camera.height
    within = [subject for subject in canvas.subjects if 0 < subject.x < width and 0 < subject.y < height]
    if not within:
        return None
    chosen = max(within, key=lambda subject: (subject.name in reading.accents, subject.height))
    return chosen.x / width, chosen.y / height
