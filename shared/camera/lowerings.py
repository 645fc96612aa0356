"""What a camera move becomes for engines of our own: physical units, or an affine map for what only moves frames."""

from cmath import exp
from collections.abc import Iterable, Sequence
from math import sqrt, tan
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


class View(NamedTuple):
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


def view(pose: Pose) -> View:
    """The pose in physical units. Shake is not applied here: call `shaken` before."""
    return View(
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


def aimed(view: View, aim: Aim) -> View:
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


def counter_pan(truck: float, nearness: float = 0.5) -> float:
    """The pan that keeps what has this nearness in place while the camera trucks: together they are an orbit."""
    return -truck * TRUCK * inverse_distance(nearness) / PAN


def counter_zoom(dolly: float, nearness: float = 0.5) -> float:
    """The zoom that keeps the size of what has this nearness while the camera dollies: the vertigo effect."""
    return 1 - DOLLY * dolly * inverse_distance(nearness)


def dropped_axes(move: CameraMove, axes: Iterable[str]) -> frozenset[str]:
    """Which of the axes that `move` uses an engine that follows only `axes` will leave out."""
    return move.moves() - frozenset(axes)


class Affine(NamedTuple):
    """How a finished frame is moved to look as if its camera had: `z -> scale e^(i rotation) z + (dx + i dy)`.

    z = x + iy in fractions of the frame's width from its middle, x right, y down; `rotation` is clockwise in radians.
    """

    scale: float
    rotation: float
    dx: float
    dy: float


def affine(pose: Pose, aspect: float, nearness: float = 0.5) -> Affine:
    """The pose for an engine that can only move the frames of a video, as if all stood at `nearness`; no parallax.

    `aspect` is width / height. Frames moved so leave borders: see `affine_cover`.
    """
    seen, d = view(pose), inverse_distance(nearness)
    nearer = 1 - seen.forward * d
    scale = seen.focal / nearer
    units = 2 * sqrt(aspect)  # the frame's width
    across = FOCAL * (seen.right * d + tan(seen.pan) * nearer) / units
    down = -FOCAL * (seen.up * d + tan(seen.tilt) * nearer) / units
    moved = -(across + 1j * down) * scale * exp(-1j * seen.roll)
    return Affine(scale, -seen.roll, moved.real, moved.imag)


def affine_cover(path: Sequence[Affine], aspect: float) -> float:
    """The factor by which every frame of the path must grow about its middle so that no border shows."""
    half = 0.5 * (1 + 1j / aspect)
    most = 1.0
    for each in path:
        turn = each.scale * exp(1j * each.rotation)
        for corner in (half, half.conjugate()):
            for at in (corner, -corner):
                # What the corner shows when all grows by c is (at / c - shift) / turn: it must lie within the frame.
                still, grown = -complex(each.dx, each.dy) / turn, at / turn
                for still_part, grown_part, limit in (
                    (still.real, grown.real, half.real),
                    (still.imag, grown.imag, half.imag),
                ):
                    room = limit - abs(still_part)
                    if room <= 0:
                        raise ValueError("a path that leads out of the frame")
                    most = max(most, abs(grown_part) / room)
    return most
