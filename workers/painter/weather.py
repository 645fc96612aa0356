"""Weather between the camera and the scene: rain, snow, lightning."""

from typing import NamedTuple

import cv2
import numpy as np

from shared.vocabulary.words import Weather
from workers.painter.canvas import Canvas, colour
from workers.painter.light import Light
from workers.painter.noise import Field, as_field, blurred, stream
from workers.painter.reading import Reading


class Fall(NamedTuple):
    """Rain or snow before everything: the share of light that it hides, (h, w), and its own light, (h, w, 3)."""

    hides: Field | None
    shines: Field

    def cover(self, rgb: Field, box: tuple[slice, slice]) -> None:
        """Put it before the colours `rgb` of a box of the canvas."""
        if self.hides is not None:
            rgb *= (1 - self.hides[box])[..., None]
        rgb += self.shines[box]


def _rain(canvas: Canvas, light: Light, seed: int, amount: float) -> Fall:
    camera = canvas.camera
    rng = stream(seed, "rain")
    sheet = np.zeros((camera.height, camera.width), np.uint8)
    slant = float(rng.uniform(-0.16, 0.16))
    for length, width, brightness, count in ((0.016, 1, 60, 1500), (0.035, 1, 90, 600), (0.075, 2, 70, 130)):
        for _ in range(int(count * amount)):
            x, y = float(rng.uniform(-0.1, 1.1)) * camera.width, float(rng.uniform(-0.1, 1)) * camera.height
            reach = camera.scale * length * float(rng.uniform(0.6, 1.3))
            end = (int(x + slant * reach), int(y + reach))
            cv2.line(sheet, (int(x), int(y)), end, (int(brightness * float(rng.uniform(0.4, 1))),), width, cv2.LINE_AA)
    veil = as_field(cv2.GaussianBlur(sheet, (0, 0), 0.6 + camera.scale / 4000)) / 255
    # Streaks have the colour of the light behind them: bright in front of lamps, invisible in the dark.
    behind = blurred(canvas.rgb, camera.scale / 60)
    return Fall(None, as_field(veil[..., None] * (behind * 0.9 + light.ambient * 0.25)))


def _snow(canvas: Canvas, light: Light, seed: int) -> Fall:
    camera = canvas.camera
    rng = stream(seed, "flakes")
    tone = light.ambient * 1.1 + light.sun * 0.2 + 0.04
    seen = np.ones((camera.height, camera.width), np.float32)
    for radius, count, strength in ((0.0009, 1500, 0.65), (0.0018, 420, 0.75), (0.0040, 70, 0.6), (0.0085, 16, 0.35)):
        sheet = np.zeros((camera.height, camera.width), np.uint8)
        for _ in range(count):
            x, y = int(rng.integers(0, camera.width)), int(rng.integers(0, camera.height))
            size = max(1, round(radius * camera.scale * float(rng.uniform(0.7, 1.3))))
            cv2.circle(sheet, (x, y), size, (int(255 * float(rng.uniform(0.4, 1))),), -1, cv2.LINE_AA)
        veil = as_field(cv2.GaussianBlur(sheet, (0, 0), max(0.5, radius * camera.scale * 0.45))) / 255 * strength
        seen *= 1 - veil
    hides = as_field(1 - seen)
    return Fall(hides, as_field(hides[..., None] * tone))


def lightning(canvas: Canvas, seed: int) -> None:
    """Add a forked bolt from the clouds to the horizon, behind all upright objects."""
    camera = canvas.camera
    rng = stream(seed, "lightning")
    sheet = np.zeros((camera.height, camera.width), np.uint8)
    thick = max(1, round(camera.scale / 700))

    def fork(x: float, y: float, end: float, width: int, depth: int) -> None:
        drift = float(rng.normal(0, 0.5))
        while y < end:
            step = camera.scale * float(rng.uniform(0.008, 0.03))
            nx, ny = x + step * (drift + float(rng.normal(0, 0.75))), y + step
            cv2.line(sheet, (int(x), int(y)), (int(nx), int(ny)), (255,), width, cv2.LINE_AA)
            if depth < 2 and rng.random() < 0.14:
                fork(nx, ny, ny + (end - ny) * float(rng.uniform(0.25, 0.7)), max(1, width - 1), depth + 1)
            x, y = nx, ny

    x = float(rng.uniform(0.2, 0.8)) * camera.width
    fork(x, camera.horizon * 0.12, camera.horizon, thick, 0)
    bolt = as_field(sheet) / 255 * (canvas.inverse == 0)
    tint = colour("dfe4ff")
    canvas.rgb += (
        blurred(bolt, 0.8) * 4 + blurred(bolt, camera.scale / 170) * 1.2 + blurred(bolt, camera.scale / 14) * 2.2
    )[..., None] * tint


def fall_of(canvas: Canvas, light: Light, reading: Reading) -> Fall | None:
    """Return the rain or the snow before a canvas."""
    match reading.weather:
        case Weather.RAIN:
            return _rain(canvas, light, reading.seed, 1.0)
        case Weather.STORM:
            return _rain(canvas, light, reading.seed, 0.6)
        case Weather.SNOW:
            return _snow(canvas, light, reading.seed)
    return None
