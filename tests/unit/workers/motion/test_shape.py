"""Shapes on a camera path: a wrong depth bends and leans lines, and rotations and true perspective do not count."""

import cv2
import numpy as np
import pytest

from shared.camera.lowerings import CameraView
from workers.media.lines import straight_lines
from workers.media.planes import Floats, as_floats
from workers.motion.shape import Features, Shape, of_lines, of_outlines, upright

TRUCK = [CameraView(right=0.12), CameraView(right=-0.12)]


def post(d: Floats) -> Features:
    """Return an upright line of 9 points with these inverse distances, from its top to its foot."""
    return Features(np.full((1, 9), 0.2, np.float32), np.linspace(-0.6, 0.6, 9, dtype=np.float32)[None], d[None])


SLOPE = np.linspace(0.1, 0.9, 9, dtype=np.float32)
ALL = np.array([True])


def test_a_post_on_sloping_depth_leans() -> None:
    shape = of_lines(post(SLOPE), ALL, TRUCK, 1.0)
    assert shape.lean_degrees > 15
    assert shape.bow < 0.01
    assert shape.score < 0.9


def test_a_post_on_curved_depth_bows() -> None:
    assert of_lines(post(SLOPE**3), ALL, TRUCK, 1.0).bow > 0.03


@pytest.mark.parametrize(
    "views", [TRUCK, [CameraView(roll=0.2)], [CameraView(pan=0.15, tilt=0.1)], [CameraView(focal=2)]]
)
def test_a_post_at_one_distance_keeps_its_shape_in_every_view(views: list[CameraView]) -> None:
    assert of_lines(post(np.full(9, 0.5, np.float32)), ALL, views, 1.0).score == pytest.approx(1, abs=1e-4)


def test_a_line_on_the_ground_may_lean() -> None:
    assert of_lines(post(SLOPE), np.array([False]), TRUCK, 1.0).lean_degrees == 0


def test_an_outline_on_sloping_depth_changes_and_one_that_only_grows_does_not() -> None:
    turn = np.linspace(0, 2 * np.pi, 64, endpoint=False, dtype=np.float32)[None]
    x, y = as_floats(0.3 * np.cos(turn)), as_floats(0.3 * np.sin(turn))
    assert of_outlines(Features(x, y, as_floats(0.5 + y)), TRUCK, 1.0).outline > 0.05
    even = as_floats(np.full_like(x, 0.5))
    assert of_outlines(Features(x, y, even), [CameraView(forward=0.3)], 1.0).outline < 1e-5


def test_the_worst_of_two_shapes_has_the_larger_change_of_each_kind() -> None:
    assert Shape(3, 0.01, 0.2).worst(Shape(1, 0.02, 0.1)) == Shape(3, 0.02, 0.2)


def test_the_straight_lines_of_a_picture_are_found() -> None:
    picture = np.full((360, 640, 3), 60, np.uint8)
    cv2.rectangle(picture, (260, 60), (380, 300), (220, 220, 220), -1)
    lines = straight_lines(picture)
    x, y = lines[:, ::2], lines[:, 1::2]
    features = Features(x, y, np.ones_like(x))
    assert upright(features).any()
    assert not upright(features).all()
    assert ((x > 0.4) & (x < 0.6)).all()
    assert len(straight_lines(np.full((36, 64, 3), 60, np.uint8))) == 0
