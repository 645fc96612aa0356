"""Colour looks as data, compiled to look-up tables for the planes of a frame.

A look maps luma along a curve, scales chroma, and tints shadows and highlights separately (split toning). All
operations work on bytes: one table for Y; for Cb and Cr a gain table, then a saturating add and subtract of tints that
depend on luma.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.stages import operations
from workers.media.planes import Bytes, Planes, as_bytes

_BLACK, _WHITE, _NEUTRAL = 16, 235, 128


class Tint(NamedTuple):
    """A pair for Cb (blue against yellow) and Cr (red against green): byte steps to add, or factors."""

    cb: float = 0.0
    cr: float = 0.0


class Look(NamedTuple):
    """The parameters of a look: luma `curve` through points in 0..1 (0 black, 1 white), chroma factors, two tints."""

    curve: tuple[tuple[float, float], ...]
    saturation: Tint = Tint(1.0, 1.0)
    shadows: Tint = Tint()
    highlights: Tint = Tint()


LOOKS: dict[str, Look] = {
    name: Look(
        curve=tuple((dark, light) for dark, light in look["curve"]),
        **{part: Tint(*pair) for part, pair in look.items() if part != "curve"},
    )
    for name, look in operations.LOOKS.items()
}


@dataclass(frozen=True, slots=True)
class Grade:
    """The look-up tables of a look, each of 256 bytes."""

    luma: Bytes
    chroma: tuple[Bytes, Bytes]  # gain of Cb, gain of Cr
    add: tuple[Bytes, Bytes]  # by luma, added to Cb and Cr
    subtract: tuple[Bytes, Bytes]  # by luma, subtracted from Cb and Cr

    @classmethod
    def of(cls, look: Look) -> "Grade":
        """Compile a look to tables of 256 bytes."""
        light = np.clip((np.arange(256) - _BLACK) / (_WHITE - _BLACK), 0, 1)
        curve = _BLACK + (_WHITE - _BLACK) * _rounded(np.interp(light, *np.array(look.curve).T))
        cb, cr = (_bytes(_NEUTRAL + (np.arange(256) - _NEUTRAL) * gain) for gain in look.saturation)
        body = np.clip(light / 0.15, 0, 1) * np.clip((1 - light) / 0.12, 0, 1)  # pure black and white stay neutral
        shadow, highlight = body * (1 - light) ** 1.5, body * light**1.2
        tints = [shadow * low + highlight * high for low, high in zip(look.shadows, look.highlights, strict=True)]
        add_cb, add_cr = (_bytes(np.maximum(tint, 0)) for tint in tints)
        subtract_cb, subtract_cr = (_bytes(np.maximum(-tint, 0)) for tint in tints)
        return cls(_bytes(curve), (cb, cr), (add_cb, add_cr), (subtract_cb, subtract_cr))

    def __call__(self, planes: Planes) -> Planes:
        """Return the graded frame. The input frame does not change."""
        light = cv2.resize(planes.y, planes.u.shape[::-1], interpolation=cv2.INTER_AREA)
        u, v = (
            cv2.subtract(cv2.add(cv2.LUT(plane, gain), cv2.LUT(light, add)), cv2.LUT(light, subtract))
            for plane, gain, add, subtract in zip(planes[1:], self.chroma, self.add, self.subtract, strict=True)
        )
        return Planes(as_bytes(cv2.LUT(planes.y, self.luma)), as_bytes(u), as_bytes(v))


def _bytes(values: NDArray[np.floating[Any]]) -> Bytes:
    return as_bytes(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the curve with smoothed corners and unchanged ends."""
    padded = np.pad(values, 14, mode="reflect", reflect_type="odd")
    box = np.ones(15) / 15
    return np.clip(np.convolve(np.convolve(padded, box, "valid"), box, "valid"), 0, 1)
