"""The motion score must believe the right path and no other."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from shared.camera.catalogue import default_moves
from shared.camera.lowerings import View
from shared.camera.move import Pose
from workers.media.camera_path import CameraPath
from workers.media.motion_check import agreement
from workers.media.planes import Bytes, Floats, as_bytes, as_floats
from workers.media.shoot import Shot
from workers.media.warp import Frame, project, rays

WIDTH, HEIGHT, FPS, FRAMES = 480, 270, 24, 36


def hills() -> tuple[Bytes, Floats]:
    """Soft noise everywhere; it comes nearer from the top to the bottom, and a block stands before it."""
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    picture = as_bytes(cv2.convertScaleAbs(cv2.GaussianBlur(noise, (0, 0), 2), alpha=4, beta=-384))
    nearness = np.linspace(0, 0.6, HEIGHT, dtype=np.float32)[:, None] * np.ones((1, WIDTH), np.float32)
    nearness[90:200, 200:280] = 0.9
    return picture, nearness


def scored(promised: str, filmed: str) -> float:
    """The score of a film of the preset `filmed`, of which `promised` was to be expected."""
    expected, shown = (poses(preset) for preset in (promised, filmed))
    shot = Shot(*hills(), WIDTH, HEIGHT, FPS)
    shot.prepare(expected)
    check = shot.check(expected)
    for planes in shot.film(shown):
        check.see(planes)
    return check.score()


def poses(preset: str) -> list[Pose]:
    move = default_moves()[preset].move
    return [move.sample(i / (FRAMES - 1)) for i in range(FRAMES)]


@pytest.mark.parametrize(
    "preset", ["static", "dolly-in", "orbit-left", "aerial-pullback", "tilt-down", "handheld", "fisheye"]
)
def test_what_was_promised_and_filmed_scores_high(preset: str) -> None:
    assert scored(preset, preset) >= 0.9


@pytest.mark.parametrize(
    ("promised", "filmed"),
    [
        ("dolly-in", "dolly-out"),
        ("orbit-left", "orbit-right"),
        ("pan-left", "tilt-up"),
        ("zoom-in", "static"),
        ("static", "handheld"),
        ("static", "zoom-in"),
        ("truck-left", "roll-left"),
    ],
)
def test_a_wrong_path_scores_low(promised: str, filmed: str) -> None:
    assert scored(promised, filmed) < 0.5


def test_points_project_to_where_the_rays_that_show_them_start() -> None:
    frame = Frame.of(160, 90)
    view = View(0.05, -0.04, 0.2, 0.1, -0.06, 0.15, 1.3, 0.1, 0.05, None, 0.8)
    d = np.float32(0.6)
    x, y = rays(view, 1.1, frame.x, frame.y).at(d)
    back_x, back_y = project(view, 1.1, as_floats(x), as_floats(y), as_floats(np.full(x.shape, d, np.float32)))
    assert np.abs(back_x - frame.x).max() < 2e-3
    assert np.abs(back_y - frame.y).max() < 2e-3


def test_agreement_is_symmetric_and_1_for_the_same_path() -> None:
    paths: Sequence[float] = [0.0, 0.1, 0.4]
    here, there = (still_path(paths), still_path([0.0, 0.2, 0.5]))
    assert agreement(here, here) == 1
    assert agreement(here, there) == agreement(there, here) < 1


def still_path(shifts: Sequence[float]) -> CameraPath:
    return CameraPath(np.ones(len(shifts), np.complex128), np.array(shifts, np.complex128))
