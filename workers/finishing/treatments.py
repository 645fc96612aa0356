"""Treatments of a film's pixels at their final size. Each treatment is a function from frame to frame."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from shared.stages.operations import Operation
from workers.media.looks import LOOKS, Grade
from workers.media.planes import Bytes, Planes, as_bytes

_BLACK, _NEUTRAL = 16, 128
_AROUND = 0.04  # minimum space between a bar and the subject, as a fraction of the frame's side

Treatment = Callable[[Planes], Planes]

BY_PIXEL = ("sharpen", "grade", "vignette", "grain")  # applied in the order of the request


def treatment(operation: Operation, width: int, height: int, seed: int) -> Treatment:
    """Return the treatment of one operation of `BY_PIXEL`, for frames of this size. It is called on frames in order."""
    match operation.name:
        case "sharpen":
            return Sharpen(operation.amount, height)
        case "grade":
            return Grade.of(LOOKS[operation.choice])
        case "vignette":
            return Vignette.of(width, height, operation.amount)
        case "grain":
            return Grain.of(width, height, operation.amount, seed)
    raise ValueError(f"{operation} is not a treatment of pixels")


def bars(ratio: float, width: int, height: int) -> tuple[int, int]:
    """Return the widths of the side bars and of the bars above and below that leave a picture of this aspect ratio.

    Both are even, in pixels. `ratio` is width / height.
    """
    side, foot = (width - height * ratio) / 4, (height - width / ratio) / 4
    return 2 * max(0, round(side)), 2 * max(0, round(foot))


def shift(bar: int, length: int, first: float, last: float) -> int:
    """Return how far the picture moves back below two bars, so that they do not cover its subject; even, in pixels.

    `bar` is the width of each bar, `length` the frame's side across them. `first` and `last` are where the subject
    begins and ends, as fractions of that side. A subject that is longer than the space between the bars is centred.
    """
    begin, end = (first - _AROUND) * length, (last + _AROUND) * length
    room = length - 2 * bar
    beyond = (begin + end - length) / 2 if end - begin > room else min(begin - bar, 0) + max(end - bar - room, 0)
    return 2 * round(max(-bar, min(beyond, bar)) / 2)


class Letterbox:
    """Black bars over the edges of the picture. The picture keeps its size, and moves below the bars."""

    def __init__(self, side: int, foot: int, right: int = 0, down: int = 0) -> None:
        """Show the part of the picture that is `right` and `down` of its middle: at most the bars' widths."""
        self._side, self._foot = side, foot
        self._right, self._down = right, down

    def __call__(self, planes: Planes) -> Planes:
        return Planes(
            *(
                self._covered(plane, black, 1 if black == _BLACK else 2)
                for plane, black in zip(planes, (_BLACK, _NEUTRAL, _NEUTRAL), strict=True)
            )
        )

    def _covered(self, plane: Bytes, black: int, step: int) -> Bytes:
        side, foot = self._side // step, self._foot // step
        rows, columns = plane.shape
        right, down = self._right // step, self._down // step
        inside = plane[foot + down : rows - foot + down, side + right : columns - side + right]
        return as_bytes(cv2.copyMakeBorder(inside, foot, foot, side, side, cv2.BORDER_CONSTANT, value=(black,)))


class Fade:
    """A fade from black over the first `frames` of a film of `total` frames, and to black over its last `frames`."""

    def __init__(self, choice: str, frames: int, total: int) -> None:
        self._rise = frames if choice != "out" else 0
        self._fall = frames if choice != "in" else 0
        self._total, self._seen = total, 0

    def __call__(self, planes: Planes) -> Planes:
        at, self._seen = self._seen, self._seen + 1
        light = 1.0
        if at < self._rise:
            light = at / self._rise
        if self._total - 1 - at < self._fall:
            light = min(light, max(0, self._total - 1 - at) / self._fall)
        if light == 1:
            return planes
        light = light * light * (3 - 2 * light)
        return Planes(
            *(as_bytes(cv2.LUT(plane, _dimmed(black, light))) for plane, black in
              zip(planes, (_BLACK, _NEUTRAL, _NEUTRAL), strict=True))
        )  # fmt: skip


def _dimmed(black: int, light: float) -> Bytes:
    return as_bytes(np.rint(black + (np.arange(256) - black) * light).clip(0, 255))


class Denoise:
    """A recursive temporal filter. It reduces small differences to the previous frame (noise), and keeps motion."""

    def __init__(self, amount: float) -> None:
        difference = np.arange(256)
        gain = 1 - 0.85 * amount * np.exp(-((difference / (4 + 8 * amount)) ** 2))
        self._table = np.rint(difference * gain).astype(np.uint8)
        self._before: Planes | None = None

    def __call__(self, planes: Planes) -> Planes:
        if self._before is not None:
            planes = Planes(*(self._settle(old, new) for old, new in zip(self._before, planes, strict=True)))
        self._before = planes
        return planes

    def _settle(self, old: Bytes, new: Bytes) -> Bytes:
        rise = cv2.LUT(cv2.subtract(new, old), self._table)
        fall = cv2.LUT(cv2.subtract(old, new), self._table)
        return as_bytes(cv2.subtract(cv2.add(old, rise), fall))


class Sharpen:
    """An unsharp mask on luma. Its radius grows with the frame's height, like the blur of an upscaled picture."""

    def __init__(self, amount: float, height: int) -> None:
        self._amount, self._sigma = 0.7 * amount, max(0.8, height / 1080)

    def __call__(self, planes: Planes) -> Planes:
        soft = cv2.GaussianBlur(planes.y, (0, 0), self._sigma)
        return planes._replace(y=as_bytes(cv2.addWeighted(planes.y, 1 + self._amount, soft, -self._amount, 0)))


@dataclass(frozen=True, slots=True)
class Vignette:
    """Darker corners, as with a real lens. Each plane moves toward black: `plane x mask + rest`."""

    masks: Planes
    rests: Planes

    @classmethod
    def of(cls, width: int, height: int, amount: float) -> "Vignette":
        x, y = np.linspace(-1, 1, width)[None, :], np.linspace(-1, 1, height)[:, None]
        light = 1 - 0.55 * amount * np.clip((x * x + y * y) / 2, 0, 1) ** 1.4
        dither = np.random.default_rng(0).random((height, width), np.float32)  # without it the 256 steps show as rings
        luma = np.floor(light * 254 + dither).astype(np.uint8)
        chroma = as_bytes(cv2.resize(luma, (width // 2, height // 2), interpolation=cv2.INTER_AREA))
        masks = Planes(luma, chroma, chroma)
        rests = Planes(
            *(
                np.rint(black * (1 - mask / 255)).astype(np.uint8)
                for black, mask in zip((_BLACK, _NEUTRAL, _NEUTRAL), masks, strict=True)
            )
        )
        return cls(masks, rests)

    def __call__(self, planes: Planes) -> Planes:
        return Planes(
            *(
                as_bytes(cv2.add(cv2.multiply(plane, mask, scale=1 / 255), rest))
                for plane, mask, rest in zip(planes, self.masks, self.rests, strict=True)
            )
        )


@dataclass(slots=True)
class Grain:
    """Film grain on luma: windows at random positions of one field of soft noise. Equal seeds give equal grain."""

    lighter: Bytes
    darker: Bytes
    places: np.random.Generator

    @classmethod
    def of(cls, width: int, height: int, amount: float, seed: int) -> "Grain":
        places = np.random.default_rng(seed)
        field = places.standard_normal((height + _ROAM, width + _ROAM), np.float32)
        field = np.asarray(cv2.GaussianBlur(field, (0, 0), max(0.6, height / 1600)), np.float32)
        field *= 6 * amount / field.std()
        lighter, darker = (np.rint(np.clip(side, 0, 60)).astype(np.uint8) for side in (field, -field))
        return cls(lighter, darker, places)

    def __call__(self, planes: Planes) -> Planes:
        height, width = planes.y.shape
        down, right = (int(place) for place in self.places.integers(0, _ROAM, 2))
        window = slice(down, down + height), slice(right, right + width)
        y = cv2.subtract(cv2.add(planes.y, self.lighter[window]), self.darker[window])
        return planes._replace(y=as_bytes(y))


_ROAM = 160  # range of the window's random position, in pixels
