"""From the camera path measured in a driving clip to the poses of the camera that shoots the film.

What was measured cannot tell a turning camera from a travelling one. The mix taken here makes the thing half way into
the picture (nearness 0.5) cross the frame exactly as the driving clip's picture did, half way between both, so that
there is parallax; paths that lead further than the strongest tasteful move shrink as a whole and keep their shape.
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
_SMOOTHING_SECONDS = 0.12  # takes out how a hand and tracking tremble, leaves where the camera goes
_RESTING = 0.0003  # frame widths from frame to frame: what a smoothed path trembles by at rest
_LARGEST_SCALE = 2.5  # from the widest to the closest framing; a longer zoom shrinks to it
_DOLLY_SCALE = 1 / (1 - DOLLY * _MIDDLE)  # how much nearness 0.5 grows at dolly = 1

Curve = NDArray[np.float64]


def drive(
    path: CameraPath, aspect: float, fps: float, frames: int, mode: TransferMode = "stabilised", film_fps: float = 24
) -> list[Pose]:
    """The measured path as `frames` poses at `film_fps`, stretched over the whole film.

    `aspect` (width / height) and `fps` are the driving clip's. Every axis stays within -1..1; the film begins and ends
    where its excursions to either side are balanced, level as the driving clip's first frame, at its widest framing 1.
    Shake that `handheld` keeps is neither stretched nor shrunk with the path; it runs to and fro in a longer film.
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
            np.interp(at, np.arange(len(path)), shaken - still)
            for shaken, still in zip(_turned(path, aspect), _turned(steady, aspect), strict=True)
        )
        right, up, roll = (
            _within_one(curve + trembling)[0] for curve, trembling in zip((right, up, roll), shake, strict=True)
        )
    return [
        Pose(truck=x, pedestal=y, pan=x, tilt=y, roll=turn, dolly=forward, zoom=focal)
        for x, y, turn, forward, focal in zip(*(c.tolist() for c in (right, up, roll, dolly, zoom)), strict=True)
    ]


def rhythm(path: CameraPath, fps: float, frames: int) -> list[float]:
    """How much of all its travel, 0..1, the driving camera has done by each frame of the film; at rest it stays."""
    travel = np.maximum(smooth(path, _SMOOTHING_SECONDS, fps).steps() - _RESTING, 0)
    done = np.concatenate([[0.0], np.cumsum(travel)])
    if done[-1] == 0:
        done = np.arange(len(path), dtype=np.float64)
    at = np.linspace(0, len(path) - 1, frames)
    return [float(share) for share in np.interp(at, np.arange(len(path)), done / done[-1])]


def stacked(driven: Sequence[Pose], move: CameraMove, times: Sequence[float] | None = None) -> list[Pose]:
    """The driven poses, as strong as `move` is, upon those of `move`; an axis that would leave -1..1 shrinks to fit.

    `times` are where along the move (0..1) each pose is; evenly, if there are none.
    """
    if times is None:
        times = [index / max(1, len(driven) - 1) for index in range(len(driven))]
    poses = [stack(move.sample(t), pose, move.strength) for t, pose in zip(times, driven, strict=True)]
    most = {axis: max(1.0, *(abs(getattr(pose, axis)) for pose in poses)) for axis in AXES}
    return [pose._replace(**{axis: getattr(pose, axis) / most[axis] for axis in AXES}) for pose in poses]


def excursion(path: CameraPath) -> float:
    """How far the picture ever is from where it was: the largest of shift, turn and growth, in frame widths."""
    growth = np.ptp(np.log(path.scale)) / 2
    return float(max(np.ptp(path.dx), np.ptp(path.dy), np.ptp(path.rotation) / 2, growth))


def _turned(path: CameraPath, aspect: float) -> tuple[Curve, Curve, Curve]:
    """How far right and up the camera looks from its first frame, and its roll: as axes, not yet within -1..1."""
    looked_at = -path.shift / path.turn  # the point of the first frame that stands in the middle now
    units = 2 * sqrt(aspect)  # the frame's width, where half the geometric mean of its sides is 1
    right = looked_at.real * units / (FOCAL * (TRUCK * _MIDDLE + PAN))
    up = -looked_at.imag * units / (FOCAL * (PEDESTAL * _MIDDLE + TILT))
    return right, up, -path.rotation / ROLL


def _approach(scale: Curve) -> tuple[Curve, Curve]:
    """Dolly and zoom that together make the picture grow by `scale`; what is too much for a dolly, the lens does."""
    nearer = np.log(scale / scale.min())
    nearer *= min(1.0, log(_LARGEST_SCALE) / max(float(nearer.max()), 1e-9))
    walked = nearer * min(1.0, log(_DOLLY_SCALE) / max(float(nearer.max()), 1e-9))
    return (1 - np.exp(-walked)) / (DOLLY * _MIDDLE), np.exp(nearer - walked)


def _balanced(curve: Curve) -> Curve:
    middle = float(curve.max() + curve.min()) / 2
    return curve - middle


def _within_one(*curves: Curve) -> list[Curve]:
    most = max(1.0, *(float(np.abs(curve).max()) for curve in curves))
    return [curve / most for curve in curves]
