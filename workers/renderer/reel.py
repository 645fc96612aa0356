"""One camera path over one or several pictures: the picture of each frame, and the dissolves between pictures."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import cv2
import numpy as np

from shared.camera.move import Pose
from shared.stages.metadata import MeasuredPath
from workers.media.planes import Floats, Planes, as_bytes, as_floats
from workers.media.subject import Box
from workers.motion.motion_check import MotionCheck
from workers.renderer.shoot import Shot, drawn

DISSOLVE_SECONDS = 0.5
_DEPTH_DELAY = np.float32(1.0)  # delay of a dissolve at `late` 1 against `late` 0, in durations of one pixel's change


class Shown(NamedTuple):
    """The pictures in one frame: `picture`, dissolved by `amount` (0..1) into `following`."""

    picture: int
    following: int
    amount: float


def schedule(pictures: int, frames: int, dissolve: float, loop: bool = False) -> list[Shown]:
    """Return the pictures in each frame. All pictures have equal shares of the film.

    A dissolve takes `dissolve` frames, at most half a share. The film begins with only the first picture and ends with
    only the last. A loop begins in the middle of the first picture's share and returns to it.
    """
    share = frames / pictures
    length = min(dissolve, share / 2)
    cuts = [share * (k - loop / 2) for k in range(1, pictures + loop)] if pictures > 1 else []
    shown = []
    for frame in range(frames):
        amounts = [min(max((frame + 0.5 - cut) / length + 0.5, 0.0), 1.0) for cut in cuts]
        over = sum(amount == 1 for amount in amounts)
        amount = amounts[over] if over < len(cuts) else 0.0
        shown.append(Shown(over % pictures, (over + (amount > 0)) % pictures, amount))
    return shown


class Reel:
    """A film of the whole path, with one shot for each picture."""

    def __init__(self, shots: Sequence[Shot], poses: Sequence[Pose], fps: float, loop: bool = False) -> None:
        """Prepare every shot for its own part of the path. The `poses` have their shake applied."""
        self._shots, self._poses, self._loop = shots, poses, loop
        self._shown = schedule(len(shots), len(poses), DISSOLVE_SECONDS * fps, loop)
        for index, shot in enumerate(shots):
            shot.prepare([pose for pose, on in zip(poses, self._shown, strict=True) if index in on[:2]])
        self._checks: list[tuple[range, MotionCheck]] = []
        for single, group in groupby(range(len(poses)), lambda i: self._shown[i].picture if self._single(i) else None):
            span = list(group)
            if single is not None:
                check = shots[single].check([poses[i] for i in span])
                self._checks.append((range(span[0], span[-1] + 1), check))

    def film(self) -> Iterator[Planes]:
        """Yield every frame, and pass it to the motion checks."""
        for i, planes in enumerate(drawn(self._frame, len(self._poses))):
            for span, check in self._checks:
                if i in span:
                    check.see(planes)
            yield planes

    def score(self) -> float | None:
        """Return the motion score (0..1) of the frames with only one picture; call after `film`.

        Return None if all pictures have too few landmarks.
        """
        scored = [(score, len(span)) for span, check in self._checks if (score := check.score()) is not None]
        frames = sum(length for _, length in scored)
        return sum(score * length for score, length in scored) / frames if frames else None

    def paths(self) -> list[MeasuredPath]:
        """Return the asked and the measured path of the frames with only one picture; call after `film`."""
        frames = len(self._poses)
        return [path for span, check in self._checks for path in check.paths(span.start, frames)]

    def subject_place(self) -> Box:
        """Return the part of the frame in which the film shows the subjects of all its pictures."""
        places = [
            shot.subject_place([pose for pose, on in zip(self._poses, self._shown, strict=True) if index in on[:2]])
            for index, shot in enumerate(self._shots)
        ]
        lefts, tops, rights, bottoms = zip(*places, strict=True)
        return min(lefts), min(tops), max(rights), max(bottoms)

    def _single(self, i: int) -> bool:
        return self._shown[i].amount == 0

    def _frame(self, i: int) -> Planes:
        on, pose = self._shown[i], self._poses[i]
        ends = i + 1 == len(self._poses) and not self._loop
        following = None if ends else self._poses[(i + 1) % len(self._poses)]
        here = self._shots[on.picture]
        if self._single(i):
            return here.frame(pose, following=following)
        there = self._shots[on.following]
        return _dissolved(
            here.frame(pose, following=following),
            there.frame(pose, following=following),
            as_floats((1 + here.nearness(pose) - there.nearness(pose)) / 2),
            on.amount,
        )


def _dissolved(before: Planes, after: Planes, late: Floats, amount: float) -> Planes:
    """Blend two frames by `amount` (0..1). Pixels with a high `late` (0..1) change later: near objects cover far."""
    share = np.clip(np.float32(amount) * (1 + _DEPTH_DELAY) - _DEPTH_DELAY * late, 0, 1)
    share = as_floats(share * share * (3 - 2 * share))
    height, width = before.u.shape
    small = as_floats(cv2.resize(share, (width, height), interpolation=cv2.INTER_AREA))
    return Planes(
        *(
            as_bytes(cv2.blendLinear(new, old, part, 1 - part))
            for old, new, part in zip(before, after, (share, small, small), strict=True)
        )
    )
