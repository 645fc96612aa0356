"""Reproducible random fields for a seed: streams of numbers, smooth noise and fractal sums of noise."""

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

_CELLS = 64
_PIXELS_PER_CELL = 8


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the generator of one named part of a picture. Each part has its own, so parts do not affect each other."""
    digest = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def as_field(values: NDArray[np.generic]) -> Field:
    return np.asarray(values, dtype=np.float32)


def smoothstep(low: float, high: float, x: Field) -> Field:
    """Return 0 below `low`, 1 above `high`, and a cubic between. If `low > high`, the curve falls."""
    t = np.clip((x - low) * np.float32(1 / (high - low)), 0, 1)
    return as_field(t * t * (3 - 2 * t))


def resized(field: Field, width: int, height: int, interpolation: int = cv2.INTER_LINEAR) -> Field:
    return as_field(cv2.resize(field, (width, height), interpolation=interpolation))


def blurred(field: Field, sigma: float) -> Field:
    """Return the field with Gaussian blur, `sigma` in pixels. A wide blur uses a smaller copy."""
    height, width = field.shape[:2]
    step = max(1, int(sigma / 4))
    if step == 1:
        return as_field(cv2.GaussianBlur(field, (0, 0), max(sigma, 0.1)))
    small = resized(field, max(1, width // step), max(1, height // step), cv2.INTER_AREA)
    return resized(as_field(cv2.GaussianBlur(small, (0, 0), sigma / step)), width, height)


def _catmull_rom(t: Field) -> tuple[Field, Field, Field, Field]:
    """Return the weights of the four neighbours at the fraction `t` between the middle two."""
    square, cube = t * t, t * t * t
    return (
        as_field(-0.5 * cube + square - 0.5 * t),
        as_field(1.5 * cube - 2.5 * square + 1),
        as_field(-1.5 * cube + 2 * square + 0.5 * t),
        as_field(0.5 * cube - 0.5 * square),
    )


class Noise:
    """Smooth value noise on the plane, -1..1, with features of one unit and a period of 64 units."""

    def __init__(self, rng: np.random.Generator) -> None:
        grid = rng.uniform(-1, 1, (_CELLS, _CELLS)).astype(np.float32)
        self._around = np.pad(grid, ((1, 2), (1, 2)), mode="wrap")  # so that every point has its neighbours
        padded = np.pad(grid, 4, mode="wrap")
        side = (_CELLS + 8) * _PIXELS_PER_CELL
        wide = cv2.resize(padded, (side, side), interpolation=cv2.INTER_CUBIC)
        edge = 4 * _PIXELS_PER_CELL
        self._texture = as_field(np.clip(wide[edge:-edge, edge:-edge] * 1.5, -1, 1))
        self._offsets = rng.uniform(0, _CELLS, (16, 2)).astype(np.float32)

    def at(self, u: Field, v: Field, octave: int = 0) -> Field:
        """Return one octave at the points (u, v), of any 2-D shape. Octaves are shifted and rotated differently."""
        angle = 0.6 * octave
        cos, sin = np.float32(np.cos(angle) * _PIXELS_PER_CELL), np.float32(np.sin(angle) * _PIXELS_PER_CELL)
        du, dv = self._offsets[octave % 16] * _PIXELS_PER_CELL
        columns, rows = u * cos - v * sin + du, u * sin + v * cos + dv
        return as_field(
            cv2.remap(self._texture, as_field(columns), as_field(rows), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        )

    def _exact(self, u: Field, v: Field, octave: int) -> Field:
        """Return the Catmull-Rom interpolation of the noise's grid at the points (u, v)."""
        angle = 0.6 * octave
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        du, dv = self._offsets[octave % 16]
        x, y = u * cos - v * sin + du, u * sin + v * cos + dv
        column, row = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
        across, down = _catmull_rom(x - column), _catmull_rom(y - row)
        first = (row % _CELLS) * self._around.shape[1] + column % _CELLS
        total = np.zeros(u.shape, np.float32)
        for j in range(4):
            line = np.zeros(u.shape, np.float32)
            for i in range(4):
                line += across[i] * self._around.ravel()[j * self._around.shape[1] + i :].take(first)
            total += down[j] * line
        return as_field(np.clip(total * np.float32(1.5), -1, 1))

    def smooth_at(self, u: Field, v: Field, octave: int, step: int) -> Field:
        """Return `at` on every `step`-th column (and a fourth as many rows), with the rest interpolated.

        A texture lookup has a resolution of 1/32 of its pixels and is linear between them, which is visible in slopes
        and shadows on a fine grid. This method calculates fewer points exactly.
        """
        if step <= 1 or min(u.shape) < 4 * step:
            return self.at(u, v, octave)
        height, width = u.shape
        small = (max(2, width // step), max(2, height // max(1, step // 4)))
        coarse = self._exact(resized(u, *small), resized(v, *small), octave)
        # Linear interpolation and a box filter of one step give a quadratic spline. OpenCV's cubic has ripples on
        # even slopes.
        linear = resized(coarse, width, height)
        return as_field(cv2.blur(linear, (step, max(1, step // 4)), borderType=cv2.BORDER_REPLICATE))

    def fbm(self, u: Field, v: Field, octaves: int, gain: float = 0.5, step: int = 1) -> Field:
        """Return fractional Brownian motion (Mandelbrot, Van Ness 1968), about -1..1. Each octave is half as wide."""
        total = np.zeros(u.shape, np.float32)
        amplitude, reach = 1.0, 0.0
        for octave in range(octaves):
            scale = np.float32(2.0**octave)
            layer = self.smooth_at(u * scale, v * scale, octave, max(1, step >> octave))
            total += layer * np.float32(amplitude)
            reach += amplitude
            amplitude *= gain
        return total / np.float32(reach)

    def ridged(self, u: Field, v: Field, octaves: int, step: int = 1) -> Field:
        """Return a ridged multifractal (Musgrave, *Texturing & Modeling*, ch. 16), 0..1: sharp crests, flat valleys."""
        total = np.zeros(u.shape, np.float32)
        weight = np.ones(u.shape, np.float32)
        amplitude, reach = 1.0, 0.0
        for octave in range(octaves):
            scale = np.float32(2.03**octave)
            layer = self.smooth_at(u * scale, v * scale, octave, max(1, step >> octave))
            # A crest finer than the sampling grid looks like teeth against the sky. So small crests are flattened, and
            # after the fourth octave the noise has no crests.
            blunt = np.float32((0.06 * 2**octave) ** 2)
            crest = (
                np.clip(1 - np.sqrt(layer * layer + blunt), 0, 1)
                if octave < 4
                else np.float32(0.7) + np.float32(0.3) * layer
            )
            crest = crest * (0.55 + 0.45 * crest if octave == 0 else crest) * weight  # broad shoulders, sharp detail
            total += crest * np.float32(amplitude)
            weight = np.clip(crest * 1.5, 0, 1)
            reach += amplitude
            amplitude *= 0.5
        return total / np.float32(reach)
