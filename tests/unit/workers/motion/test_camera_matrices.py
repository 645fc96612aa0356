"""The matrices that a model receives are the camera with which the renderer draws."""

import numpy as np
import pytest

from shared.camera.lowerings import FOCAL, view
from shared.camera.move import Pose
from workers.motion.camera_matrices import camera_matrices
from workers.motion.projection import Frame, rays

WIDTH, HEIGHT = 1280, 704
AXES = ("truck", "pedestal", "dolly", "pan", "tilt", "roll")


@pytest.mark.parametrize(
    "pose",
    [
        *(Pose(**{axis: amount}) for axis in AXES for amount in (-1.0, 1.0)),
        Pose(zoom=1.7),
        Pose(0.4, -0.3, 0.8, 0.5, -0.7, 0.6, zoom=1.3),
    ],
)
def test_a_point_of_the_scene_is_in_the_pixel_where_the_renderer_draws_it(pose: Pose) -> None:
    frame = Frame.of(WIDTH, HEIGHT)
    x, y = np.array([-0.4, 0.0, 0.3], np.float32), np.array([0.2, 0.0, -0.35], np.float32)
    for distance in (1.0, 4.0):
        u, v = rays(view(pose), 1.0, x, y).at(np.float32(1 / distance))
        scene = np.stack([u / FOCAL * distance, v / FOCAL * distance, np.full(3, distance), np.ones(3)])
        cameras, lenses = camera_matrices([Pose(), pose], WIDTH, HEIGHT)
        seen = np.linalg.inv(cameras[1]) @ scene
        fx, fy, cx, cy = lenses[1]
        columns, rows = fx * seen[0] / seen[2] + cx, fy * seen[1] / seen[2] + cy
        np.testing.assert_allclose(columns, x * frame.unit + WIDTH / 2, atol=0.02)
        np.testing.assert_allclose(rows, y * frame.unit + HEIGHT / 2, atol=0.02)


def test_a_path_begins_at_its_picture() -> None:
    cameras, lenses = camera_matrices([Pose(truck=-1, pan=0.5, zoom=2), Pose(truck=1, zoom=1)], WIDTH, HEIGHT)
    np.testing.assert_allclose(cameras[0], np.eye(4), atol=1e-6)
    assert lenses[1][0] == pytest.approx(lenses[0][0] / 2)
