"""The `procedural` engine: a painter in code, not a model. It reads words and composes a picture with its depth."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from shared.stages.requests import ImageGenerationJob
from shared.stages.stages import Role
from workers.engines.contract import Output, StageResult, Workspace
from workers.engines.image_generation import city, grade, inland, shores, space, subjects, weather
from workers.engines.image_generation.canvas import Camera, Canvas
from workers.engines.image_generation.land import Stage, paint_land
from workers.engines.image_generation.light import light_of
from workers.engines.image_generation.noise import stream
from workers.engines.image_generation.sky import paint_sky
from workers.engines.image_generation.style import styled
from workers.engines.image_generation.vocabulary import Place, Reading, Weather, read
from workers.media.planes import as_floats
from workers.media.saliency import salient_point

_LANDS = inland.LANDS | shores.LANDS

Pixels8 = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]
Pixels16 = np.ndarray[tuple[int, ...], np.dtype[np.uint16]]


@dataclass(frozen=True, slots=True)
class Painting:
    """A picture (h, w, 3) RGB and its nearness (h, w): 65535 nearest, 0 sky, linear in one over distance."""

    rgb: Pixels8
    nearness: Pixels16
    focal_point: tuple[float, float]  # of what the picture is about, fractions of its width and height


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


def paint(reading: Reading, width: int, height: int, progress: Callable[[float], None] = lambda _: None) -> Painting:
    """Paint what was read at `width` x `height` pixels."""
    canvas = Canvas.blank(_camera(reading, width, height))
    light = light_of(reading)
    if reading.place is Place.SPACE:
        space.paint_space(canvas, reading)
    else:
        if light.disc > 0:  # a sun or a moon that shows stands within the picture
            top = canvas.camera.horizon / canvas.camera.scale - 0.075
            light = replace(light, sun_height=min(light.sun_height, top))
        paint_sky(canvas, light, reading)
        progress(0.2)
        if reading.place is Place.CITY:
            city.paint_street(canvas, light, reading)
        elif reading.place is Place.SKYLINE:
            city.paint_skyline(canvas, light, reading)
        else:
            stage = Stage(canvas, light, reading)
            paint_land(stage, _LANDS[reading.place](stage))
            if stage.lamp is not None:
                subjects.beam(canvas, *stage.lamp, strength=0.9 * light.lamps)
        if reading.weather is Weather.STORM:
            weather.lightning(canvas, reading.seed)
        weather.paint_weather(canvas, light, reading)
    progress(0.7)
    grade.soften_edges(canvas)
    picture = grade.develop(canvas, reading, 1.0 if reading.place is Place.SPACE else light.exposure)
    picture = styled(picture, reading.style, canvas.camera.scale, reading.seed)
    progress(0.9)
    nearest = max(float(canvas.inverse.max()), 1e-6)
    nearness = np.round(canvas.inverse * np.float32(65535 / nearest)).astype(np.uint16)
    rgb = grade.dithered(picture, reading.seed)
    return Painting(
        rgb, nearness, _focal_point(canvas, reading) or salient_point(rgb, as_floats(nearness / np.float32(65535)))
    )


def _focal_point(canvas: Canvas, reading: Reading) -> tuple[float, float] | None:
    """Where the largest subject within the picture stands, one that the words name before any other."""
    width, height = canvas.camera.width, canvas.camera.height
    within = [subject for subject in canvas.subjects if 0 < subject.x < width and 0 < subject.y < height]
    if not within:
        return None
    chosen = max(within, key=lambda subject: (subject.name in reading.accents, subject.height))
    return chosen.x / width, chosen.y / height


class Procedural:
    """Paints landscapes, cities and space from the words it knows; any other words choose by their hash."""

    def load(self) -> None:
        """Nothing to prepare: the painter has no weights."""

    def run(self, request: ImageGenerationJob, workspace: Workspace) -> StageResult:
        """Write `picture.png` (RGB, 8 bit) and `depth.png` (grey, 16 bit) of the request's size."""
        workspace.progress(0.02)
        reading = read(request.prompt, request.style, request.seed)
        painting = paint(reading, request.width, request.height, workspace.progress)
        picture, depth = workspace.folder / "picture.png", workspace.folder / "depth.png"
        fast = [cv2.IMWRITE_PNG_COMPRESSION, 1]
        cv2.imwrite(str(picture), cv2.cvtColor(painting.rgb, cv2.COLOR_RGB2BGR), fast)
        cv2.imwrite(str(depth), painting.nearness, fast)
        workspace.progress(1.0)
        return StageResult(
            outputs=(Output(Role.PICTURE, picture, "image/png"), Output(Role.DEPTH, depth, "image/png")),
            metrics={
                "painter": "procedural - a painter in code, not a model",
                "understood": list(reading.understood),
                "place": reading.place.value,
                "timeOfDay": reading.time.value,
                "weather": reading.weather.value,
                "mood": reading.mood.value,
                "palette": reading.palette.value,
                "style": reading.style.value,
                "accents": sorted(accent.value for accent in reading.accents),
                "focalPoint": [round(fraction, 4) for fraction in painting.focal_point],
            },
        )
