"""Streets and skylines: boxes in true perspective, facades with windows, signs, wet asphalt."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from shared.vocabulary.words import Accent, Place, Style, Time, Weather
from workers.painter import subjects, terrain
from workers.painter.canvas import Canvas, Subject, colour, mix
from workers.painter.light import Light
from workers.painter.noise import Field, Noise, as_field, smoothstep, stream
from workers.painter.reading import Reading
from workers.painter.sketch import Sketch
from workers.painter.water import paint_water

_WARM = ("ffcf8a", "ffdcae", "ffb866", "fff0d8", "cfe4ff")
_NEON = ("ff2f7e", "18e0ff", "b44bff", "ffb52e", "35ff9b", "ff4b3a")


@dataclass(frozen=True, slots=True)
class Facade:
    """A wall's surface colour and emitted light, both (h, w, 3)."""

    paint: Field
    glow: Field


def facade(rng: np.random.Generator, floors: int, bays: int, light: Light, *, neon: bool, cell: int) -> Facade:
    """Return a wall of `floors` x `bays` windows of `cell` pixels. The ground floor is a row of shops."""
    height, width = floors * cell, bays * cell
    wall = colour(("5b5652", "6e6258", "4a4d55", "7a6a5a", "565f6a", "8a7c6c")[int(rng.integers(6))])
    pane_w, pane_h = float(rng.uniform(0.45, 0.8)), float(rng.uniform(0.45, 0.72))
    u = (np.arange(width) % cell + 0.5) / cell
    v = (np.arange(height) % cell + 0.5) / cell
    soft = 1.5 / cell
    inside = (
        np.clip((pane_w / 2 - np.abs(u - 0.5)) / soft + 0.5, 0, 1)[None]
        * np.clip((pane_h / 2 - np.abs(v - 0.5)) / soft + 0.5, 0, 1)[:, None]
    )
    lit_share = float(rng.uniform(0.25, 0.6)) * min(1.0, light.lamps * 1.1)
    by_floor = rng.random((floors, 1)) < 0.12
    on = (
        ((rng.random((floors, bays)) < lit_share) | by_floor)
        * (light.lamps > 0.1)
        * rng.uniform(0.25, 1.0, (floors, bays))
    )
    tones = np.stack([colour(shade) for shade in _WARM])[rng.choice(5, (floors, bays), p=[0.34, 0.26, 0.2, 0.12, 0.08])]
    if neon:
        coloured = rng.random((floors, bays)) < 0.16
        tones[coloured] = np.stack([colour(shade) for shade in _NEON])[rng.integers(0, 6, int(coloured.sum()))]
    tones = as_field(tones * on[..., None])
    tones[-1] = 0
    lamps = np.repeat(np.repeat(tones, cell, axis=0), cell, axis=1)
    mullion = (
        1
        - 0.75 * (np.abs(np.mod(u * 2, 1) - 0.5) > 0.47)[None]
        - 0.3 * (np.mod(v * 7, 1) < 0.3)[:, None] * (rng.random((floors, bays)) < 0.4).repeat(cell, 0).repeat(cell, 1)
    )
    curtain = 0.6 + 0.4 * np.repeat(np.repeat(rng.random((floors, bays * 2)), cell, 0), max(1, cell // 2), 1)[:, :width]
    if curtain.shape[1] < width:
        curtain = np.pad(curtain, ((0, 0), (0, width - curtain.shape[1])), mode="edge")
    glow = lamps * as_field(inside * curtain * np.clip(mullion, 0.1, 1))[..., None] * np.float32(1.5 * light.lamps)
    glass = mix(
        light.zenith * 0.3,
        light.middle * 0.7,
        as_field(rng.random((floors, bays)).repeat(cell, 0).repeat(cell, 1))[..., None],
    )
    lines = 1 - 0.25 * (v < 0.09)[:, None] - 0.12 * (u < 0.07)[None]
    paint = mix(
        as_field(wall * lines[..., None] * (light.ambient + light.sun * 0.16)),
        as_field(glass * 0.5),
        as_field(inside)[..., None],
    )
    if light.lamps > 0.2:  # street lamps light the walls from below
        climb = np.exp(-(1 - (np.arange(height) + 0.5) / height) * floors / 3.5)
        street = mix(colour("ffb678"), colour("c04ad0"), 0.55 if neon else 0.0)
        paint = as_field(paint + wall * street * (0.5 * light.lamps * climb * (1 - 0.5 * (v < 0.09)))[:, None, None])
    shop = np.s_[height - cell :]
    if light.lamps > 0.2:
        palette = (*_WARM, *_NEON) if neon else _WARM
        columns = np.repeat(
            np.stack([colour(palette[int(rng.integers(len(palette)))]) for _ in range(bays)]), cell, axis=0
        )
        columns *= np.repeat(rng.choice([0.05, 0.25, 0.5, 1.0], bays), cell)[:, None]
        shape = (
            np.clip((0.44 - np.abs(u - 0.5)) / soft, 0, 1)[None]
            * np.clip((0.4 - np.abs(v - 0.55)) / soft, 0, 1)[:, None]
        )
        glow[shop] += (
            columns[None]
            * as_field(shape[:cell] * (0.35 + 0.65 * v[:cell, None]))[..., None]
            * np.float32(0.9 * light.lamps)
        )
        stripe = (np.abs(v[:cell] - 0.1) < 0.045)[:, None, None]
        glow[shop] += stripe * np.roll(columns, cell, axis=0)[None] * np.float32(1.6 * light.lamps if neon else 0.4)
    return Facade(paint, glow)


def lay_quad(
    canvas: Canvas, corners: list[tuple[float, float]], inverse: tuple[float, float], facade_: Facade, gain: Field
) -> None:
    """Paint a facade on a quad (top left, top right, bottom right, bottom left) with vertical side edges.

    `inverse` is 1 / distance at the left and right edge. Across a flat wall it is linear in the picture.
    """
    camera = canvas.camera
    xs, ys = [c[0] for c in corners], [c[1] for c in corners]
    x0, x1 = max(0, int(np.floor(min(xs)))), min(camera.width, int(np.ceil(max(xs))) + 1)
    y0, y1 = max(0, int(np.floor(min(ys)))), min(camera.height, int(np.ceil(max(ys))) + 1)
    if x1 - x0 < 1 or y1 - y0 < 1:
        return
    rows, columns = facade_.paint.shape[:2]
    source = np.array([(0, 0), (columns, 0), (columns, rows), (0, rows)], np.float32)
    target = np.array([(x - x0, y - y0) for x, y in corners], np.float32)
    matrix = cv2.getPerspectiveTransform(source, target)
    size = (x1 - x0, y1 - y0)
    texture = as_field(facade_.paint * gain + facade_.glow)
    shrink = (max(ys) - min(ys)) / rows
    if shrink < 0.7:
        texture = as_field(cv2.GaussianBlur(texture, (0, 0), 0.4 / shrink))
    paint = cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    cover = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(cover, [np.round(target * 16).astype(np.int32)], (255,), cv2.LINE_AA, 4)
    t = (np.arange(x0, x1, dtype=np.float32) + 0.5 - xs[0]) / max(xs[1] - xs[0], 1e-3)
    near = np.broadcast_to(as_field(inverse[0] + (inverse[1] - inverse[0]) * np.clip(t, 0, 1)), cover.shape)
    canvas.lay(x0, y0, as_field(paint), as_field(cover / np.float32(255)), as_field(near))


def _front(canvas: Canvas, x0: float, x1: float, y0: float, y1: float, z: float, face: Facade, gain: Field) -> None:
    left, top = canvas.camera.project(x0, y1, z)
    right, bottom = canvas.camera.project(x1, y0, z)
    lay_quad(canvas, [(left, top), (right, top), (right, bottom), (left, bottom)], (1 / z, 1 / z), face, gain)


def _flank(canvas: Canvas, x: float, y0: float, y1: float, z0: float, z1: float, face: Facade, gain: Field) -> None:
    """Paint a wall along the line of sight at `x`, from distance `z0` to `z1`."""
    camera = canvas.camera
    near_x, near_top = camera.project(x, y1, z0)
    far_x, far_top = camera.project(x, y1, z1)
    near_foot, far_foot = camera.project(x, y0, z0)[1], camera.project(x, y0, z1)[1]
    if x < 0:
        lay_quad(
            canvas,
            [(near_x, near_top), (far_x, far_top), (far_x, far_foot), (near_x, near_foot)],
            (1 / z0, 1 / z1),
            face,
            gain,
        )
    else:
        lay_quad(
            canvas,
            [(far_x, far_top), (near_x, near_top), (near_x, near_foot), (far_x, far_foot)],
            (1 / z1, 1 / z0),
            face,
            gain,
        )


def _sign(
    canvas: Canvas, rng: np.random.Generator, x: float, y: float, z: float, height: float, strength: float
) -> None:
    """Paint a lit sign that faces the camera, tall or wide, with strokes that resemble letters."""
    tall = rng.random() < 0.8
    width, rows = (90, 360) if tall else (360, 110)
    sketch = Sketch(width, rows)
    aspect = width / rows
    sketch.box(-aspect / 2, 0, aspect / 2, 1, 0.12, glow=0.06)
    edge = 0.02 if tall else 0.06
    for left, top, right, bottom in (
        (-aspect / 2, 0, aspect / 2, edge),
        (-aspect / 2, 1 - edge, aspect / 2, 1),
        (-aspect / 2, 0, -aspect / 2 + edge, 1),
        (aspect / 2 - edge, 0, aspect / 2, 1),
    ):
        sketch.box(left, top, right, bottom, 0.5, glow=0.8)
    glyphs = int(rng.integers(3, 5))
    cell = 0.92 / glyphs if tall else aspect * 0.92 / glyphs
    size = cell * 0.68 if tall else 0.6
    for glyph in range(glyphs):
        cx = 0.0 if tall else -aspect * 0.46 + cell * (glyph + 0.5)
        cy = 0.04 + cell * (glyph + 0.5) if tall else 0.5
        half_x, half_y = min(size / 2, aspect * 0.36), size / 2
        for _ in range(int(rng.integers(3, 6))):
            a = float(rng.choice([-1, -0.4, 0, 0.4, 1]))
            b = float(rng.choice([-1, 0.2, 1]))
            if rng.random() < 0.5:
                sketch.box(
                    cx - half_x, cy + a * half_y - 0.011, cx + half_x * b, cy + a * half_y + 0.011, 0.9, glow=1.0
                )
            else:
                sketch.box(
                    cx + a * half_x - 0.011, cy - half_y, cx + a * half_x + 0.011, cy + half_y * b, 0.9, glow=1.0
                )
    tone = colour(_NEON[int(rng.integers(len(_NEON)))], 3.4 * strength)
    dark = as_field(colour("14121a") * 0.3)
    canvas.stand(sketch.sprite(), dark, as_field(tone * 0.15), x, y, z, height, glow=tone)


def _cars(canvas: Canvas, light: Light, rng: np.random.Generator) -> None:
    for index in range(7):
        z = 13.0 + index * float(rng.uniform(8, 11))
        for lane, shade, strength in ((-2.0, "fff0d0", 5.0), (2.1, "ff2418", 3.4)):
            if rng.random() < 0.25:
                continue
            place = z + float(rng.uniform(-3, 3))
            sketch = Sketch(420, 320)
            sketch.shape(
                [
                    (-0.46, 0.46),
                    (-0.36, 0.12),
                    (0.36, 0.12),
                    (0.46, 0.46),
                    (0.58, 0.5),
                    (0.6, 0.92),
                    (-0.6, 0.92),
                    (-0.58, 0.5),
                ],
                0.3,
            )
            sketch.shape([(-0.38, 0.44), (-0.31, 0.18), (0.31, 0.18), (0.38, 0.44)], 0.75)
            for x in (-0.43, 0.43):
                sketch.box(x - 0.09, 0.85, x + 0.09, 1.0, 0.02)
                sketch.disc(x, 0.6, 0.075, 0.9, glow=1.0)
            body = colour(("2a2c30", "3c1f1c", "c8a02c", "1f2c44")[int(rng.integers(4))])
            canvas.stand(
                sketch.sprite(),
                as_field(body * light.ambient * 0.7),
                as_field((body + 0.25) * light.ambient),
                lane,
                0.0,
                place,
                1.45,
                glow=colour(shade, strength * light.lamps) if light.lamps > 0.1 else None,
            )


def _road(canvas: Canvas, light: Light, noise: Noise, half: float) -> None:
    """Paint asphalt, kerbs and road markings up to the horizon."""
    camera = canvas.camera
    top = int(np.ceil(camera.horizon + 1))
    rows, columns = np.mgrid[top : camera.height, 0 : camera.width].astype(np.float32)
    z = camera.focal * camera.eye / (rows - camera.horizon + 0.5)
    x = (columns - camera.width / 2) * z / camera.focal
    blur = z / camera.focal * 0.7 + 0.004
    speckle = noise.fbm(as_field(x * 1.3), as_field(z * 1.3), 6)
    pavement = smoothstep(-1, 1, as_field((np.abs(x) - half) / blur))
    asphalt = mix(colour("2b2d31"), colour("46484c"), as_field(speckle * 0.5 + 0.5)[..., None])
    slab = ((np.mod(z, 1.6) < 0.05 + blur) | (np.mod(np.abs(x) - half, 1.6) < 0.04)) * np.exp(-z / 25)
    stones = (
        mix(colour("6c6a67"), colour("85827c"), as_field(speckle * 0.5 + 0.5)[..., None]) * (1 - 0.35 * slab)[..., None]
    )
    paint = mix(asphalt, as_field(stones), pavement[..., None])
    across_blur = z / camera.focal
    centre = smoothstep(0.10, 0.04, as_field(np.abs(np.abs(x) - 0.16) - across_blur)) * (np.abs(x) < 1)
    dash = (np.mod(z, 6.0) < 3.0) * smoothstep(0.12, 0.05, as_field(np.abs(np.abs(x) - half * 0.52) - across_blur))
    crossing = (np.mod(x + 50, 1.1) < 0.55) * (z > 8.2) * (z < 11.4) * (np.abs(x) < half - 0.4)
    lines = np.clip(centre * 0.8 + dash + crossing * 0.9, 0, 1) * (0.75 + 0.25 * speckle)
    paint = mix(paint, colour("d8d4c6"), as_field(lines * 0.8)[..., None])
    sun = light.sun * 0.25 if light.lamps < 0.5 else light.sun * 0.05
    canvas.lay(0, top, as_field(paint * (light.ambient + sun)), np.ones_like(z), as_field(1 / z))


def paint_street(canvas: Canvas, light: Light, reading: Reading) -> None:
    """Paint one long street toward the horizon, with signs and wet asphalt if the prompt names them."""
    rng = stream(reading.seed, "street")
    noise = Noise(stream(reading.seed, "ground"))
    camera = canvas.camera
    neon = reading.has(Accent.NEON) or reading.style is Style.VAPORWAVE
    wet = reading.weather in (Weather.RAIN, Weather.STORM) or neon
    half = 5.4
    _road(canvas, light, noise, half)
    for index in range(14):  # towers at the end of the street
        x = float(rng.normal(0, 46))
        z = 190 + index * 6.0
        width, height = float(rng.uniform(14, 26)), float(rng.uniform(40, 105)) * (1.25 if abs(x) < 25 else 0.8)
        face = facade(rng, int(height / 4), int(width / 3.2), light, neon=neon, cell=8)
        _front(canvas, x - width / 2, x + width / 2, 0, height, z, face, as_field(np.ones(3)))
    for hand in (-1.0, 1.0):
        spans = []
        z = camera.nearest * 0.75
        while z < 185:
            length = float(rng.uniform(9, 17)) * (1 + z / 110)
            spans.append((z, z + length, float(rng.uniform(11, 34)) * (1 + 0.5 * (rng.random() < 0.3))))
            z += length + (4.0 if rng.random() < 0.25 else 0.0)
        for z0, z1, height in reversed(spans):
            x = hand * (half + 3.4 + float(rng.uniform(-0.3, 0.6)))
            cell = 72 if z0 < 14 else (20 if z0 < 50 else 10)
            floors = max(3, int(height / 3.3))
            flank = facade(rng, floors, max(2, int((z1 - z0) / 1.9)), light, neon=neon, cell=cell)
            facing_sun = 1.0 + (1.6 if hand != light.side and light.lamps < 0.6 else 0.0)
            gain = as_field(1 + light.sun / np.maximum(light.ambient, 0.02) * 0.16 * (facing_sun - 1))
            if z0 > camera.nearest:
                face = facade(rng, floors, 5, light, neon=neon, cell=cell)
                outer = x + hand * 14
                _front(canvas, min(x, outer), max(x, outer), 0, height, z0, face, as_field(np.ones(3) * 0.8))
            _flank(canvas, x, 0, height, z0, z1, flank, gain)
            signs = (3 if neon else 1) if light.lamps > 0.3 else 0
            for _ in range(signs):
                if z1 > camera.nearest * 1.6 and rng.random() < 0.8:
                    place = max(float(rng.uniform(z0, z1)), camera.nearest * 2.4)
                    tall = float(rng.uniform(2.2, 5.0))
                    _sign(
                        canvas,
                        rng,
                        x - hand * float(rng.uniform(0.7, 1.2)),
                        float(rng.uniform(3.2, max(4.0, min(height - tall, 14)))),
                        place,
                        tall,
                        1.0 if neon else 0.5,
                    )
        for z in np.arange(64.0, camera.nearest * 1.4, -11.0):  # street lamps, the farthest first
            sketch = Sketch(200, 700)
            sketch.limb(
                [(0.08 * hand, 1.0), (0.08 * hand, 0.1), (0.05 * hand, 0.03), (-0.06 * hand, 0.015)], 0.012, 0.007, 0.2
            )
            sketch.disc(-0.07 * hand, 0.03, 0.02, 0.9, glow=1.0)
            canvas.stand(
                sketch.sprite(),
                as_field(light.ambient * 0.08),
                as_field(light.ambient * 0.35),
                hand * (half + 0.5),
                0,
                float(z),
                6.4,
                glow=colour("ffd9a0", 6.0 * light.lamps) if light.lamps > 0.2 else None,
            )
    _cars(canvas, light, rng)
    canvas.subjects.append(Subject(Place.CITY, *camera.project(0, 2 * camera.eye, 60)))  # the street's vanishing point
    if reading.has(Accent.FIGURE) or wet:
        place = camera.nearest * 2.1
        subjects.stand_lit(
            canvas,
            subjects.figure(light.side, umbrella=wet),
            reading.colour_of(Accent.FIGURE) or ("1a1820", "ffb8d8"),
            light,
            (float(rng.choice([-1, 1])) * 0.9, 0.0, place),
            1.85,
        )
    _haze(canvas, light, noise, neon=neon)
    if wet:
        _soak(canvas, noise, half)
        paint_water(canvas, light, reading.seed, chop=0.1, body=as_field(colour("14161c") * (0.2 + light.ambient)))
    canvas.set_apart()


def _haze(canvas: Canvas, light: Light, noise: Noise, *, neon: bool) -> None:
    """Add city haze: denser than in the country, and lit by the street."""
    glow = mix(
        light.horizon,
        colour("b03a9a", 0.35) if neon else colour("ffb06a", 0.3),
        0.6 * light.lamps * (1 if neon else 0.6),
    )
    lit = replace(light, haze=light.haze * 0.32, horizon=glow, middle=mix(light.middle, glow, 0.3))
    terrain.Air(canvas, lit, noise, 4.0).fill(canvas)


def _soak(canvas: Canvas, noise: Noise, half: float) -> None:
    """Mark the wet road as water: puddles fully, the rest partly."""
    camera = canvas.camera
    top = int(np.ceil(camera.horizon + 1))
    rows, columns = np.mgrid[top : camera.height, 0 : camera.width].astype(np.float32)
    z = camera.focal * camera.eye / (rows - camera.horizon + 0.5)
    x = (columns - camera.width / 2) * z / camera.focal
    ground = np.abs(canvas.inverse[top:] - 1 / z) < 0.02 / z
    pools = smoothstep(-0.05, 0.22, noise.fbm(as_field(x * 0.35), as_field(z * 0.35), 5))
    canvas.water[top:] = np.where(ground, np.where(np.abs(x) < half, 0.62 + 0.33 * pools, 0.4 + 0.3 * pools), 0)


def paint_skyline(canvas: Canvas, light: Light, reading: Reading) -> None:
    """Paint towers across a bay, and their reflection in its water."""
    rng = stream(reading.seed, "skyline")
    noise = Noise(stream(reading.seed, "ground"))
    camera = canvas.camera
    neon = reading.has(Accent.NEON) or reading.style is Style.VAPORWAVE
    shore = 22.0
    rows = np.arange(int(camera.horizon) + 1, camera.height, dtype=np.float32)[:, None]
    canvas.inverse[int(camera.horizon) + 1 :] = (rows - camera.horizon + 0.5) / (camera.focal * camera.eye)
    canvas.water[int(camera.horizon) + 1 :] = 1
    centre = float(rng.uniform(-0.35, 0.35))
    for layer, (distance, count, tall) in enumerate(
        ((46.0, 34, 1.0), (36.0, 30, 0.85), (28.0, 26, 0.62), (shore, 30, 0.3))
    ):
        reach = camera.width / 2 * distance / camera.focal * 1.05
        for index in range(count):
            x = (-1 + 2 * (index + float(rng.uniform(0.1, 0.9))) / count) * reach
            mass = np.exp(-(((x / reach - centre) / 0.45) ** 2)) * 0.75 + 0.25
            height = distance * 0.30 * tall * mass * float(rng.uniform(0.5, 1.15)) + 0.35
            width = float(rng.uniform(0.055, 0.1)) * distance * (0.75 if layer < 3 else 1.0) * 0.62
            face = facade(rng, max(3, int(height / 0.17)), max(2, int(width / 0.15)), light, neon=neon, cell=8)
            z = distance + float(rng.uniform(0, 3))
            side = as_field(1 + light.sun / np.maximum(light.ambient, 0.02) * 0.3 * (light.lamps < 0.9))
            shaded, bright = as_field(np.ones(3) * 0.75), side
            split = x - width / 2 + width * (0.35 if light.side > 0 else 0.65)
            _front(canvas, x - width / 2, split, -0.02, height, z, face, bright if light.side < 0 else shaded)
            _front(canvas, split, x + width / 2, -0.02, height, z, face, bright if light.side > 0 else shaded)
            crown = float(rng.random())
            if crown < 0.3 and layer < 2:
                _front(canvas, x - width * 0.28, x + width * 0.28, height, height * 1.12, z, face, shaded)
            if crown < 0.2 and layer < 2:
                sketch = Sketch(60, 600)
                sketch.limb([(0, 1.0), (0, 0.02)], 0.03, 0.006, 0.3)
                sketch.disc(0, 0.025, 0.018, 0.9, glow=1.0)
                canvas.stand(
                    sketch.sprite(),
                    as_field(light.ambient * 0.1),
                    as_field(light.ambient * 0.3),
                    x,
                    height * 1.1,
                    z,
                    height * 0.22,
                    glow=colour("ff3020", 5 * light.lamps) if light.lamps > 0.2 else None,
                    apart=False,
                )
    tallest = camera.width * (0.5 + 0.5 * centre), camera.horizon - 0.12 * camera.scale
    canvas.subjects.append(Subject(Place.SKYLINE, *tallest, height=camera.scale))
    quay = Facade(as_field(np.tile(colour("2a2826") * light.ambient, (8, 64, 1))), np.zeros((8, 64, 3), np.float32))
    edge = camera.width / 2 * shore / camera.focal * 1.1
    _front(canvas, -edge, edge, -0.02, 0.16, shore - 0.2, quay, as_field(np.ones(3)))
    if reading.has(Accent.BOAT, Accent.FIGURE) or reading.time is not Time.DAY:
        subjects.stand_lit(
            canvas,
            subjects.boat(light.side, crew=reading.has(Accent.FIGURE)),
            reading.colour_of(Accent.BOAT) or ("3a3030", "e8dccc"),
            light,
            (float(rng.uniform(-2.4, 2.4)), 0.0, 9.5),
            1.3,
            lamp=light.lamps,
        )
    _haze(canvas, light, noise, neon=neon)
    paint_water(canvas, light, reading.seed, chop=0.2, body=as_field(colour("0b2230") * (0.25 + light.ambient)))
    canvas.set_apart()
