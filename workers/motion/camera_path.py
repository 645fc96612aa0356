"""The camera path of a clip, measured: corners are tracked from frame to frame and one similarity fitted to all.

Geometry in the complex plane: a point is `x + iy` in fractions of the frame's *width* from its centre (x right, y
down), and what happens to the picture between two moments is `z -> a z + b`: |a| scales, arg a turns clockwise as
seen, b shifts. So a path composes by multiplying and adding.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.media.planes import Bytes, Planes, as_bytes

TRACKED_PIXELS = 360  # short side that `estimate` is made for: more costs time and says nothing new

_CORNERS = 240
_FEWEST = 24  # tracked corners, below which a fit would mean nothing
_REFRESH = 120  # tracked corners, below which new ones are looked for
REACH_PIXELS = 1.0  # how far a corner may lie from where the fit puts it


class Motion(NamedTuple):
    """How the picture moved from one frame to the next.

    `dx`, `dy` in fractions of the frame's width (right and down positive), `scale` a factor, `rotation` clockwise in
    radians; `inliers` is the share (0..1) of tracked corners that agree, 0 where nothing could be tracked.
    """

    dx: float
    dy: float
    scale: float
    rotation: float
    inliers: float


STILL = Motion(0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class CameraPath:
    """Where the first frame's picture is at each frame t: `z -> turn[t] z + shift[t]`; both of shape (frames,)."""

    turn: NDArray[np.complex128]
    shift: NDArray[np.complex128]

    def __len__(self) -> int:
        return len(self.turn)

    @property
    def dx(self) -> NDArray[np.float64]:
        """Shift to the right, fractions of the frame's width."""
        return self.shift.real

    @property
    def dy(self) -> NDArray[np.float64]:
        """Shift downwards, fractions of the frame's width."""
        return self.shift.imag

    @property
    def scale(self) -> NDArray[np.float64]:
        return np.abs(self.turn)

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Clockwise turn in radians, continuous past a half turn."""
        return np.asarray(np.unwrap(np.angle(self.turn)), np.float64)

    def length(self) -> float:
        """How far a point half way to the frame's edge travels, in frame widths: shift, scale and turn together."""
        return float(self.steps().sum())

    def jitter(self) -> float:
        """Root mean square acceleration of such a point, frame widths per frame squared: what the eye calls shaky."""
        points = self.marks()
        if len(points) < 3:
            return 0.0
        return float(np.sqrt(np.mean(np.abs(np.diff(points, n=2, axis=0)) ** 2)))

    def steps(self) -> NDArray[np.float64]:
        """How far such a point travels from each frame to the next, frame widths, shape (frames - 1,)."""
        return np.asarray(np.abs(np.diff(self.marks(), axis=0)).mean(axis=1), np.float64)

    def marks(self) -> NDArray[np.complex128]:
        """Where four such points of the first frame are at each frame, shape (frames, 4)."""
        marks = 0.25 * np.array([1, 1j, -1, -1j])
        return self.turn[:, None] * marks + self.shift[:, None]


def estimate(frames: Iterable[Bytes]) -> list[Motion]:
    """The motion between each two consecutive frames (height x width, about TRACKED_PIXELS high).

    Corners (Shi and Tomasi 1994) are followed by pyramidal Lucas-Kanade (Bouguet 2000); a RANSAC similarity fit leaves
    out what moves by itself. A pair without enough to follow counts as still, with no inliers.
    """
    motions: list[Motion] = []
    before: Bytes | None = None
    corners = _NOTHING
    for frame in frames:
        if before is not None:
            if len(corners) < _REFRESH:
                corners = _corners(before)
            motion, corners = _between(before, frame, corners)
            motions.append(motion)
        before = frame
    return motions


def accumulate(motions: Sequence[Motion]) -> CameraPath:
    """The path whose steps are `motions`; one frame longer than they are, and still at the first."""
    turn, shift = [1 + 0j], [0j]
    for motion in motions:
        step = motion.scale * complex(np.cos(motion.rotation), np.sin(motion.rotation))
        turn.append(step * turn[-1])
        shift.append(step * shift[-1] + complex(motion.dx, motion.dy))
    return CameraPath(np.array(turn), np.array(shift))


def smooth(path: CameraPath, seconds: float, fps: float) -> CameraPath:
    """The path with what is quicker than about `seconds` taken out: a Gaussian of that standard deviation.

    The ends are continued by point reflection, so a steady move stays steady up to its last frame.
    """
    sigma = seconds * fps
    if sigma <= 0 or len(path) < 3:
        return path
    grow = gaussian(np.log(path.scale), sigma) + 1j * gaussian(path.rotation, sigma)
    shift = gaussian(path.dx, sigma) + 1j * gaussian(path.dy, sigma)
    return CameraPath(np.exp(grow), shift)


def inlier_ratio(motions: Sequence[Motion]) -> float:
    """The median share of corners that agree with the fit, 0..1."""
    return float(np.median([motion.inliers for motion in motions])) if motions else 0.0


def usable(motions: Sequence[Motion]) -> bool:
    """Whether most of the clip moves as one, so that what was measured is a camera and not noise."""
    return inlier_ratio(motions) >= 0.4


def tracked(frames: Iterable[Planes]) -> Iterator[Bytes]:
    """The luma of each frame at the size for `estimate`: the short side TRACKED_PIXELS, or less if it has less."""
    for planes in frames:
        height, width = planes.y.shape
        shrink = min(1.0, TRACKED_PIXELS / min(width, height))
        size = round(width * shrink), round(height * shrink)
        yield as_bytes(cv2.resize(planes.y, size, interpolation=cv2.INTER_AREA))


_NOTHING: NDArray[np.float32] = np.empty((0, 1, 2), np.float32)


def _corners(frame: Bytes) -> NDArray[np.float32]:
    found = cv2.goodFeaturesToTrack(frame, maxCorners=_CORNERS, qualityLevel=0.01, minDistance=10, blockSize=5)
    return _NOTHING if found is None else np.asarray(found, np.float32).reshape(-1, 1, 2)


def _between(before: Bytes, after: Bytes, corners: NDArray[np.float32]) -> tuple[Motion, NDArray[np.float32]]:
    """The motion, and where the corners that agree with it have gone."""
    if len(corners) < _FEWEST:
        return STILL, _NOTHING
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, corners.copy(), winSize=(15, 15), maxLevel=4)
    seen = np.asarray(found).ravel() == 1
    old, new = corners[seen].reshape(-1, 2), np.asarray(moved, np.float32)[seen].reshape(-1, 2)
    if len(old) < _FEWEST:
        return STILL, _NOTHING
    matrix, agree = cv2.estimateAffinePartial2D(old, new, method=cv2.RANSAC, ransacReprojThreshold=REACH_PIXELS)
    if matrix is None:
        return STILL, _NOTHING
    good = np.asarray(agree).ravel() == 1
    share = float(good.sum() / len(corners))
    if good.sum() < _FEWEST:
        return STILL._replace(inliers=share), _NOTHING
    height, width = before.shape
    centre = complex(width - 1, height - 1) / 2
    step = complex(matrix[0, 0], matrix[1, 0])
    shift = (step * centre + complex(matrix[0, 2], matrix[1, 2]) - centre) / width
    motion = Motion(shift.real, shift.imag, abs(step), float(np.angle(step)), share)
    return motion, new[good].reshape(-1, 1, 2)


def gaussian(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """The values, blurred; both ends are continued by point reflection."""
    reach = min(len(values) - 1, int(np.ceil(3 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(values, reach, mode="reflect", reflect_type="odd")
    smoothed: NDArray[np.float64] = np.convolve(padded, weights / weights.sum(), mode="valid")
    return smoothed
