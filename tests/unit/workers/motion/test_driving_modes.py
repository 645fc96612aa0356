"""The transfer modes copy the shake of a driving clip or remove it, and copy its rhythm."""

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.camera.move import CameraMove, Keyframe, Pose
from shared.stages.requests import TransferMode
from tests.unit.workers.motion.test_camera_path import filmed, straight
from workers.motion import camera_path
from workers.motion.camera_path import CameraPath
from workers.motion.driving import drive, rhythm, stacked

FPS, FRAMES = 30, 120
SHAKE = 0.004 * np.sin(2 * np.pi * 6 * np.arange(FRAMES) / FPS)  # 6 Hz, in frame widths
WALK = np.linspace(0, 0.05, FRAMES)


def pans(path: CameraPath, mode: TransferMode, frames: int = FRAMES) -> NDArray[np.float64]:
    return np.array([pose.pan for pose in drive(path, 16 / 9, FPS, frames, mode, FPS)])


def trembling(pans: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the deviation from a straight line, without the 10 frames in which the camera starts and stops."""
    inner = pans[10:-10]
    slope, start = np.polyfit(np.arange(len(inner)), inner, 1)
    return inner - np.asarray(start + slope * np.arange(len(inner)), np.float64)


def test_exact_keeps_the_shake_and_stabilised_removes_it() -> None:
    exact, stabilised, handheld = (
        float(trembling(pans(straight(WALK + SHAKE), mode)).std()) for mode in ("exact", "stabilised", "handheld")
    )
    assert stabilised < exact / 20
    assert handheld == pytest.approx(exact, rel=0.05)
    assert exact == pytest.approx(float(trembling(pans(straight(SHAKE), "exact")).std()), rel=0.05)


def test_handheld_keeps_the_rate_and_size_of_the_filmed_shake() -> None:
    """A long path is scaled down as a whole, and a film shorter than the clip plays the path faster."""
    near, far = straight(WALK + SHAKE), straight(14 * WALK + SHAKE)
    assert trembling(pans(far, "exact")).std() < 0.6 * trembling(pans(near, "exact")).std()
    assert trembling(pans(far, "handheld")).std() == pytest.approx(trembling(pans(near, "handheld")).std(), rel=0.1)

    def beats(mode: TransferMode) -> int:
        return int(np.argmax(np.abs(np.fft.rfft(trembling(pans(near, mode, 80))))))

    assert beats("handheld") == pytest.approx(6 * 60 / FPS, abs=1)  # `trembling` keeps 60 of the 80 frames
    assert beats("exact") == pytest.approx(6 * 60 / FPS * FRAMES / 80, abs=1)


def test_handheld_shake_is_smaller_under_a_base_zoom_and_the_path_makes_room_for_it() -> None:
    path = straight(14 * WALK + SHAKE)
    zoomed = np.array([pose.pan for pose in drive(path, 16 / 9, FPS, FRAMES, "handheld", FPS, 1.8)])
    plain = pans(path, "handheld")
    assert trembling(zoomed).std() == pytest.approx(trembling(plain).std() / 1.8, rel=0.1)
    assert np.ptp(zoomed) > np.ptp(plain)


@pytest.mark.parametrize("mode", ["exact", "stabilised", "handheld"])
def test_every_mode_stays_in_bounds_in_a_film_longer_than_the_clip(mode: TransferMode) -> None:
    assert np.abs(pans(straight(20 * WALK + 5 * SHAKE), mode, 300)).max() <= 1 + 1e-9


def test_the_move_rests_where_the_driving_camera_rests() -> None:
    """The driving clip moves for 1 s, rests for 1 s, and moves twice as fast for 1 s."""
    speed = np.repeat([0.002, 0.0, 0.004], FPS)
    walked = straight(np.concatenate([[0.0], np.cumsum(speed)]))
    path = camera_path.accumulate(camera_path.estimate(filmed(walked)))
    times = rhythm(path, FPS, len(path))
    move = CameraMove(keyframes=(Keyframe(at=0), Keyframe(at=1, dolly=1)), easing="linear")
    still = [Pose()] * len(path)
    dolly = np.array([pose.dolly for pose in stacked(still, move, times)])
    assert (dolly[0], dolly[-1]) == pytest.approx((0, 1))
    assert np.ptp(dolly[38:53]) < 0.003
    assert dolly[45] == pytest.approx(1 / 3, abs=0.03)
    assert dolly[85] - dolly[65] == pytest.approx(2 * (dolly[25] - dolly[5]), rel=0.15)
    assert np.ptp([pose.dolly for pose in stacked(still, move)][38:53]) > 0.1
