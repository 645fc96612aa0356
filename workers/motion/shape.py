"""The shape of what a photograph shows, on a camera path: how far the estimated depth bends it.

The motion score compares a film with the estimated depth, so a wrong depth that bends a tower has a high score. This
check needs no depth: lines that are straight in the photograph stay straight and do not lean, and the outline of the
subject and of faces changes only by a similarity transform. Each feature's positions are compared with those of the
same feature at one distance. Therefore rolls, pans and perspective do not count.
"""

from collections.abc import Sequence
from math import degrees, radians
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.camera.lowerings import CameraView
from workers.media.planes import Floats, as_floats
from workers.motion.projection import project

_POINTS = 9  # points of a line
_UPRIGHT = radians(25)  # maximum angle between an upright line and the vertical

Positions = NDArray[np.complex128]


class Features(NamedTuple):
    """Points of the picture in units, in groups that keep their shape: rows x points, with their inverse distances."""

    x: Floats
    y: Floats
    d: Floats


class Shape(NamedTuple):
    """The largest changes of shape on a path."""

    lean_degrees: float = 0.0  # range of the angle of a line that must not lean
    bow: float = 0.0  # maximum distance of a line from straight, as a fraction of its length
    outline: float = 0.0  # RMS distance of an outline from a similar one, as a fraction of its RMS radius

    @property
    def score(self) -> float:
        """Return 0..1: 1 for unchanged shapes. 0.97 is a lean of 3.4 degrees, or a bow of 3 % of a line's length."""
        return max(0.0, 1 - max(self.bow, self.outline, radians(self.lean_degrees) / 2))

    def worst(self, other: "Shape") -> "Shape":
        return Shape(*(max(mine, theirs) for mine, theirs in zip(self, other, strict=True)))


def along(lines: Floats) -> tuple[Floats, Floats]:
    """Return the fractions x and y of points on lines: lines x points."""
    share = np.linspace(0, 1, _POINTS, dtype=np.float32)
    x = lines[:, :1] + (lines[:, 2:3] - lines[:, :1]) * share
    y = lines[:, 1:2] + (lines[:, 3:] - lines[:, 1:2]) * share
    return as_floats(x), as_floats(y)


def upright(lines: Features) -> NDArray[np.bool_]:
    """Return which lines are nearly vertical."""
    across, down = lines.x[:, -1] - lines.x[:, 0], lines.y[:, -1] - lines.y[:, 0]
    return np.asarray(np.arctan2(np.abs(across), np.abs(down)) < _UPRIGHT)


def of_lines(lines: Features, leaning: NDArray[np.bool_], views: Sequence[CameraView], cover: float) -> Shape:
    """Return the lean of those lines that `leaning` marks, and the bow of all lines."""
    leans, bow = [], 0.0
    for view in views:
        found, still = _seen(lines, view, cover)
        chord, before = found[:, -1] - found[:, 0], still[:, -1] - still[:, 0]
        leans.append(np.angle(chord / before))
        apart = ((found - found[:, :1]) * np.conj(chord)[:, None]).imag
        bow = max(bow, float((np.abs(apart).max(axis=1) / np.abs(chord) ** 2).max()))
    ranges = np.ptp(np.array(leans), axis=0)
    return Shape(degrees(float(ranges[leaning].max())) if leaning.any() else 0.0, bow)


def of_outlines(outlines: Features, views: Sequence[CameraView], cover: float) -> Shape:
    """Return the change of closed outlines against the most similar transform of the same outlines at one distance."""
    worst = 0.0
    for view in views:
        for found, still in zip(*_seen(outlines, view, cover), strict=True):
            here, there = found - found.mean(), still - still.mean()
            energy = np.vdot(there, there).real
            similar = np.vdot(there, here) / energy * there
            worst = max(
                worst,
                float(np.sqrt(np.mean(np.abs(here - similar) ** 2) / (np.vdot(similar, similar).real / len(similar)))),
            )
    return Shape(outline=worst)


def _seen(features: Features, view: CameraView, cover: float) -> tuple[Positions, Positions]:
    """Return the positions of features in a view, and their positions if each feature were at one distance."""
    mean = np.broadcast_to(features.d.mean(axis=1, keepdims=True), features.d.shape)
    found, still = (
        x + 1j * np.asarray(y, np.float64)
        for x, y in (project(view, cover, features.x, features.y, as_floats(d)) for d in (features.d, mean))
    )
    return found, still
