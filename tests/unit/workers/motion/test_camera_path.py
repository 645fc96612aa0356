"""Measurement of the camera path of a clip."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from workers.media.planes import Bytes, as_bytes
from workers.motion import camera_path
from workers.motion.camera_path import CameraPath

FRAMES, WIDTH, HEIGHT = 40, 320, 180


def wall() -> Bytes:
    """Return soft noise with corners everywhere, with four times the area of a frame."""
    noise = np.random.default_rng(1).integers(0, 256, (2 * HEIGHT, 2 * WIDTH), np.uint8)
    return as_bytes(cv2.equalizeHist(as_bytes(cv2.GaussianBlur(noise, (0, 0), 2))))


def straight(shift: NDArray[Any], turn: NDArray[Any] | float = 1.0) -> CameraPath:
    """Return a path of these shifts. `turn` is its rotation and scale, by default constant."""
    return CameraPath(np.broadcast_to(turn, shift.shape).astype(np.complex128), shift.astype(np.complex128))


def known_path(frames: int = FRAMES) -> CameraPath:
    """Return a wavy path that begins at the middle and uses every axis."""
    t = np.linspace(0, 1, frames)
    shift = 0.12 * np.sin(2 * np.pi * t) + 0.05j * np.sin(3 * np.pi * t)
    return straight(shift, (1 + 0.2 * t) * np.exp(0.1j * np.sin(4 * t)))


def filmed(path: CameraPath, scene: Bytes | None = None) -> Iterator[Bytes]:
    """Yield the frames of a camera that films the scene (default: the wall) and whose picture moves along the path."""
    scene = wall() if scene is None else scene
    middle, centre = complex(WIDTH - 0.5, HEIGHT - 0.5), complex(WIDTH - 1, HEIGHT - 1) / 2
    for turn, shift in zip(path.turn.tolist(), path.shift.tolist(), strict=True):
        offset = centre + shift * WIDTH - turn * middle
        matrix = np.array([[turn.real, -turn.imag, offset.real], [turn.imag, turn.real, offset.imag]])
        yield as_bytes(cv2.warpAffine(scene, matrix, (WIDTH, HEIGHT)))


def alike(measured: NDArray[np.float64], known: NDArray[np.float64]) -> float:
    return float(np.corrcoef(measured, known)[0, 1])


def test_a_known_path_is_found_on_every_axis() -> None:
    known = known_path()
    motions = camera_path.estimate(filmed(known))
    found = camera_path.accumulate(motions)
    assert camera_path.usable(motions)
    for axis in ("dx", "dy", "scale", "rotation"):
        assert getattr(found, axis) == pytest.approx(getattr(known, axis), abs=0.004), axis
    assert found.length() == pytest.approx(known.length(), rel=0.02)


def test_moving_objects_do_not_change_the_path() -> None:
    known = known_path()
    frames = []
    for index, frame in enumerate(filmed(known)):
        walker = as_bytes(np.random.default_rng(2).integers(0, 256, (90, 70), np.uint8))
        frame[60:150, 4 * index : 4 * index + 70] = walker
        frames.append(frame)
    found = camera_path.accumulate(camera_path.estimate(frames))
    assert found.dx == pytest.approx(known.dx, abs=0.02)


def test_noise_and_blank_walls_are_not_usable() -> None:
    random = np.random.default_rng(3)
    noise = camera_path.estimate(random.integers(0, 256, (9, HEIGHT, WIDTH), np.uint8))
    blank = camera_path.estimate(np.full((9, HEIGHT, WIDTH), 90, np.uint8))
    assert len(noise) == len(blank) == 8
    assert not camera_path.usable(noise)
    assert not camera_path.usable(blank)
    assert camera_path.accumulate(blank).length() == 0


def test_smoothing_removes_jitter_and_keeps_a_steady_move() -> None:
    steady = straight(np.linspace(0, 0.5, 60))
    shaken = straight(steady.shift + np.random.default_rng(4).normal(0, 0.01, 60))
    assert camera_path.smooth(steady, 0.3, 30).shift == pytest.approx(steady.shift, abs=1e-9)
    assert camera_path.smooth(shaken, 0.3, 30).jitter() < shaken.jitter() / 20
