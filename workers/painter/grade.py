"""Steps from linear light to the displayed picture: soft edges, bloom, film curve, style, dither."""

import cv2
import numpy as np

from shared.vocabulary.words import Mood, Palette
from workers.painter.canvas import Canvas
from workers.painter.noise import Field, as_field, blurred, resized, stream
from workers.painter.reading import Reading


def soften_edges(canvas: Canvas) -> None:
    """Antialias the colours at jumps of distance. The distance map itself does not change."""
    inverse = canvas.inverse
    low = cv2.erode(inverse, np.ones((3, 3), np.uint8))
    jump = (inverse - low) > np.maximum(inverse, 1e-4) * 0.12
    jump = cv2.dilate(jump.astype(np.uint8), np.ones((2, 2), np.uint8)).astype(bool)
    soft = cv2.GaussianBlur(canvas.rgb, (3, 3), 0.8)
    canvas.rgb[jump] = soft[jump]


def bloom(rgb: Field, scale: float, strength: float) -> Field:
    """Return the light that spreads around pixels brighter than the display's white."""
    height, width = rgb.shape[:2]
    small = resized(rgb, max(1, width // 4), max(1, height // 4), cv2.INTER_AREA)
    bright = np.minimum(np.maximum(small - 1.0, 0), 6)
    spill = blurred(bright, scale / 4 / 160) * 0.5 + blurred(bright, scale / 4 / 40) * 0.35
    spill += blurred(bright, scale / 4 / 11) * 0.25
    return as_field(rgb + resized(as_field(spill * strength), width, height))


def film(linear: Field) -> Field:
    """Apply a filmic curve that includes the display's gamma (Hejl, Burgess-Dawson 2010): linear light -> 0..1."""
    x = np.maximum(linear - np.float32(0.002), 0)
    top = x * (x * np.float32(6.2) + np.float32(0.5))
    return as_field(top / (x * (x * np.float32(6.2) + np.float32(1.7)) + np.float32(0.06)))


_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def luminance(rgb: Field) -> Field:
    return as_field(cv2.transform(rgb, _LUMA[None]))


def toward(rgb: Field, tint: Field, amount: float) -> Field:
    """Return the light (h, w, 3) with its hue moved toward `tint` (3,) and its luminance unchanged."""
    hue = tint / max(float(tint @ _LUMA), 1e-4)
    return as_field(rgb + (luminance(rgb)[..., None] * hue - rgb) * np.float32(amount))


def _toned(picture: Field, reading: Reading) -> Field:
    grey = luminance(picture)
    saturation, contrast, lift = 1.12, 1.0, 0.0
    match reading.mood:
        case Mood.DRAMATIC:
            saturation, contrast = 1.15, 1.18
        case Mood.DREAMY:
            contrast, lift = 0.9, 0.03
        case Mood.GLOOMY:
            saturation, contrast = 0.7, 1.05
        case Mood.CALM:
            saturation = 1.02
    match reading.palette:
        case Palette.PASTEL:
            saturation, contrast, lift = 0.8, 0.72, 0.17
        case Palette.SEPIA:
            toned = grey[..., None] ** np.array([0.85, 1.0, 1.25], np.float32)
            return as_field(toned * np.array([1.0, 0.94, 0.82], np.float32))
        case Palette.MONOCHROME:
            saturation, contrast = 0.0, contrast * 1.12
    out = grey[..., None] + (picture - grey[..., None]) * np.float32(saturation)
    return as_field((out - 0.42) * np.float32(contrast) + np.float32(0.42 + lift))


def _vignette(height: int, width: int) -> Field:
    rows, columns = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j].astype(np.float32)
    return as_field(1 - 0.11 * np.clip(rows**2 + columns**2 - 0.35, 0, None))


def develop(canvas: Canvas, reading: Reading, exposure: float) -> Field:
    """Return the displayed picture, (h, w, 3) in 0..1, before style and dither."""
    strength = {Mood.DREAMY: 1.7, Mood.DRAMATIC: 1.1}.get(reading.mood, 0.9)
    rgb = bloom(canvas.rgb, canvas.camera.scale, strength)
    rgb *= (_vignette(canvas.camera.height, canvas.camera.width) * exposure)[..., None]
    return _toned(film(rgb), reading)


def dithered(picture: Field, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return 8-bit RGB with triangular noise of one step, which prevents banding in smooth skies."""
    rng = stream(seed, "dither")
    height, width = picture.shape[:2]
    noise = rng.random((height, width), np.float32) + rng.random((height, width), np.float32) - 1
    return np.clip(picture * 255 + noise[..., None] * 1.1 + 0.5, 0, 255).astype(np.uint8)
