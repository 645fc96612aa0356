"""Ground under an open sky: the description of a place, and the order in which its parts are painted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from shared.vocabulary.words import Mood, Weather
from workers.painter import subjects, terrain
from workers.painter.canvas import Camera, Canvas, Sprite, colour
from workers.painter.grade import toward
from workers.painter.light import Light
from workers.painter.noise import Field, Noise, as_field, smoothstep, stream
from workers.painter.reading import Reading
from workers.painter.water import paint_water


class Setting:
    """The canvas, light, reading and sampled ground that a scene's painting functions share."""

    def __init__(self, canvas: Canvas, light: Light, reading: Reading) -> None:
        self.canvas, self.light, self.reading = canvas, light, reading
        self.camera: Camera = canvas.camera
        self.rng = stream(reading.seed, "composition")
        self.noise = Noise(stream(reading.seed, "ground"))
        self.side = -light.side  # the heavier side of the composition; the sun or moon is on the other side
        self.fan: terrain.Fan  # the sampled ground, set by `paint_land`
        self.nearest = self.camera.nearest  # distance of the ground at the bottom edge
        self.has_water = False
        self._subjects: list[tuple[float, float, float, float]] = []  # x, y, z and height of each one that stands
        self.lamp: tuple[float, float, float] | None = None  # world point of a lighthouse's light

    def half_width(self, z: float) -> float:
        """Return the world width from the middle to the picture's edge at distance `z`."""
        return self.camera.width / 2 * z / self.camera.focal

    def ground(self, x: float, z: float) -> tuple[float, float]:
        """Return height and slope of the ground at a point, or at the nearest point inside the picture."""
        distances = self.fan.z[:, 0]
        step = int(np.clip(np.searchsorted(distances, z), 0, len(distances) - 1))
        column = int(np.clip(self.camera.width / 2 + x * self.camera.focal / z, 0, self.camera.width - 1))
        return float(self.fan.height[step, column]), float(self.fan.slope[step, column])

    def hides_subject(self, x: float, z: float, height: float) -> bool:
        """Return whether an object on the ground at a point would hide more than the foot of a subject."""
        top = (self.ground(x, z)[0] + height - self.camera.eye) / z
        return any(
            z < far and abs(x / z - at / far) < 0.75 * size / far and top > (foot + 0.25 * size - self.camera.eye) / far
            for at, foot, far, size in self._subjects
        )

    def open_water(self, spots: Sequence[tuple[float, float]]) -> tuple[float, float]:
        """Return the first of `spots`, (share of half width, distance), with water at and before it, else the last."""
        for share, z in spots:
            x = share * self.half_width(z)
            if all(
                self.ground(x + across, z - back)[0] < 0 for across in (-0.9, 0, 0.9) for back in (0, 0.2 * z, 0.4 * z)
            ):
                break
        return x, z

    def stand(
        self,
        sprite: Sprite,
        paint: tuple[str, str],
        x: float,
        z: float,
        height: float,
        *,
        lamp: float = 0.0,
        sunk: float = 0.0,
        apart: bool = True,
    ) -> None:
        """Place a sprite on the ground, or on the water above the ground. A subject has the colour of the prompt."""
        if sprite.subject is not None:
            paint = self.reading.colour_of(sprite.subject.name) or paint
        ground = self.ground(x, z)[0]
        y = (max(ground, 0.0) if self.has_water else ground) - sunk
        if sprite.subject is not None:
            self._subjects.append((x, y, z, height))
        subjects.stand_lit(self.canvas, sprite, paint, self.light, (x, y, z), height, lamp=lamp, apart=apart)


@dataclass(frozen=True, slots=True)
class Land:
    """The ground of one place. If the place has water, heights below 0 are under water."""

    heights: terrain.Heights
    albedo: Callable[[terrain.Fan], Field]
    far: float = 110.0
    glow: Callable[[terrain.Fan], Field] | None = None  # light that the ground emits
    grain: tuple[float, int, float] = (1.2, 5, 0.28)  # frequency, octaves, strength
    wrap: float = 0.06
    water: bool = False
    chop: float = 0.12
    clarity: float = 1.8  # how fast the reflection changes to the water's own colour toward the viewer
    body: str = "0c2a33"
    mist_top: float = 1.0
    furnish: Callable[[], None] | None = None  # paints upright objects, which the water reflects
    front: Callable[[], None] | None = None  # paints the foreground, near the camera


def paint_land(stage: Setting, land: Land) -> None:
    canvas, camera = stage.canvas, stage.camera

    def heights(x: Field, z: Field) -> Field:
        return as_field(np.maximum(land.heights(x, z), -0.35))

    fan = terrain.fan_of(camera, heights, stage.light, land.far)
    stage.fan = fan
    stage.has_water = land.water
    surface = (
        terrain.Fan(fan.x, fan.z, as_field(np.maximum(fan.height, 0)), fan.slope, fan.facing, fan.shadow)
        if land.water
        else fan
    )
    hits = terrain.cast(camera, surface)
    albedo, own = land.albedo(fan), stage.reading.colour_of(stage.reading.place)
    if own is not None and not land.water:
        albedo = toward(albedo, colour(own[1]), 0.65)
    paint = terrain.seen(hits, terrain.lit(fan, albedo, stage.light, land.wrap))
    frequency, octaves, strength = land.grain
    detail = terrain.grain(camera, hits, stage.noise, frequency, octaves)
    shade = 1 + strength * detail + 1.6 * strength * terrain.relief(camera, hits, detail, stage.light.side)
    paint = as_field(paint * np.clip(shade, 0.2, 2)[..., None])
    if land.glow is not None:
        paint = as_field(paint + terrain.seen(hits, land.glow(fan)))
    water = smoothstep(0.03, -0.03, terrain.seen(hits, fan.height)) if land.water else None
    terrain.lay_ground(canvas, hits, paint, water)
    stage.nearest = float(1 / max(canvas.inverse[-1].max(), 1 / camera.nearest))
    if land.furnish is not None:
        land.furnish()
    terrain.Air(canvas, stage.light, stage.noise, land.mist_top).fill(canvas)
    if land.water:
        chop = land.chop
        if stage.reading.weather in (Weather.STORM, Weather.RAIN):
            chop = min(1.0, chop + 0.35)
        if stage.reading.mood is Mood.CALM:
            chop *= 0.4
        paint_water(
            canvas,
            stage.light,
            stage.reading.seed,
            chop=chop,
            clarity=land.clarity if own is None else 1.6 * land.clarity,
            body=as_field(colour(own[1] if own else land.body) * (0.1 + stage.light.ambient * 1.2)),
        )
    canvas.set_apart()
    if land.front is not None:
        land.front()
