"""Colour looks as data, compiled to look-up tables for the planes of a frame.

A look bends luma along a curve, scales chroma, and tints shadows and highlights apart (split toning). All of it works
on bytes: one table for Y, and for Cb and Cr a gain table, then a saturating add and subtract of what luma says.
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
    """A look: luma `curve` through points in 0..1 (0 black, 1 white), factors of chroma, and the two tints."""

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
    """A look, ready to be laid over frames."""

    luma: Bytes
    chroma: tuple[Bytes, Bytes]  # of Cb, of Cr
    add: tuple[Bytes, Bytes]  # by luma, to Cb and to Cr
    take: tuple[Bytes, Bytes]

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
        take_cb, take_cr = (_bytes(np.maximum(-tint, 0)) for tint in tints)
        return cls(_bytes(curve), (cb, cr), (add_cb, add_cr), (take_cb, take_cr))

    def __call__(self, planes: Planes) -> Planes:
        """The graded frame; the given one is left as it is."""
        light = cv2.resize(planes.y, planes.u.shape[::-1], interpolation=cv2.INTER_AREA)
        u, v = (
            cv2.subtract(cv2.add(cv2.LUT(plane, gain), cv2.LUT(light, add)), cv2.LUT(light, take))
            for plane, gain, add, take in zip(planes[1:], self.chroma, self.add, self.take, strict=True)
        )
        return Planes(as_bytes(cv2.LUT(planes.y, self.luma)), as_bytes(u), as_bytes(v))


def _bytes(values: NDArray[np.floating[Any]]) -> Bytes:
    return as_bytes(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The curve without its corners, its ends where they were."""
    padded = np.pad(values, 14, mode="reflect", reflect_type="odd")
    box = np.ones(15) / 15
    return np.clip(np.convolve(np.convolve(padded, box, "valid"), box, "valid"), 0, 1)
