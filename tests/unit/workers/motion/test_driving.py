"""Conversion of a measured camera path to poses."""

import numpy as np
import pytest

from shared.camera.lowerings import FOCAL, PAN, TRUCK, inverse_distance, view
from shared.camera.move import AXES, CameraMove, Keyframe, Pose
from tests.unit.workers.motion.test_camera_path import alike, known_path, straight
from workers.motion.camera_path import CameraPath
from workers.motion.driving import drive, excursion, stacked


def axis(poses: list[Pose], name: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.array([getattr(pose, name) for pose in poses])


def test_the_poses_follow_the_path_on_every_axis() -> None:
    path = known_path(90)
    poses = drive(path, aspect=16 / 9, fps=30, frames=90)
    aim = -path.shift / path.turn
    assert alike(axis(poses, "truck"), aim.real) > 0.99
    assert alike(axis(poses, "pan"), aim.real) > 0.99
    assert alike(axis(poses, "pedestal"), -aim.imag) > 0.99
    assert alike(axis(poses, "roll"), -path.rotation) > 0.99
    assert alike(axis(poses, "dolly"), path.scale) > 0.99


def test_the_middle_of_the_scene_moves_as_far_as_the_driving_picture() -> None:
    poses = drive(straight(np.linspace(0, 0.1, 60)), aspect=16 / 9, fps=30, frames=60)
    first, last = view(poses[0]), view(poses[-1])
    parallax = FOCAL * inverse_distance(0.5) * (last.right - first.right)
    turned = FOCAL * (last.pan - first.pan)
    # In frame widths. The camera moves left when the picture moves right.
    assert (parallax + turned) / (2 * (16 / 9) ** 0.5) == pytest.approx(-0.1, rel=0.02)
    assert parallax / turned == pytest.approx(TRUCK * inverse_distance(0.5) / PAN)


@pytest.mark.parametrize("far", [0.05, 1.0, 8.0])
def test_poses_stay_in_bounds_and_keep_the_direction_of_the_path(far: float) -> None:
    ramp = far * np.linspace(0, 1, 50)
    path = CameraPath(np.exp(ramp * (0.4 + 0.5j)), np.zeros(50, complex))
    aside = straight(ramp * (1 + 0.25j))
    for poses in (drive(path, 1.0, 25, 70), drive(aside, 1.0, 25, 70)):
        assert all(abs(getattr(pose, name)) <= 1 + 1e-9 for pose in poses for name in AXES)
        assert all(1 <= pose.zoom <= 2.5 for pose in poses)
    rightward, upward = np.ptp(axis(poses, "pan")) * 0.15, np.ptp(axis(poses, "tilt")) * 0.10
    assert rightward > upward > 0


def test_a_preset_is_stacked_on_the_path_and_fits() -> None:
    driven = drive(known_path(40), 16 / 9, 30, 40)
    preset = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, dolly=1, roll=-1, focus=0.3)))
    nothing = CameraMove(keyframes=(Keyframe(at=0),), needs_driving_clip=True)
    both = stacked(driven, preset)
    for name in AXES:
        assert axis(stacked(driven, nothing), name) == pytest.approx(axis(driven, name))
    assert max(axis(both, "dolly")) == pytest.approx(1)
    assert both[-1].focus == 0.3
    assert axis(both, "truck") == pytest.approx(axis(driven, "truck"))
    assert stacked(driven, nothing.model_copy(update={"strength": 0.5}))[9].pan == pytest.approx(driven[9].pan / 2)


def test_the_excursion_separates_a_move_from_a_tripod() -> None:
    trembling = straight(np.random.default_rng(1).normal(0, 0.0004, 300))
    assert excursion(trembling) < 0.01 < excursion(known_path())
