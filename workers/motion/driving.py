"""Conversion of the camera path measured in a driving clip to the poses of the renderer's camera.

The measurement cannot separate rotation (pan, tilt) from translation (truck, pedestal). The poses use the same amount
of both, so that the film shows parallax. An object at disparity 0.5 then crosses the frame exactly as the driving
clip's picture did. A path that exceeds the axes' range is scaled down as a whole and keeps its shape.
"""

from collections.abc import Sequence
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from shared.camera.lowerings import DOLLY, FOCAL, PAN, PEDESTAL, ROLL, TILT, TRUCK, inverse_distance
from shared.camera.move import AXES, CameraMove, Pose, stack
from shared.stages.requests import TransferMode
from workers.motion.camera_path import CameraPath, smooth

_MIDDLE = inverse_distance(0.5)
_SMOOTHING_SECONDS = 0.12  # standard deviation that removes hand shake and tracking noise and keeps the path
_RESTING = 0.0003  # residual noise of a smoothed path at rest, in frame widths per frame
_LARGEST_SCALE = 2.5  # maximum ratio of the closest to the widest framing; longer zooms are scaled down to it
_DOLLY_SCALE = 1 / (1 - DOLLY * _MIDDLE)  # magnification of an object at disparity 0.5 at dolly = 1

Curve = NDArray[np.float64]


def drive(
    path: CameraPath,
    aspect: float,
    fps: float,
    frames: int,
    mode: TransferMode = "stabilised",
    film_fps: float = 24,
    cover: float = 1.0,
) -> list[Pose]:
    """Return the measured path as `frames` poses at `film_fps`, stretched over the whole film.

    `aspect` (width / height) and `fps` are the driving clip's. Every axis stays within -1..1. Truck, pedestal, pan and
    tilt are offset so that the excursions to both sides are equal. The roll of the driving clip's first frame is 0, and
    the widest framing has dolly 0 and zoom 1. `handheld` adds the clip's shake at its filmed speed and size: the shake
    is not stretched or scaled with the path, and plays alternately forwards and backwards in a longer film. `cover` is
    the base zoom of the film, which would magnify the shake.
    """
    steady = path if mode == "exact" else smooth(path, _SMOOTHING_SECONDS, fps)
    right, up, roll = _turned(steady, aspect)
    right, up = _within_one(_balanced(right), _balanced(up))
    (roll,) = _within_one(roll)
    dolly, zoom = _approach(steady.scale)
    at = np.linspace(0, len(path) - 1, frames)
    right, up, roll, dolly, zoom = (
        np.interp(at, np.arange(len(path)), curve) for curve in (right, up, roll, dolly, zoom)
    )
    if mode == "handheld":
        swing = 2 * (len(path) - 1)
        at = np.abs((np.arange(frames) * fps / film_fps + swing / 2) % swing - swing / 2)
        shake = (
            np.interp(at, np.arange(len(path)), shaken - still) / cover
            for shaken, still in zip(_turned(path, aspect), _turned(steady, aspect), strict=True)
        )
        right, up, roll = (_shaken(curve, trembling) for curve, trembling in zip((right, up, roll), shake, strict=True))
    return [
        Pose(truck=x, pedestal=y, pan=x, tilt=y, roll=turn, dolly=forward, zoom=focal)
        for x, y, turn, forward, focal in zip(*(c.tolist() for c in (right, up, roll, dolly, zoom)), strict=True)
    ]


def rhythm(path: CameraPath, fps: float, frames: int) -> list[float]:
    """Return the fraction (0..1) of its travel that the driving camera has completed at each frame of the film.

    The fraction does not change while the camera rests. A camera that never moves gets an even rise.
    """
    travel = np.maximum(smooth(path, _SMOOTHING_SECONDS, fps).steps() - _RESTING, 0)
    done = np.concatenate([[0.0], np.cumsum(travel)])
    if done[-1] == 0:
        done = np.arange(len(path), dtype=np.float64)
    at = np.linspace(0, len(path) - 1, frames)
    return [float(share) for share in np.interp(at, np.arange(len(path)), done / done[-1])]


def stacked(driven: Sequence[Pose], move: CameraMove, times: Sequence[float] | None = None) -> list[Pose]:
    """Return the sum of the poses of `move` and the driven poses, weighted by the strength of `move`.

    An axis that would leave -1..1 is scaled down to fit. `times` are the positions (0..1) of the poses in the move;
    by default they are evenly spaced.
    """
    if times is None:
        times = [index / max(1, len(driven) - 1) for index in range(len(driven))]
    poses = [stack(move.sample(t), pose, move.strength) for t, pose in zip(times, driven, strict=True)]
    most = {axis: max(1.0, *(abs(getattr(pose, axis)) for pose in poses)) for axis in AXES}
    return [pose._replace(**{axis: getattr(pose, axis) / most[axis] for axis in AXES}) for pose in poses]


def excursion(path: CameraPath) -> float:
    """Return the largest range of the picture's shift, rotation and scale, in frame widths.

    Rotation and scale count as the travel of a point at the frame's edge.
    """
    growth = np.ptp(np.log(path.scale)) / 2
    return float(max(np.ptp(path.dx), np.ptp(path.dy), np.ptp(path.rotation) / 2, growth))


def _turned(path: CameraPath, aspect: float) -> tuple[Curve, Curve, Curve]:
    """Return the camera's offsets to the right and up from its first frame, and its roll, on the axes' scale.

    The values are not yet limited to -1..1.
    """
    centre = -path.shift / path.turn  # the point of the first frame that is in the middle of each frame
    units = 2 * sqrt(aspect)  # the frame's width in units; half the geometric mean of the frame's sides is 1
    right = centre.real * units / (FOCAL * (TRUCK * _MIDDLE + PAN))
    up = -centre.imag * units / (FOCAL * (PEDESTAL * _MIDDLE + TILT))
    return right, up, -path.rotation / ROLL


def _approach(scale: Curve) -> tuple[Curve, Curve]:
    """Return the dolly and the zoom that together magnify the picture by `scale`.

    The zoom magnifies by the factor that exceeds the dolly's range.
    """
    nearer = np.log(scale / scale.min())
    nearer *= min(1.0, log(_LARGEST_SCALE) / max(float(nearer.max()), 1e-9))
    walked = nearer * min(1.0, log(_DOLLY_SCALE) / max(float(nearer.max()), 1e-9))
    return (1 - np.exp(-walked)) / (DOLLY * _MIDDLE), np.exp(nearer - walked)


def _balanced(curve: Curve) -> Curve:
    middle = float(curve.max() + curve.min()) / 2
    return curve - middle


def _shaken(curve: Curve, shake: Curve) -> Curve:
    """Return the sum, within -1..1. The curve makes room for the shake, which keeps its size if it fits alone."""
    (shake,) = _within_one(shake)
    room, most = 1 - float(np.abs(shake).max()), max(float(np.abs(curve).max()), 1e-9)
    return curve * min(1.0, room / most) + shake


def _within_one(*curves: Curve) -> list[Curve]:
    most = max(1.0, *(float(np.abs(curve).max()) for curve in curves))
    return [curve / most for curve in curves]
