"""Main subjects of pictures: lighthouse, cabin, boat, castle, balloon, birds, a figure."""

import numpy as np

from shared.vocabulary.words import Accent
from workers.painter.canvas import Canvas, Sprite, Subject, colour
from workers.painter.grade import film
from workers.painter.light import Light
from workers.painter.noise import as_field, resized
from workers.painter.sketch import Point, Sketch

_FAINTEST, _DENSE, _BRIGHT = 0.02, 0.8, 2.2  # lamp light: faintest that is kept, greatest coverage, and light


def _tube(
    sketch: Sketch, top: tuple[float, float], foot: tuple[float, float], side: float, bands: int, dark: float
) -> None:
    """Draw a tapering round tower, (half width, y) at both ends, shaded in strips, with `bands` bands."""
    strips = 36
    (top_half, top_y), (foot_half, foot_y) = top, foot
    for band in range(bands):
        t0, t1 = band / bands, (band + 1) / bands
        y0, y1 = top_y + (foot_y - top_y) * t0, top_y + (foot_y - top_y) * t1
        w0, w1 = top_half + (foot_half - top_half) * t0, top_half + (foot_half - top_half) * t1
        base = 1.0 if band % 2 == 0 else dark
        for strip in range(strips):
            a, b = -1 + 2 * strip / strips, -1 + 2 * (strip + 1) / strips
            turned = (a + b) / 2 * side
            tone = base * (0.5 + 0.45 * turned + 0.15 * (1 - turned * turned))
            sketch.shape([(a * w0, y0), (b * w0, y0), (b * w1, y1 + 0.002), (a * w1, y1 + 0.002)], tone)


def lighthouse(side: float) -> Sprite:
    sketch = Sketch(340, 1100)
    _tube(sketch, (0.052, 0.2), (0.09, 1.0), side, 5, 0.36)
    sketch.box(-0.075, 0.178, 0.075, 0.2, 0.22)
    _tube(sketch, (0.038, 0.09), (0.038, 0.178), side, 1, 1)
    sketch.box(-0.036, 0.1, 0.036, 0.17, 0.95, glow=1.0)
    for x in (-0.036, -0.012, 0.012, 0.036):
        sketch.box(x - 0.002, 0.09, x + 0.002, 0.178, 0.1)
    sketch.shape([(-0.048, 0.092), (0.048, 0.092), (0.02, 0.05), (0.004, 0.035), (-0.004, 0.035), (-0.02, 0.05)], 0.3)
    sketch.box(-0.002, 0.005, 0.002, 0.04, 0.2)
    for y in (0.36, 0.56, 0.76):
        sketch.box(-0.009, y, 0.009, y + 0.03, 0.12, glow=0.45)
    sketch.box(-0.016, 0.93, 0.016, 1.0, 0.1)
    return sketch.sprite(Subject(Accent.LIGHTHOUSE, 0.5, 0.25))


def beam(canvas: Canvas, x: float, y: float, z: float, strength: float) -> None:
    """Set two cones of lamp light at a world point, and the halo around the lamp, as a cutout at the lamp's distance.

    The light is an object of its own, so that it stays with the lamp when the camera moves.
    """
    camera = canvas.camera
    column, row = camera.project(x, y, z)
    rows, columns = np.mgrid[0 : camera.height : 2, 0 : camera.width : 2].astype(np.float32)
    dx, dy = (columns - column) / camera.scale, (rows - row) / camera.scale
    glow = np.exp(-np.sqrt(dx * dx + dy * dy) / 0.018) * 1.2
    for turn in (-0.10, np.pi + 0.16):
        along = dx * np.cos(turn) + dy * np.sin(turn)
        across = dy * np.cos(turn) - dx * np.sin(turn)
        width = 0.004 + 0.06 * np.maximum(along, 0)
        glow += (along > 0) * np.exp(-((across / width) ** 2)) * np.exp(-along / 0.42) * 0.5
    shown = film(as_field(resized(as_field(glow), camera.width, camera.height) * np.float32(strength)))
    noise = np.random.default_rng(0).random(shown.shape, np.float32) / np.float32(255)  # prevents banding
    alpha = as_field(np.clip((shown - _FAINTEST) / (1 - _FAINTEST) * _DENSE - noise, 0, 1))
    canvas.set_light(colour("ffe2a8", _BRIGHT), alpha, 1 / z)


def cabin(side: float) -> Sprite:
    sketch = Sketch(760, 560)
    sketch.box(0.26, 0.06, 0.36, 0.35, 0.3)
    sketch.box(-0.5, 0.5, 0.5, 1.0, 0.42)
    for log in range(9):
        y = 0.5 + log * 0.055
        sketch.box(-0.5, y, 0.5, y + 0.042, 0.46 + 0.06 * (log % 2))
    sketch.shape([(-0.62, 0.53), (-0.4, 0.17), (0.42, 0.17), (0.64, 0.53)], 0.62 if side > 0 else 0.55)
    sketch.shape([(-0.62, 0.53), (0.64, 0.53), (0.64, 0.555), (-0.62, 0.555)], 0.14)
    for left in (-0.38, 0.2):
        sketch.box(left - 0.02, 0.625, left + 0.2, 0.835, 0.16)
        sketch.box(left, 0.645, left + 0.18, 0.815, 0.95, glow=1.0)
        sketch.box(left + 0.085, 0.645, left + 0.095, 0.815, 0.14)
        sketch.box(left, 0.725, left + 0.18, 0.735, 0.14)
    sketch.box(-0.09, 0.66, 0.08, 1.0, 0.16)
    sketch.box(-0.06, 0.7, 0.05, 0.8, 0.9, glow=0.7)
    return sketch.sprite(Subject(Accent.CABIN, 0.5, 0.62))


def boat(side: float, *, crew: bool = False) -> Sprite:
    sketch = Sketch(640, 760)
    if crew:  # a figure at the stern
        sketch.limb([(-0.31, 0.875), (-0.31, 0.7)], 0.07, 0.06, 0.4)
        sketch.limb([(-0.3, 0.73), (-0.24, 0.82)], 0.025, 0.02, 0.75)
        sketch.disc(-0.31, 0.665, 0.028, 0.55)
    sketch.limb([(0.0, 0.03), (0.0, 0.88)], 0.008, 0.014, 0.15)
    main = [(0.012, 0.06), (0.06, 0.3), (0.16, 0.55), (0.3, 0.8), (0.012, 0.82)]
    jib = [(-0.012, 0.12), (-0.06, 0.4), (-0.15, 0.62), (-0.3, 0.82), (-0.012, 0.78)]
    sketch.shape(main, 0.92 if side > 0 else 0.66)
    sketch.shape(jib, 0.68 if side > 0 else 0.95)
    sketch.shape([(-0.4, 0.865), (0.38, 0.865), (0.31, 0.985), (0.2, 1.0), (-0.27, 1.0), (-0.34, 0.96)], 0.3)
    sketch.shape([(-0.4, 0.865), (0.38, 0.865), (0.37, 0.885), (-0.39, 0.885)], 0.8)
    sketch.box(-0.1, 0.84, 0.02, 0.868, 0.7, glow=0.5)
    return sketch.sprite(Subject(Accent.BOAT, 0.5, 0.6))


def castle(side: float) -> Sprite:
    sketch = Sketch(1100, 900)

    def tower(x: float, half: float, top: float, foot: float, *, roof: bool) -> None:
        strips = 8
        for strip in range(strips):
            a, b = x + half * (-1 + 2 * strip / strips), x + half * (-1 + 2 * (strip + 1) / strips)
            sketch.box(a, top, b, foot, 0.5 + 0.32 * side * ((a + b) / 2 - x) / half)
        for merlon in range(5):
            left = x + half * (-1.12 + merlon * 0.5)
            sketch.box(left, top - 0.025, left + half * 0.26, top + 0.012, 0.55)
        if roof:
            height = half * 3.4
            peak = (x, top - height)
            sketch.shape([(x - half * 1.2, top), peak, (x, top)], 0.36 + 0.12 * (side < 0))
            sketch.shape([(x, top), peak, (x + half * 1.2, top)], 0.36 + 0.12 * (side > 0))
        for y in np.arange(top + 0.07, foot - 0.05, 0.12):
            sketch.box(x - 0.007, float(y), x + 0.007, float(y) + 0.035, 0.1, glow=0.9)

    tower(-0.08, 0.06, 0.3, 1.0, roof=True)
    tower(0.17, 0.045, 0.4, 1.0, roof=True)
    sketch.box(-0.45, 0.66, 0.45, 1.0, 0.45)
    for merlon in range(19):
        sketch.box(-0.45 + merlon * 0.048, 0.64, -0.45 + merlon * 0.048 + 0.026, 0.67, 0.47)
    tower(-0.46, 0.055, 0.5, 1.0, roof=True)
    tower(0.44, 0.06, 0.54, 1.0, roof=False)
    tower(0.3, 0.04, 0.47, 1.0, roof=True)
    tower(-0.28, 0.04, 0.52, 1.0, roof=False)
    arch: list[Point] = [(-0.0, 1.0), (0.0, 0.84), (0.02, 0.81), (0.045, 0.8), (0.07, 0.81), (0.09, 0.84), (0.09, 1.0)]
    sketch.shape(arch, 0.08)
    return sketch.sprite(Subject(Accent.CASTLE, 0.5, 0.5))


def balloon(side: float) -> Sprite:
    sketch = Sketch(520, 700)
    gores = 14
    for gore in range(gores):
        a, b = -1 + 2 * gore / gores, -1 + 2 * (gore + 1) / gores
        edge: list[Point] = []
        back: list[Point] = []
        for t in np.linspace(0, 1, 22):
            half = 0.345 * float(np.sqrt(max(0.0, 1 - (2 * min(t / 0.92, 1.0) * 0.5 * 2 - 1) ** 2))) if t < 0.5 else 0.0
            if t >= 0.46:
                half = 0.345 * float(np.cos((t - 0.46) / 0.54 * 1.38)) ** 0.85
            y = 0.02 + 0.76 * float(t)
            edge.append((float(np.sin(a * np.pi / 2)) * half, y))
            back.append((float(np.sin(b * np.pi / 2)) * half, y))
        tone = 0.55 + 0.35 * side * (a + b) / 2 - (0.3 if gore % 2 else 0.0)
        sketch.shape([*edge, *back[::-1]], tone)
    for x in (-0.045, 0.045):
        sketch.limb([(x * 1.4, 0.77), (x, 0.9)], 0.005, 0.005, 0.15)
    sketch.box(-0.055, 0.9, 0.055, 0.99, 0.3)
    sketch.box(-0.02, 0.79, 0.02, 0.83, 0.9, glow=0.9)
    return sketch.sprite(Subject(Accent.BALLOON, 0.5, 0.4))


def bird(rng: np.random.Generator) -> Sprite:
    sketch = Sketch(220, 110)
    lift = float(rng.uniform(-0.3, 0.35))
    for hand in (-1, 1):
        sketch.limb(
            [(0, 0.62), (hand * 0.3, 0.42 - lift * 0.6), (hand * 0.62, 0.45 - lift), (hand * 0.95, 0.62 - lift * 0.3)],
            0.14,
            0.015,
            0.1,
        )
    sketch.limb([(-0.1, 0.58), (0.12, 0.68)], 0.1, 0.06, 0.1)
    return sketch.sprite()


def figure(side: float, *, umbrella: bool) -> Sprite:
    """Return a walker in a long coat, seen from behind."""
    sketch = Sketch(520, 900)
    top = 0.2 if umbrella else 0.05
    body = 1 - top
    sketch.limb([(-0.035, top + body * 0.6), (-0.045, 0.985)], 0.05, 0.036, 0.2)
    sketch.limb([(0.035, top + body * 0.6), (0.05, 0.97)], 0.05, 0.036, 0.26)
    sketch.shape(
        [
            (-0.07, top + body * 0.17),
            (0.07, top + body * 0.17),
            (0.095, top + body * 0.32),
            (0.1, top + body * 0.7),
            (-0.1, top + body * 0.7),
            (-0.095, top + body * 0.32),
        ],
        0.3,
    )
    lit_edge = 0.06 * side
    sketch.shape(
        [
            (lit_edge, top + body * 0.18),
            (lit_edge * 1.5, top + body * 0.32),
            (lit_edge * 1.6, top + body * 0.68),
            (lit_edge * 0.9, top + body * 0.68),
        ],
        0.75,
    )
    sketch.disc(0, top + body * 0.095, body * 0.062, 0.35)
    if umbrella:
        sketch.limb([(0.05, top + body * 0.45), (0.03, 0.12)], 0.01, 0.008, 0.2)
        rim = [
            (-0.24 + 0.03, 0.2),
            (-0.2 + 0.03, 0.11),
            (-0.11 + 0.03, 0.045),
            (0.03, 0.02),
            (0.14, 0.045),
            (0.23, 0.11),
            (0.27, 0.2),
        ]
        sketch.shape([*rim, (0.15, 0.175), (0.03, 0.17), (-0.09, 0.175)], 0.5)
        sketch.shape([(0.03, 0.02), *(rim[4:] if side > 0 else rim[2::-1]), (0.03, 0.17)], 0.72)
    return sketch.sprite(Subject(Accent.FIGURE, 0.5, 0.4))


def stand_lit(
    canvas: Canvas,
    sprite: Sprite,
    paint: tuple[str, str],
    light: Light,
    at: tuple[float, float, float],
    height: float,
    *,
    lamp: float = 0.0,
    apart: bool = True,
) -> None:
    """Place a subject in the scene's light. `paint` is its colour in shade and in light."""
    dark = as_field(colour(paint[0]) * light.ambient)
    bright = as_field(colour(paint[1]) * (light.ambient + light.sun * 0.46))
    glow = as_field(colour("ffc77a", 2.6 * lamp)) if lamp > 0 else None
    canvas.stand(sprite, dark, bright, *at, height, glow=glow, apart=apart)
