"""Paint a reading: a picture with its depth, its parts and its focal point."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from shared.vocabulary.words import Place, Weather
from workers.media.planes import as_floats
from workers.media.previews import WIDTH as GLIMPSE
from workers.media.previews import small_jpeg_of
from workers.media.saliency import salient_point
from workers.media.scenery import Flat, Scenery
from workers.painter import city, grade, inland, shores, space, subjects, weather
from workers.painter.canvas import Camera, Canvas, Cutout
from workers.painter.land import Setting, paint_land
from workers.painter.light import Light, light_of
from workers.painter.noise import Field, resized, stream
from workers.painter.reading import Reading
from workers.painter.sky import paint_sky
from workers.painter.style import styled

_LANDS = inland.LANDS | shores.LANDS

Pixels8 = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
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
    finish = partial(_finished, light=light, reading=reading)
    nearest = max(float(canvas.inverse.max()), 1e-6)
    nearness = _nearness(canvas.inverse, nearest)
    scenery = _scenery(canvas.behind, canvas.cutouts, nearest, finish) if canvas.behind else None
    rgb = scenery.picture() if scenery else finish(canvas)
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
    developed = grade.develop(scaled, reading, 1.0 if reading.place is Place.SPACE else light.exposure)
    return small_jpeg_of(np.clip(developed * 255 + 0.5, 0, 255).astype(np.uint8))


def _nearness(inverse: Field, nearest: float) -> Pixels16:
    return np.round(inverse * np.float32(65535 / nearest)).astype(np.uint16)


def _finished(canvas: Canvas, light: Light, reading: Reading) -> Pixels8:
    """Return the finished picture of a canvas: weather, lens and style. The canvas's colours are overwritten."""
    if reading.place is not Place.SPACE:
        if reading.weather is Weather.STORM:
            weather.lightning(canvas, reading.seed)
        weather.paint_weather(canvas, light, reading)
    grade.soften_edges(canvas)
    picture = grade.develop(canvas, reading, 1.0 if reading.place is Place.SPACE else light.exposure)
    picture = styled(picture, reading.style, canvas.camera.scale, reading.seed)
    return grade.dithered(picture, reading.seed)


def _scenery(behind: Canvas, cutouts: Sequence[Cutout], nearest: float, finish: Callable[[Canvas], Pixels8]) -> Scenery:
    """Return the backdrop without its near objects, and each object whole, in the picture's colours.

    Objects are finished at their places on the backdrop. Objects that do not overlap are finished together.
    """
    backdrop_nearness = as_floats(_nearness(behind.inverse, nearest) / np.float32(65535))
    flats: list[Flat] = []
    for group in _apart(sorted(cutouts, key=lambda cutout: cutout.inverse)):
        sheet = behind.copy()
        for cutout in group:
            touched = cv2.dilate(cutout.alpha, np.ones((5, 5), np.uint8)) > 0
            sheet.rgb[cutout.place][touched] = cutout.paint[touched]
            sheet.inverse[cutout.place][touched] = cutout.inverse
        rgb = finish(sheet)
        for cutout in group:
            alpha = np.round(cutout.alpha * 255).astype(np.uint8)
            rgba = np.dstack([rgb[cutout.place], alpha])
            flats.append(Flat(cutout.left, cutout.top, rgba, min(cutout.inverse / nearest, 1.0)))
    backdrop = finish(behind)
    return Scenery(backdrop, backdrop_nearness, tuple(sorted(flats, key=lambda flat: flat.nearness)))


def _apart(cutouts: Sequence[Cutout]) -> list[list[Cutout]]:
    """Group the cutouts so that no two of a group overlap."""
    groups: list[list[Cutout]] = []
    for cutout in cutouts:
        for group in groups:
            if not any(cutout.overlaps(other) for other in group):
                group.append(cutout)
                break
        else:
            groups.append([cutout])
    return groups


def _focal_point(canvas: Canvas, reading: Reading) -> tuple[float, float] | None:
    """Return the position of the largest visible subject, preferring subjects that the prompt names."""
    width, height = canvas.camera.width, canvas.camera.height
    within = [subject for subject in canvas.subjects if 0 < subject.x < width and 0 < subject.y < height]
    if not within:
        return None
    chosen = max(within, key=lambda subject: (subject.name in reading.accents, subject.height))
    return chosen.x / width, chosen.y / height
