"""A record of the path of the frame over the picture, as asked and as measured from the same landmarks.

A path is divided into stretches. A stretch ends where too few landmarks are left to go on, and at a change of picture.
"""

from cmath import phase
from math import ceil, degrees
from typing import NamedTuple, Self

from shared.stages.metadata import FramePath, MeasuredPath

_MOST_MOMENTS = 40  # approximate maximum number of moments of a clip's paths: they are part of the step's metadata


class PictureMotion(NamedTuple):
    """A movement of the picture: a point z of the frame moves to `growth z + shift`.

    Positions are x + iy from the frame's centre, x right, y down, in frame widths.
    """

    growth: complex
    shift: complex

    def after(self, earlier: Self) -> "PictureMotion":
        """Return both movements as one."""
        return PictureMotion(self.growth * earlier.growth, self.growth * earlier.shift + self.shift)


_STILL = PictureMotion(1, 0)


class PathRecord:
    """The movements of a clip's landmarks, joined to paths."""

    def __init__(self) -> None:
        self._stretches: list[dict[int, tuple[PictureMotion, PictureMotion]]] = []  # asked and found, by sampled frame

    def add(self, start: int, sample: int, asked: PictureMotion, found: PictureMotion) -> None:
        """Add the movements of the same landmarks from the sampled frame `start` to `sample`."""
        if not self._stretches or start not in self._stretches[-1]:
            self._stretches.append({start: (_STILL, _STILL)})
        before = self._stretches[-1][start]
        self._stretches[-1][sample] = asked.after(before[0]), found.after(before[1])

    def paths(self, first: int, every: int, frames: int) -> list[MeasuredPath]:
        """Return the path of each stretch. Sample 0 is frame `first` of `frames`; the next is `every` frames later."""
        stride = ceil(sum(map(len, self._stretches)) / _MOST_MOMENTS)
        paths: list[MeasuredPath] = []
        for stretch in self._stretches:
            samples = list(stretch)
            samples = [*samples[:-1:stride], samples[-1]]
            asked, found = zip(*(stretch[sample] for sample in samples), strict=True)
            at = [round((first + sample * every) / max(1, frames - 1), 4) for sample in samples]
            paths.append({"at": at, "asked": _frame_path(asked), "measured": _frame_path(found)})
        return paths


def _frame_path(movements: tuple[PictureMotion, ...]) -> FramePath:
    """Return where the frame is in the picture: the opposite of how the picture moves in the frame."""
    centres = [-shift / growth for growth, shift in movements]
    return {
        "right": [round(centre.real, 4) for centre in centres],
        "up": [round(-centre.imag, 4) for centre in centres],
        "zoom": [round(abs(growth), 4) for growth, _ in movements],
        "roll": [round(-degrees(phase(growth)), 2) for growth, _ in movements],
    }
