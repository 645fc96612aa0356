"""Steps from linear light to the displayed picture: soft edges, bloom, film curve, style, dither."""

from collections.abc import Mapping

import cv2
import numpy as np

from shared.vocabulary.words import Mood, Palette
from workers.painter.canvas import Camera, Canvas
from workers.painter.noise import Field, as_field, blurred, resized, stream
from workers.painter.reading import Reading


def soften_edges(rgb: Field, inverse: Field) -> None:
    """Antialias the colours (h, w, 3) at jumps of the inverse distance (h, w), up to 3 pixels beside them."""
    low = cv2.erode(inverse, np.ones((3, 3), np.uint8))
    jump = (inverse - low) > np.maximum(inverse, 1e-4) * 0.12
    jump = cv2.dilate(jump.astype(np.uint8), np.ones((2, 2), np.uint8)).astype(bool)
    soft = cv2.GaussianBlur(rgb, (3, 3), 0.8)
    rgb[jump] = soft[jump]


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


Box = tuple[slice, slice]  # rows and columns of a canvas

# Standard deviations of the bloom, as divisors of the picture's scale, and their shares.
_NARROW: Mapping[int, float] = {160: 0.5}
_WIDE: Mapping[int, float] = {40: 0.35, 11: 0.25}


def reach(camera: Camera) -> int:
    """Return the width of the narrow bloom around an object, in pixels."""
    return round(2.5 * camera.scale / 160) + 8


class Lens:
    """The lens and the film of one canvas: bloom, vignette, exposure, the film's curve and tone.

    The wide bloom is that of the whole scene, because its place need not be exact. The narrow bloom around an object
    belongs to the object, and moves with it.
    """

    def __init__(self, canvas: Canvas, scene: Canvas, reading: Reading, exposure: float) -> None:
        """Take the picture of `canvas`. `scene` is the canvas with its upright objects."""
        self._rgb, self._scale = canvas.rgb, canvas.camera.scale
        self._reading, self._exposure = reading, exposure
        self._strength = {Mood.DREAMY: 1.7, Mood.DRAMATIC: 1.1}.get(reading.mood, 0.9)
        self._spill = self._bloom(_bright(scene.rgb), _WIDE) + self._bloom(_bright(canvas.rgb), _NARROW)

    def develop(self) -> Field:
        """Return the displayed picture of the canvas, (h, w, 3) in 0..1, before style and dither."""
        height, width = self._rgb.shape[:2]
        return self._developed(self._rgb + resized(self._spill, width, height), np.s_[:height, :width])

    def develop_part(self, rgb: Field, box: Box, lit: Field) -> Field:
        """Return a box of the displayed picture with the light `rgb`. The light `lit` of the box makes the bloom."""
        height, width = rgb.shape[:2]
        down, across = (small / whole for small, whole in zip(self._spill.shape, self._rgb.shape[:2], strict=False))
        top, left = box[0].start, box[1].start
        places = np.array([[across, 0, (left + 0.5) * across - 0.5], [0, down, (top + 0.5) * down - 0.5]])
        how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        spill = cv2.warpAffine(self._spill, places, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)
        more = as_field(_bright(lit) - _bright(self._rgb[box]))
        return self._developed(rgb + spill + resized(self._bloom(more, _NARROW), width, height), box)

    def _bloom(self, bright: Field, sizes: Mapping[int, float]) -> Field:
        """Return the light that spreads around bright pixels. Both are at a quarter of the canvas's size."""
        spread = np.zeros_like(bright)
        for size, share in sizes.items():
            spread += blurred(bright, self._scale / 4 / size) * np.float32(share * self._strength)
        return spread

    def _developed(self, rgb: Field, box: Box) -> Field:
        sides = zip(self._rgb.shape[:2], box, strict=False)
        down, across = (np.linspace(-1, 1, whole, dtype=np.float32)[at] for whole, at in sides)
        vignette = 1 - 0.11 * np.clip(down[:, None] ** 2 + across**2 - 0.35, 0, None)
        rgb *= (vignette * np.float32(self._exposure))[..., None]
        return _toned(film(rgb), self._reading)


def _bright(rgb: Field) -> Field:
    """Return the light above the display's white, at a quarter of the size."""
    height, width = rgb.shape[:2]
    small = resized(rgb, max(1, width // 4), max(1, height // 4), cv2.INTER_AREA)
    return as_field(np.clip(small - 1, 0, 6))


def dithered(picture: Field, seed: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return 8-bit RGB with triangular noise of one step, which prevents banding in smooth skies."""
    rng = stream(seed, "dither")
    height, width = picture.shape[:2]
    noise = rng.random((height, width), np.float32) + rng.random((height, width), np.float32) - 1
    return np.clip(picture * 255 + noise[..., None] * 1.1 + 0.5, 0, 255).astype(np.uint8)
