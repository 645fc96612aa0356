"""Clips and pictures that tests and benchmarks upload."""

import wave
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.media import sound
from workers.media.codecs import ClipWriter
from workers.media.planes import Planes, from_rgb

Shift = Callable[[float], tuple[float, float]]


def drift(t: float) -> tuple[float, float]:
    """Return the camera's shift (right, up) in pixels at the fraction `t` of the clip: to the right and a little up."""
    return 160 * t, 40 * np.sin(3 * t)


def textured(width: int, height: int, seed: int = 7) -> NDArray[np.uint8]:
    """Return an RGB picture with texture of three scales everywhere, which motion estimation needs."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.integers(0, 255, (height // cell, width // cell, 3), np.uint8), (width, height))
        for cell in (4, 16, 64)
    ]
    mixed: NDArray[np.uint8] = np.mean(np.stack(layers), axis=0).astype(np.uint8)
    return mixed


def driving_clip(path: Path, *, seconds: float = 4, shift: Shift = drift) -> Path:
    """Write a 640x360 clip at 24 fps of a still scene, shot with a moving camera, and return its path."""
    scene, frames = textured(1280, 720), round(24 * seconds)
    with ClipWriter(path, 640, 360, 24) as writer:
        for index in range(frames):
            x, y = shift(index / (frames - 1))
            view = np.array([[1, 0, -320 - x], [0, 1, -180 + y]], np.float32)
            writer.write(from_rgb(np.asarray(cv2.warpAffine(scene, view, (640, 360)), np.uint8)))
    return path


def picture(path: Path, *, width: int = 1280, height: int = 720) -> Path:
    """Write a picture that is bright at the top and textured at the bottom, and return its path."""
    rgb = textured(width, height)
    sky = np.linspace(1, 0, height, dtype=np.float32)[:, None, None] ** 2
    mixed = (rgb * (1 - sky) + np.array([140, 180, 230], np.float32) * sky).astype(np.uint8)
    cv2.imwrite(str(path), cv2.cvtColor(mixed, cv2.COLOR_RGB2BGR))
    return path


def track(path: Path, *, seconds: float = 2) -> Path:
    """Write a quiet chord as a mono 16-bit WAV, and return its path."""
    time = np.arange(round(seconds * sound.RATE)) / sound.RATE
    chord = np.sin(2 * np.pi * time * np.array([[220], [277.2], [329.6]])).sum(axis=0) / 30
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, sound.RATE, 0, "NONE", "not compressed"))
        file.writeframes((chord * 32_767).astype("<i2").tobytes())
    return path


def captions(path: Path) -> Path:
    path.write_text("1\n00:00:00,200 --> 00:00:00,900\nThe lamp blinked.\n")
    return path


def grey(level: int, width: int = 320, height: int = 180) -> Planes:
    """Return the planes of a frame of one grey level."""
    half = np.full((height // 2, width // 2), 128, np.uint8)
    return Planes(np.full((height, width), level, np.uint8), half, half)
