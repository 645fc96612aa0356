"""The lowering of a camera move for the in-process engines: physical units."""

from collections.abc import Iterable
from typing import NamedTuple

from shared.camera.move import CameraMove, Pose

# The unit of translation is the distance to the nearest object in the picture.
TRUCK = 0.12
"""Translation to the right at truck = 1. The nearest objects move left by 9 % of a 16:9 frame's width."""
PEDESTAL = 0.10
"""Translation upwards at pedestal = 1. The nearest objects move down by 13 % of a 16:9 frame's height."""
DOLLY = 0.30
"""Translation forward at dolly = 1. The nearest objects grow by a factor of 1 / (1 - 0.30) = 1.43."""
PAN = 0.15
"""Rotation to the right at pan = 1, in rad (8.6 degrees). All objects move left by about 11 % of a 16:9 width."""
TILT = 0.10
"""Rotation upwards at tilt = 1, in rad (5.7 degrees). All objects move down by about 13 % of a 16:9 frame's height."""
ROLL = 0.21
"""Clockwise rotation at roll = 1, in rad (12 degrees). The picture turns anticlockwise."""
FOCAL = 2.0
"""Focal length, in halves of the geometric mean of the frame's sides. A 16:9 frame spans 67 degrees (27 mm)."""
BULGE = 0.7
"""Extra magnification of the center at fisheye = 1: factor 1.7 against the corners, which do not move."""
FAR = 0.08
"""Inverse distance at disparity 0: the horizon is 12.5 times as far as the nearest objects."""


class CameraView(NamedTuple):
    """The position, direction and lens of the renderer's camera."""

    right: float = 0.0  # translation, in distances to the nearest object
    up: float = 0.0
    forward: float = 0.0
    pan: float = 0.0  # radians, to the right
    tilt: float = 0.0  # radians, upwards
    roll: float = 0.0  # radians, clockwise
    focal: float = 1.0  # factor of focal length
    shift_right: float = 0.0  # shift of the lens, which moves the picture without a rotation; units as in FOCAL
    shift_up: float = 0.0
    focus: float | None = None  # disparity in focus; None = everything is sharp
    fisheye: float = 0.0  # 0..1


def view(pose: Pose) -> CameraView:
    """Return the pose in physical units. This does not apply shake: call `shaken` first."""
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
    """The fixed point of zooms and dollies, and the center of the widest framing.

    Both are (right, up) from the picture's center, in units as in FOCAL. `widest` is the path's smallest focal factor.
    """

    point: tuple[float, float] = (0.0, 0.0)
    middle: tuple[float, float] = (0.0, 0.0)
    widest: float = 1.0


def aimed(view: CameraView, aim: Aim) -> CameraView:
    """Return the view of a camera that zooms and dollies about `aim.point` instead of the frame's center.

    The point keeps its place in the frame at any distance: the camera moves along the ray to it, and the lens shifts
    with the zoom. Therefore each frame is inside the widest framing.
    """
    zoomed = 1 - aim.widest / view.focal
    (right, up), (middle_right, middle_up) = aim.point, aim.middle
    return view._replace(
        right=view.right + view.forward * right / FOCAL,
        up=view.up + view.forward * up / FOCAL,
        shift_right=middle_right + (right - middle_right) * zoomed,
        shift_up=middle_up + (up - middle_up) * zoomed,
    )


def inverse_distance(disparity: float) -> float:
    """Return 1 / distance for a disparity of 0..1. The relation is linear, as in depth networks and disparity maps."""
    return FAR + (1 - FAR) * disparity


def dropped_axes(move: CameraMove, axes: Iterable[str]) -> frozenset[str]:
    """Return the axes that `move` uses and an engine that supports only `axes` ignores."""
    return move.moves() - frozenset(axes)
