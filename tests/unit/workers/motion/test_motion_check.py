"""The motion score is high for the promised path and low for other paths."""

from collections.abc import Callable, Mapping
from typing import cast

import cv2
import numpy as np
import pytest

from shared.camera.catalogue import default_moves
from shared.camera.lowerings import CameraView
from shared.camera.move import CameraMove, Easing, Keyframe, Pose
from workers.media.planes import Bytes, Floats, as_bytes, as_floats
from workers.motion.motion_check import MotionCheck, track_points
from workers.motion.projection import Frame, project, rays
from workers.renderer.shoot import Shot

WIDTH, HEIGHT, FPS, FRAMES = 480, 270, 24, 36


def hills() -> tuple[Bytes, Floats]:
    """Return soft noise with nearness that rises from top to bottom, and a near block in front of it."""
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    picture = as_bytes(cv2.convertScaleAbs(cv2.GaussianBlur(noise, (0, 0), 2), alpha=4, beta=-384))
    nearness = np.linspace(0, 0.6, HEIGHT, dtype=np.float32)[:, None] * np.ones((1, WIDTH), np.float32)
    nearness[90:200, 200:280] = 0.9
    return picture, nearness


def soft_sky() -> tuple[Bytes, Floats]:
    """Return a gradient without corners, and its nearness."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    picture = as_bytes(np.rint(120 + rows / 6 + columns / 20).astype(np.uint8)[..., None].repeat(3, axis=2))
    return picture, np.full((HEIGHT, WIDTH), 0.3, np.float32)


def flat() -> tuple[Bytes, Floats]:
    return np.full((HEIGHT, WIDTH, 3), 90, np.uint8), np.full((HEIGHT, WIDTH), 0.3, np.float32)


def scored(promised: str, filmed: str, scene: tuple[Bytes, Floats] | None = None) -> float | None:
    """Return the score of a film of the preset `filmed` for the promised preset `promised`."""
    return checked(poses(promised), poses(filmed), scene).score()


def checked(expected: list[Pose], shown: list[Pose], scene: tuple[Bytes, Floats] | None = None) -> MotionCheck:
    shot = Shot(*(scene or hills()), WIDTH, HEIGHT, FPS)
    shot.prepare(expected)
    check = shot.check(expected)
    for planes in shot.film(shown):
        check.see(planes)
    return check


def measured(promised: str, filmed: str) -> float:
    score = scored(promised, filmed)
    assert score is not None
    return score


def poses(preset: str) -> list[Pose]:
    move = default_moves()[preset].move
    return [move.sample(i / (FRAMES - 1)) for i in range(FRAMES)]


RIGHT = [
    "static",
    "dolly-in",
    "zoom-in",
    "orbit-left",
    "aerial-pullback",
    "tilt-down",
    "handheld",
    "fisheye",
    "whip-pan",
]


@pytest.mark.parametrize("preset", RIGHT)
def test_the_promised_move_scores_high(preset: str) -> None:
    assert measured(preset, preset) >= 0.95


@pytest.mark.parametrize(
    ("promised", "filmed"),
    [
        ("dolly-in", "dolly-out"),
        ("orbit-left", "orbit-right"),
        ("pan-left", "tilt-up"),
        ("zoom-in", "static"),
        ("static", "handheld"),
        ("static", "zoom-in"),
        ("static", "yo-yo-zoom"),  # returns to its start
        ("truck-left", "roll-left"),
        ("orbit-left", "truck-left"),
        ("dolly-in", "zoom-in"),  # these differ by parallax alone
        ("zoom-in", "dolly-in"),
        ("truck-left", "pan-left"),
    ],
)
def test_a_wrong_path_scores_low(promised: str, filmed: str) -> None:
    assert measured(promised, filmed) < 0.5


@pytest.mark.parametrize(
    ("scene", "promised", "filmed"),
    [
        (flat, "crash-zoom-in", "static"),
        (flat, "crash-zoom-in", "crash-zoom-in"),
        (soft_sky, "static", "pan-left"),
        (soft_sky, "pan-left", "pan-left"),
    ],
)
def test_a_scene_without_features_has_no_score(
    scene: Callable[[], tuple[Bytes, Floats]], promised: str, filmed: str
) -> None:
    assert scored(promised, filmed, scene()) is None


def test_identical_frames_are_static_in_every_scene() -> None:
    assert scored("static", "static", flat()) == scored("static", "static", soft_sky()) == 1


def test_a_film_that_loses_its_scene_scores_zero() -> None:
    """All frames after the first are grey and show no corners."""
    shot, path = Shot(*hills(), WIDTH, HEIGHT, FPS), poses("static")
    shot.prepare(path)
    check = shot.check(path)
    for i, planes in enumerate(shot.film(path)):
        check.see(planes if i == 0 else planes._replace(y=np.full_like(planes.y, 120)))
    assert check.score() == 0


def test_corners_are_tracked_within_a_fifth_of_a_pixel_through_a_crash_zoom() -> None:
    grey = as_bytes(cv2.cvtColor(hills()[0], cv2.COLOR_RGB2GRAY))
    zoom = cv2.getRotationMatrix2D(((WIDTH - 1) / 2, (HEIGHT - 1) / 2), angle=0, scale=1.18)
    after = as_bytes(cv2.warpAffine(grey, zoom, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC))
    corners = cv2.goodFeaturesToTrack(grey[60:-60, 110:-110], 100, 0.01, 7)[:, 0] + [110, 60]
    at = np.asarray(corners[:, 0] - (WIDTH - 1) / 2 + 1j * (corners[:, 1] - (HEIGHT - 1) / 2), np.complex128) / WIDTH

    found, moved = track_points(grey, after, at)

    assert found.mean() > 0.9
    assert np.sqrt(np.mean(np.abs(moved - 1.18 * at)[found] ** 2)) * WIDTH < 0.2  # pixels


def test_a_motion_blurred_frame_is_compared_at_the_middle_of_its_exposure() -> None:
    shot = Shot(*hills(), WIDTH, HEIGHT, FPS, shutter=3)
    # At each turning point the middle of the exposure is behind the pose.
    path = [Pose(pan=0.3 * float(np.sin(i / 3))) for i in range(FRAMES)]
    shot.prepare(path)
    check = shot.check(path)
    for planes in shot.film(path):
        check.see(planes)
    score = check.score()
    assert score is not None
    assert score >= 0.9


@pytest.mark.parametrize(
    ("asked", "filmed", "name", "ends"),
    [
        ({"pan": 1.0}, {"pan": 0.5}, "right", (0.165, 0.0825)),
        ({"tilt": 1.0}, {"tilt": -0.5}, "up", (0.1, -0.05)),
        ({"zoom": 1.5}, {"zoom": 1.2}, "zoom", (1.5, 1.2)),
        ({"roll": 1.0}, {"roll": 0.4}, "roll", (12.0, 4.8)),
    ],
)
def test_the_measured_path_is_that_of_the_frames_and_not_the_asked_one(
    asked: dict[str, float], filmed: dict[str, float], name: str, ends: tuple[float, float]
) -> None:
    def straight(**end: float) -> list[Pose]:
        way = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, **end)), easing=Easing.LINEAR)
        return [way.sample(i / (FRAMES - 1)) for i in range(FRAMES)]

    (path,) = checked(straight(**asked), straight(**filmed)).paths(0, FRAMES)
    found = tuple(cast("Mapping[str, list[float]]", side)[name][-1] for side in (path["asked"], path["measured"]))
    assert found == pytest.approx(ends, rel=0.05)
    assert path["at"][0] == 0
    assert path["at"][-1] > 0.9


def test_points_project_to_where_the_rays_that_show_them_start() -> None:
    frame = Frame.of(160, 90)
    view = CameraView(0.05, -0.04, 0.2, 0.1, -0.06, 0.15, 1.3, 0.1, 0.05, None, 0.8)
    d = np.float32(0.6)
    x, y = rays(view, 1.1, frame.x, frame.y).at(d)
    back_x, back_y = project(view, 1.1, as_floats(x), as_floats(y), as_floats(np.full(x.shape, d, np.float32)))
    assert np.abs(back_x - frame.x).max() < 2e-3
    assert np.abs(back_y - frame.y).max() < 2e-3
