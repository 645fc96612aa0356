"""The salient point of a picture, and its position in zooms and dollies."""

import cv2
import numpy as np
import pytest

from shared.camera.catalogue import default_moves
from shared.camera.move import Pose
from workers.media.planes import Bytes, Floats, to_rgb
from workers.media.saliency import salient_point
from workers.painter.painting import paint
from workers.painter.reading import read
from workers.renderer.shoot import Shot

WIDTH, HEIGHT = 320, 180


def lone_dot(x: float, y: float, width: int = WIDTH, height: int = HEIGHT) -> tuple[Bytes, Floats]:
    """Return a grey picture with a red dot at x and y, in fractions of the picture, and a nearness of 0.5."""
    picture = np.full((height, width, 3), 128, np.uint8)
    cv2.circle(picture, (round(x * width), round(y * height)), 7, (255, 30, 30), -1)
    return picture, np.full((height, width), 0.5, np.float32)


def dot_at(shot: Shot, pose: Pose) -> tuple[float, float]:
    """Return x and y of the dot in fractions of the frame. The values are NaN if the frame does not show the dot."""
    rgb = to_rgb(shot.frame(pose)).astype(int)
    rows, columns = np.nonzero(rgb[..., 0] - rgb[..., 2] > 60)
    return float(columns.mean() / rgb.shape[1]), float(rows.mean() / rgb.shape[0])


def test_the_salient_point_is_on_the_object_that_differs() -> None:
    assert salient_point(*lone_dot(0.3, 0.4)) == pytest.approx((0.3, 0.4), abs=0.04)


@pytest.mark.parametrize("picture", [np.zeros((9, 7, 3), np.uint8), np.full((50, 2000, 3), 255, np.uint8)])
def test_the_salient_point_of_a_uniform_picture_is_the_middle(picture: Bytes) -> None:
    assert salient_point(picture, np.zeros((4, 4), np.float32)) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("prompt", "x", "y"),
    [("a lighthouse on a cliff at dusk", (0.15, 0.85), (0.1, 0.5)), ("a volcano", (0, 1), (0, 0.5))],
)
def test_the_painter_reports_the_position_of_its_subject(
    prompt: str, x: tuple[float, float], y: tuple[float, float]
) -> None:
    painting = paint(read(prompt, None, 3), 320, 180)
    assert x[0] < painting.focal_point[0] < x[1]
    assert y[0] < painting.focal_point[1] < y[1]
    assert painting.focal_point == paint(read(prompt, None, 3), 320, 180).focal_point


@pytest.mark.parametrize(
    "axes", [{"zoom": 2.2}, {"dolly": 1.0}, {"zoom": 2.0, "dolly": 0.5}, {"dolly": 1.0, "zoom": 0.8}]
)
def test_a_subject_within_the_thirds_stays_where_it_is(axes: dict[str, float]) -> None:
    shot = Shot(*lone_dot(0.4, 0.4), WIDTH, HEIGHT, 24, (0.4, 0.4))
    shot.prepare([Pose(), Pose(**axes)])
    assert dot_at(shot, Pose(**axes)) == pytest.approx(dot_at(shot, Pose()), abs=0.01)


def test_a_subject_beyond_a_third_drifts_to_it() -> None:
    shot = Shot(*lone_dot(0.2, 0.8), WIDTH, HEIGHT, 24, (0.2, 0.8))
    shot.prepare([Pose(), Pose(zoom=2.2)])
    x, y = dot_at(shot, Pose(zoom=2.2))
    assert x == pytest.approx(1 / 3, abs=0.02)
    assert y == pytest.approx(2 / 3, abs=0.02)


def test_a_picture_of_another_shape_is_cropped_to_its_subject() -> None:
    shot = Shot(*lone_dot(0.5, 0.15, WIDTH, 2 * WIDTH), WIDTH, HEIGHT, 24, (0.5, 0.15))
    shot.prepare([Pose()])
    assert dot_at(shot, Pose())[1] == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("preset", ["crash-zoom-in", "orbit-360", "aerial-pullback", "fisheye"])
def test_the_aim_stays_within_the_picture(preset: str) -> None:
    picture, nearness = lone_dot(0.5, 0.5, 2 * WIDTH, 2 * HEIGHT)
    picture[:2] = picture[-2:] = picture[:, :2] = picture[:, -2:] = (40, 40, 255)
    move = default_moves()[preset].move
    poses = [move.sample(i / 6) for i in range(7)]
    shot = Shot(picture, nearness, WIDTH, HEIGHT, 24, (0.1, 0.9))
    shot.prepare(poses)
    for pose in poses:
        assert shot.frame(pose).u[2:-2, 2:-2].max() < 150
