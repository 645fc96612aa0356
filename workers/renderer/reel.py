"""One camera path over one or several pictures: who is on at which frame, and how each gives way to the next."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import cv2
import numpy as np

from shared.camera.move import Pose
from workers.media.planes import Floats, Planes, as_bytes, as_floats
from workers.motion.motion_check import MotionCheck
from workers.renderer.shoot import Shot, drawn

DISSOLVE_SECONDS = 0.5
_DEEP = np.float32(1.0)  # of a dissolve's time: how much later the nearest things change than the farthest


class On(NamedTuple):
    """What one frame shows: a picture, giving way by `amount` (0..1) to the next."""

    picture: int
    following: int
    amount: float


def programme(pictures: int, frames: int, dissolve: float, loop: bool = False) -> list[On]:
    """What each frame shows. Pictures are on equally long; a dissolve takes `dissolve` frames, at most half a share.

    The film begins with the first picture alone and ends with the last alone; a loop begins in the middle of the
    first's share and comes back to it.
    """
    share = frames / pictures
    length = min(dissolve, share / 2)
    cuts = [share * (k - loop / 2) for k in range(1, pictures + loop)] if pictures > 1 else []
    shown = []
    for frame in range(frames):
        amounts = [min(max((frame + 0.5 - cut) / length + 0.5, 0.0), 1.0) for cut in cuts]
        over = sum(amount == 1 for amount in amounts)
        amount = amounts[over] if over < len(cuts) else 0.0
        shown.append(On(over % pictures, (over + (amount > 0)) % pictures, amount))
    return shown


class Reel:
    """The film of the whole path, one shot for each picture."""

    def __init__(self, shots: Sequence[Shot], poses: Sequence[Pose], fps: float, loop: bool = False) -> None:
        """`poses` have their shake applied. Every shot is prepared for its own part of the path."""
        self._shots, self._poses, self._loop = shots, poses, loop
        self._shown = programme(len(shots), len(poses), DISSOLVE_SECONDS * fps, loop)
        for index, shot in enumerate(shots):
            shot.prepare([pose for pose, on in zip(poses, self._shown, strict=True) if index in on[:2]])
        self._checks: list[tuple[range, MotionCheck]] = []
        for alone, group in groupby(range(len(poses)), lambda i: self._shown[i].picture if self._alone(i) else None):
            span = list(group)
            if alone is not None:
                check = shots[alone].check([poses[i] for i in span])
                self._checks.append((range(span[0], span[-1] + 1), check))

    def film(self) -> Iterator[Planes]:
        """Every frame, looked at as it passes."""
        for i, planes in enumerate(drawn(self._frame, len(self._poses))):
            for span, check in self._checks:
                if i in span:
                    check.see(planes)
            yield planes

    def score(self) -> float | None:
        """How well the film moved as its path says, 0..1, while one picture was on; call after `film`.

        None if no picture shows anything to follow.
        """
        scored = [(score, len(span)) for span, check in self._checks if (score := check.score()) is not None]
        frames = sum(length for _, length in scored)
        return sum(score * length for score, length in scored) / frames if frames else None

    def _alone(self, i: int) -> bool:
        return self._shown[i].amount == 0

    def _frame(self, i: int) -> Planes:
        on, pose = self._shown[i], self._poses[i]
        ends = i + 1 == len(self._poses) and not self._loop
        following = None if ends else self._poses[(i + 1) % len(self._poses)]
        here = self._shots[on.picture]
        if self._alone(i):
            return here.frame(pose, following=following)
        there = self._shots[on.following]
        return _dissolved(
            here.frame(pose, following=following),
            there.frame(pose, following=following),
            as_floats((1 + here.nearness(pose) - there.nearness(pose)) / 2),
            on.amount,
        )


def _dissolved(before: Planes, after: Planes, late: Floats, amount: float) -> Planes:
    """`amount` of the way from one frame to the other; `late` (0..1, per pixel) waits: near things cover far ones."""
    share = np.clip(np.float32(amount) * (1 + _DEEP) - _DEEP * late, 0, 1)
    share = as_floats(share * share * (3 - 2 * share))
    height, width = before.u.shape
    small = as_floats(cv2.resize(share, (width, height), interpolation=cv2.INTER_AREA))
    return Planes(
        *(
            as_bytes(cv2.blendLinear(new, old, part, 1 - part))
            for old, new, part in zip(before, after, (share, small, small), strict=True)
        )
    )
