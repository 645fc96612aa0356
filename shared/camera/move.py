"""A camera move as data: keyframes over normalised time, eased, stacked in pairs and sampled to poses.

The signs are seen from behind the camera. Each axis is -1..1, and 1 is the strongest move that still looks good.

- translation (near objects move more than far objects): truck +right, pedestal +up, dolly +forward
- rotation (all objects move by the same angle): pan +right, tilt +up, roll +clockwise
- `zoom`: factor of the focal length, 1 = unchanged
- `focus`: the disparity in focus, 0 far, 1 near, None = everything is sharp
- `shake` and `fisheye`: amount of hand shake and of lens distortion, 0..1
"""

from bisect import bisect_right
from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from itertools import pairwise
from math import exp, log, sin, tau
from typing import Annotated, NamedTuple, Self

from pydantic import BeforeValidator, Field, StrictBool, StringConstraints, model_validator

from shared.core.wire import Number, Wire, number

_SAMPLES = 60  # number of intervals at which a pair of moves is sampled to find the maximum of each axis

AXES = ("truck", "pedestal", "dolly", "pan", "tilt", "roll")


class Pose(NamedTuple):
    """The camera's position at one time. The module's docstring gives the units."""

    truck: float = 0.0
    pedestal: float = 0.0
    dolly: float = 0.0
    pan: float = 0.0
    tilt: float = 0.0
    roll: float = 0.0
    zoom: float = 1.0
    focus: float | None = None
    shake: float = 0.0
    fisheye: float = 0.0


class Easing(StrEnum):
    """The speed curve between two keyframes."""

    LINEAR = "linear"
    EASE_IN = "ease_in"
    EASE_OUT = "ease_out"
    EASE_IN_OUT = "ease_in_out"
    CRASH = "crash"  # waits, moves suddenly, then settles
    GLIDE = "glide"  # one smooth curve through all keyframes; it rests only at its ends, and nowhere if it is closed

    def __call__(self, t: float) -> float:
        """Return the eased time, 0..1, for the linear time `t`, 0..1."""
        match self:
            case Easing.LINEAR | Easing.GLIDE:
                return t
            case Easing.EASE_IN:
                return t**3
            case Easing.EASE_OUT:
                return 1 - (1 - t) ** 3
            case Easing.EASE_IN_OUT:
                return t * t * t * (t * (6 * t - 15) + 10)
            case Easing.CRASH:
                return t**6 / (t**6 + (1.35 * (1 - t)) ** 6)


class Keyframe(Wire):
    """A pose at the time `at`, a fraction (0..1) of the clip's duration."""

    at: Number = Field(ge=0, le=1)
    truck: Number = Field(default=0, ge=-1, le=1)
    pedestal: Number = Field(default=0, ge=-1, le=1)
    dolly: Number = Field(default=0, ge=-1, le=1)
    pan: Number = Field(default=0, ge=-1, le=1)
    tilt: Number = Field(default=0, ge=-1, le=1)
    roll: Number = Field(default=0, ge=-1, le=1)
    zoom: Number = Field(default=1, ge=0.5, le=4)
    focus: Annotated[float, Field(ge=0, le=1), BeforeValidator(number)] | None = None
    shake: Number = Field(default=0, ge=0, le=1)
    fisheye: Number = Field(default=0, ge=0, le=1)

    def pose(self) -> Pose:
        return Pose(**{name: getattr(self, name) for name in Pose._fields})


Negative = Annotated[str, StringConstraints(min_length=1, max_length=32)]


class CameraMove(Wire):
    """The camera move of a preset. Engines that accept only text receive `prompt_phrase`."""

    keyframes: tuple[Keyframe, ...] = Field(min_length=1, max_length=32)
    easing: Easing = Easing.EASE_IN_OUT
    strength: Number = Field(default=1, ge=0, le=1)
    shutter: Number = Field(default=0.5, ge=0, le=3)  # exposure time in frames; 0.5 is film's 180 degrees
    min_duration_seconds: Number = Field(default=1, ge=1, le=30)
    max_duration_seconds: Number = Field(default=10, ge=1, le=30)
    prompt_phrase: str = Field(default="", max_length=200)
    negatives: tuple[Negative, ...] = Field(default=(), max_length=6)  # negative prompts for engines that accept text
    needs_driving_clip: StrictBool = False
    stacked: "StackedMove | None" = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if any(later.at <= earlier.at for earlier, later in pairwise(self.keyframes)):
            raise ValueError("each keyframe must be later than the keyframe before it")
        if self.min_duration_seconds > self.max_duration_seconds:
            raise ValueError("the minimum duration is longer than the maximum")
        if self.stacked and self.stacked.move.stacked:
            raise ValueError("only two moves can be stacked")
        return self

    def sample(self, t: float) -> Pose:
        """Return the pose at `t`, a fraction (0..1) of the clip's duration.

        Before the first and after the last keyframe the pose is constant. The strength scales the change of focus
        from its first value. At strength 0 everything is sharp.
        """
        pose = self._whole(t)
        if pose.focus is not None and self.strength < 1:
            begin = self._whole(0).focus
            focus = _mix(pose.focus if begin is None else begin, pose.focus, self.strength) if self.strength else None
            pose = pose._replace(focus=focus)
        return _scaled(pose, self.strength)

    def times(self) -> list[float]:
        """Return the times of the keyframes of this move and of the stacked move."""
        second = self.stacked.move.keyframes if self.stacked else ()
        return sorted({frame.at for frame in (*self.keyframes, *second)})

    def _whole(self, t: float) -> Pose:
        """Return the pose at full strength, with the stacked move, within the limits of the axes."""
        pose = self._sample(t)
        if not self.stacked:
            return pose
        pose = stack(pose, self.stacked.move.sample(t), self.stacked.weight)
        # Sampling can miss the true maximum by a small amount; clamp that overshoot.
        clamped = {axis: min(max(getattr(pose, axis) / most, -1.0), 1.0) for axis, most in self._maxima.items()}
        return pose._replace(**clamped)

    def _sample(self, t: float) -> Pose:
        times = [frame.at for frame in self.keyframes]
        if self.easing is Easing.GLIDE and times[0] < t < times[-1] and not _is_closed(self.keyframes):
            whole = times[-1] - times[0]
            t = times[0] + whole * _from_rest((t - times[0]) / whole)
        after = bisect_right(times, t)
        if after == 0:
            return self.keyframes[0].pose()
        if after == len(times):
            return self.keyframes[-1].pose()
        if self.easing is Easing.GLIDE:
            return _glide(self.keyframes, after, t)
        before, behind = self.keyframes[after - 1], self.keyframes[after]
        amount = self.easing((t - before.at) / (behind.at - before.at))
        return _between(before.pose(), behind.pose(), amount)

    @cached_property
    def _maxima(self) -> dict[str, float]:
        """Return each axis's maximum in a pair, or 1 if it stays within the limit. Cached: every frame needs it."""
        times = [*self.times(), *(i / _SAMPLES for i in range(_SAMPLES + 1))]
        second = self.stacked
        poses = [stack(self._sample(t), second.move.sample(t), second.weight) for t in times] if second else []
        return {axis: max([1.0, *(abs(float(getattr(pose, axis))) for pose in poses)]) for axis in AXES}

    def with_stacked(self, second: "CameraMove", weight: float) -> Self:
        """Return this move with `second` added at a weight of 0..1.

        Raise ValueError if the two have no common duration, or if one of them is already a pair. Axes add; an axis
        whose sum leaves -1..1 is scaled down over the whole move. The prompt has both phrases, and only the negatives
        that both moves have. If one move is still, the negatives are those of the other move.
        """
        if self.stacked:
            raise ValueError("only two moves can be stacked")
        active = [move for move in (self, second) if move.moves() and (weight or move is self)] or [self]
        shared = {
            "min_duration_seconds": max(self.min_duration_seconds, second.min_duration_seconds),
            "max_duration_seconds": min(self.max_duration_seconds, second.max_duration_seconds),
            "shutter": max(self.shutter, second.shutter),
            "prompt_phrase": ", ".join(move.prompt_phrase for move in active if move.prompt_phrase)[:200],
            "negatives": tuple(word for word in active[0].negatives if word in active[-1].negatives),
            "needs_driving_clip": self.needs_driving_clip or second.needs_driving_clip,
            "stacked": StackedMove(move=second, weight=weight),
        }
        return type(self).model_validate({name: getattr(self, name) for name in type(self).model_fields} | shared)

    def moves(self) -> frozenset[str]:
        """Return the names of the axes, and of `zoom`, `focus` and `shake`, that this move uses."""
        if not self.strength:
            return frozenset()
        still = Pose()
        own = frozenset(
            name for name in Pose._fields for frame in self.keyframes if getattr(frame, name) != getattr(still, name)
        )
        return own | self.stacked.move.moves() if self.stacked and self.stacked.weight else own


class StackedMove(Wire):
    """The second move of a pair, with its weight."""

    move: CameraMove
    weight: Number = Field(default=0.5, ge=0, le=1)


def stack(first: Pose, second: Pose, weight: float = 1.0) -> Pose:
    """Return the sum of two poses, the second at a weight of 0..1: axes add, zooms multiply (within 0.5..4).

    The focus is the second pose's, unless that is None or the weight is 0.
    """
    extra = _scaled(second, weight)
    return Pose(
        **{name: getattr(first, name) + getattr(extra, name) for name in AXES},
        zoom=min(max(first.zoom * extra.zoom, 0.5), 4.0),
        focus=extra.focus if weight and extra.focus is not None else first.focus,
        shake=max(first.shake, extra.shake),
        fisheye=max(first.fisheye, extra.fisheye),
    )


def shaken(pose: Pose, seconds: float) -> Pose:
    """Return the pose with hand shake: a fixed sum of incommensurable sines, so each render of a clip is the same."""
    if not pose.shake:
        return pose
    wave = [
        sum(sin(tau * rate * seconds + phase + 1.7 * axis) / rate for rate, phase in _TREMOR) / 1.4 for axis in range(5)
    ]
    a = pose.shake
    return pose._replace(
        truck=pose.truck + 0.10 * a * wave[0],
        pedestal=pose.pedestal + 0.08 * a * wave[1],
        pan=pose.pan + 0.12 * a * wave[2],
        tilt=pose.tilt + 0.10 * a * wave[3],
        roll=pose.roll + 0.06 * a * wave[4],
        shake=0.0,
    )


_TREMOR = ((0.9, 0.0), (1.7, 2.1), (3.1, 4.4))


def _scaled(pose: Pose, strength: float) -> Pose:
    return pose._replace(
        **{name: getattr(pose, name) * strength for name in AXES},
        zoom=pose.zoom**strength,
        shake=pose.shake * strength,
        fisheye=pose.fisheye * strength,
    )


def _between(a: Pose, b: Pose, amount: float) -> Pose:
    return Pose(
        **{name: _mix(getattr(a, name), getattr(b, name), amount) for name in AXES},
        zoom=a.zoom ** (1 - amount) * b.zoom**amount,
        focus=b.focus if a.focus is None else a.focus if b.focus is None else _mix(a.focus, b.focus, amount),
        shake=_mix(a.shake, b.shake, amount),
        fisheye=_mix(a.fisheye, b.fisheye, amount),
    )


def _mix(x: float, y: float, amount: float) -> float:
    return x + (y - x) * amount


_RAMP = 0.3  # part of an open glide's time in which it speeds up; in an equal part it slows down


def _from_rest(t: float) -> float:
    """Return the eased time, 0..1, of a glide. Its speed rises smoothly in the first part and falls in the last."""
    if t > 0.5:
        return 1 - _from_rest(1 - t)
    u = min(t / _RAMP, 1)
    return (_RAMP * u**3 * (1 - u / 2) + max(t - _RAMP, 0)) / (1 - _RAMP)


def _is_closed(frames: Sequence[Keyframe]) -> bool:
    return frames[0].pose() == frames[-1].pose()


def _glide(frames: Sequence[Keyframe], after: int, t: float) -> Pose:
    """Return the pose between two keyframes on monotone cubic curves through all keyframes.

    Each curve stays in the range of its two keyframes. The slopes are those of Fritsch and Butland (1984). Each end of
    a closed path uses the slope of the other end, too.
    """
    before, behind = frames[after - 1], frames[after]
    span = behind.at - before.at
    u = (t - before.at) / span
    loops = _is_closed(frames)

    def curve(name: str) -> float:
        value = [log(frame.zoom) if name == "zoom" else float(getattr(frame, name)) for frame in frames]
        slopes = [(b - a) / (f.at - e.at) for (e, f), (a, b) in zip(pairwise(frames), pairwise(value), strict=True)]

        def tangent(i: int) -> float:
            inner = 0 < i < len(slopes)
            if not inner and not loops:
                return slopes[0] if i == 0 else slopes[-1]
            left, right = (slopes[i - 1], slopes[i]) if inner else (slopes[-1], slopes[0])
            return 2 * left * right / (left + right) if left * right > 0 else 0.0

        start, end = value[after - 1], value[after]
        leaving, arriving = tangent(after - 1) * span, tangent(after) * span
        return start + (end - start) * u * u * (3 - 2 * u) + leaving * u * (1 - u) ** 2 - arriving * u * u * (1 - u)

    pose = _between(before.pose(), behind.pose(), u)  # for the focus
    return pose._replace(**{name: curve(name) for name in (*AXES, "shake", "fisheye")}, zoom=exp(curve("zoom")))
