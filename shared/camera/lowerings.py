"""What a camera move becomes for our own engines: physical units."""

from collections.abc import Iterable
from typing import NamedTuple

from shared.camera.move import CameraMove, Pose

# Translation is counted in distances to the nearest thing in the picture, which stands at distance 1.
TRUCK = 0.12
"""truck = 1: the camera moves right by 0.12; the nearest things cross 9 % of a 16:9 frame's width."""
PEDESTAL = 0.10
"""pedestal = 1: the camera rises by 0.10; the nearest things sink by 13 % of a 16:9 frame's height."""
DOLLY = 0.30
"""dolly = 1: the camera goes 0.30 forward; the nearest things grow by 1 / (1 - 0.30) = 1.43."""
PAN = 0.15
"""pan = 1: 0.15 rad (8.6 degrees) to the right; everything moves left by about 11 % of a 16:9 frame's width."""
TILT = 0.10
"""tilt = 1: 0.10 rad (5.7 degrees) up; everything sinks by about 13 % of a 16:9 frame's height."""
ROLL = 0.21
"""roll = 1: 0.21 rad (12 degrees) clockwise; the picture turns anticlockwise."""
FOCAL = 2.0
"""Focal length over half the geometric mean of the frame's sides: a 16:9 frame sees 67 degrees across (27 mm)."""
BULGE = 0.7
"""fisheye = 1: the middle is drawn 1.7 times as large as the corners, which stay where they are."""
FAR = 0.08
"""Inverse distance of nearness 0: the horizon is 12.5 times as far as the nearest things."""


class CameraView(NamedTuple):
    """Where the renderer's camera stands and looks."""

    right: float = 0.0  # translation, in distances to the nearest thing
    up: float = 0.0
    forward: float = 0.0
    pan: float = 0.0  # radians, to the right
    tilt: float = 0.0  # radians, upwards
    roll: float = 0.0  # radians, clockwise
    focal: float = 1.0  # factor of focal length
    shift_right: float = 0.0  # of the lens, which moves the picture without turning it; 1 as in FOCAL
    shift_up: float = 0.0
    focus: float | None = None  # nearness in focus; None = all sharp
    fisheye: float = 0.0  # 0..1


def view(pose: Pose) -> CameraView:
    """The pose in physical units. Shake is not applied here: call `shaken` before."""
    return CameraView(
        right=TRUCK * pose.truck,
        up=PEDESTAL * pose.pedestal,
        forward=DOLLY * pose.dolly,
        pan=PAN * pose.pan,
        tilt=TILT * pose.tilt,
        roll=ROLL * pose.roll,
        focal=pose.zoom,
        focus=pose.focus,
        fisheye=pose.fisheye,
    )


class Aim(NamedTuple):
    """What zooms and dollies lead to, and what the widest framing shows; units as in FOCAL, from the picture's middle.

    Both are (right, up). `widest` is the path's smallest focal length.
    """

    point: tuple[float, float] = (0.0, 0.0)
    middle: tuple[float, float] = (0.0, 0.0)
    widest: float = 1.0


def aimed(view: CameraView, aim: Aim) -> CameraView:
    """The view of a camera that zooms and dollies about a point of the picture instead of the frame's middle.

    The point stays where it is in the frame, whatever its distance: the camera travels along the ray to it, and the
    lens shifts as it zooms. So what is seen lies within what the widest framing sees.
    """
    zoomed = 1 - aim.widest / view.focal
    (right, up), (middle_right, middle_up) = aim.point, aim.middle
    return view._replace(
        right=view.right + view.forward * right / FOCAL,
        up=view.up + view.forward * up / FOCAL,
        shift_right=middle_right + (right - middle_right) * zoomed,
        shift_up=middle_up + (up - middle_up) * zoomed,
    )


def inverse_distance(nearness: float) -> float:
    """1 / distance of a nearness 0..1: linear, as depth networks and disparity maps have it."""
    return FAR + (1 - FAR) * nearness


def dropped_axes(move: CameraMove, axes: Iterable[str]) -> frozenset[str]:
    """Which of the axes that `move` uses an engine that follows only `axes` will leave out."""
    return move.moves() - frozenset(axes)
