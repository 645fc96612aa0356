"""The camera path of a clip, measured: corners are tracked from frame to frame, and one similarity is fitted to all.

Points are complex numbers `x + iy`: x right and y down from the frame's centre, in fractions of the frame's *width*.
The picture moves between two frames by `z -> a z + b`: |a| scales, arg a turns clockwise as tracked_mask, b shifts.
Such motions compose by multiplication and addition.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from workers.media.planes import Bytes, Planes, as_bytes

TRACKED_PIXELS = 360  # short side of the frames for `estimate`, in pixels; more costs time without better results

_MAX_CORNERS = 240  # maximum number of corners that are tracked at once
_MIN_CORNERS = 24  # minimum number of tracked corners for a fit
_REFRESH_BELOW = 120  # number of tracked corners below which new ones are detected
RANSAC_PIXELS = 1.0  # RANSAC threshold: maximum distance of an inlier from its fitted position, in pixels


class Motion(NamedTuple):
    """The motion of the picture from one frame to the next.

    `dx` and `dy` are fractions of the frame's width, positive to the right and down. `scale` is a factor. `rotation` is
    clockwise, in radians. `inliers` is the fraction (0..1) of corners that agree with the fit; it is 0 without corners.
    """

    dx: float
    dy: float
    scale: float
    rotation: float
    inliers: float


STILL = Motion(0.0, 0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class CameraPath:
    """The motion of the picture from the first frame to each frame t: `z -> turn[t] z + shift[t]`.

    Both arrays have the shape (frames,).
    """

    turn: NDArray[np.complex128]
    shift: NDArray[np.complex128]

    def __len__(self) -> int:
        return len(self.turn)

    @property
    def dx(self) -> NDArray[np.float64]:
        """Shift to the right, in fractions of the frame's width."""
        return self.shift.real

    @property
    def dy(self) -> NDArray[np.float64]:
        """Shift downwards, in fractions of the frame's width."""
        return self.shift.imag

    @property
    def scale(self) -> NDArray[np.float64]:
        return np.abs(self.turn)

    @property
    def rotation(self) -> NDArray[np.float64]:
        """Clockwise turn in radians, continuous past a half turn."""
        return np.asarray(np.unwrap(np.angle(self.turn)), np.float64)

    def length(self) -> float:
        """Return the travel of a point half way to the frame's edge, in frame widths: shift, scale and rotation."""
        return float(self.steps().sum())

    def jitter(self) -> float:
        """Return the RMS acceleration of the `marks`, in frame widths per frame squared: a measure of visible shake."""
        points = self.marks()
        if len(points) < 3:
            return 0.0
        return float(np.sqrt(np.mean(np.abs(np.diff(points, n=2, axis=0)) ** 2)))

    def steps(self) -> NDArray[np.float64]:
        """Return the mean travel of the `marks` from each frame to the next, in frame widths: shape (frames - 1,)."""
        return np.asarray(np.abs(np.diff(self.marks(), axis=0)).mean(axis=1), np.float64)

    def marks(self) -> NDArray[np.complex128]:
        """Return the positions at each frame of four points, half way to the edge in the first frame: (frames, 4)."""
        marks = 0.25 * np.array([1, 1j, -1, -1j])
        return self.turn[:, None] * marks + self.shift[:, None]


def estimate(frames: Iterable[Bytes]) -> list[Motion]:
    """Return the motion between each two consecutive frames (height x width, short side about TRACKED_PIXELS).

    Corners (Shi and Tomasi 1994) are tracked by pyramidal Lucas-Kanade optical flow (Bouguet 2000). A RANSAC similarity
    fit rejects corners of objects that move by themselves. A pair with too few corners counts as still, with inliers 0.
    """
    motions: list[Motion] = []
    before: Bytes | None = None
    corners = _NO_CORNERS
    for frame in frames:
        if before is not None:
            if len(corners) < _REFRESH_BELOW:
                corners = _corners(before)
            motion, corners = _motion(before, frame, corners)
            motions.append(motion)
        before = frame
    return motions


def accumulate(motions: Sequence[Motion]) -> CameraPath:
    """Return the path whose steps are `motions`: one frame longer, and the identity at the first frame."""
    turn, shift = [1 + 0j], [0j]
    for motion in motions:
        step = motion.scale * complex(np.cos(motion.rotation), np.sin(motion.rotation))
        turn.append(step * turn[-1])
        shift.append(step * shift[-1] + complex(motion.dx, motion.dy))
    return CameraPath(np.array(turn), np.array(shift))


def smooth(path: CameraPath, seconds: float, fps: float) -> CameraPath:
    """Return the path smoothed by a Gaussian with a standard deviation of `seconds`.

    The ends are continued by point reflection, so that a steady move stays steady up to its last frame.
    """
    sigma = seconds * fps
    if sigma <= 0 or len(path) < 3:
        return path
    grow = gaussian(np.log(path.scale), sigma) + 1j * gaussian(path.rotation, sigma)
    shift = gaussian(path.dx, sigma) + 1j * gaussian(path.dy, sigma)
    return CameraPath(np.exp(grow), shift)


def inlier_ratio(motions: Sequence[Motion]) -> float:
    """Return the median fraction of corners that agree with the fit, 0..1."""
    return float(np.median([motion.inliers for motion in motions])) if motions else 0.0


def usable(motions: Sequence[Motion]) -> bool:
    """Return whether most of the clip follows one similarity, so that the result is a camera's motion and not noise."""
    return inlier_ratio(motions) >= 0.4


def tracked(frames: Iterable[Planes]) -> Iterator[Bytes]:
    """Yield the luma of each frame at the size for `estimate`: the short side is at most TRACKED_PIXELS."""
    for planes in frames:
        height, width = planes.y.shape
        shrink = min(1.0, TRACKED_PIXELS / min(width, height))
        size = round(width * shrink), round(height * shrink)
        yield as_bytes(cv2.resize(planes.y, size, interpolation=cv2.INTER_AREA))


_NO_CORNERS: NDArray[np.float32] = np.empty((0, 1, 2), np.float32)


def _corners(frame: Bytes) -> NDArray[np.float32]:
    found = cv2.goodFeaturesToTrack(frame, maxCorners=_MAX_CORNERS, qualityLevel=0.01, minDistance=10, blockSize=5)
    return _NO_CORNERS if found is None else np.asarray(found, np.float32).reshape(-1, 1, 2)


def _motion(before: Bytes, after: Bytes, corners: NDArray[np.float32]) -> tuple[Motion, NDArray[np.float32]]:
    """Return the motion, and the new positions of the corners that agree with it."""
    if len(corners) < _MIN_CORNERS:
        return STILL, _NO_CORNERS
    moved, found, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, corners.copy(), winSize=(15, 15), maxLevel=4)
    tracked_mask = np.asarray(found).ravel() == 1
    old, new = corners[tracked_mask].reshape(-1, 2), np.asarray(moved, np.float32)[tracked_mask].reshape(-1, 2)
    if len(old) < _MIN_CORNERS:
        return STILL, _NO_CORNERS
    matrix, agree = cv2.estimateAffinePartial2D(old, new, method=cv2.RANSAC, ransacReprojThreshold=RANSAC_PIXELS)
    if matrix is None:
        return STILL, _NO_CORNERS
    good = np.asarray(agree).ravel() == 1
    share = float(good.sum() / len(corners))
    if good.sum() < _MIN_CORNERS:
        return STILL._replace(inliers=share), _NO_CORNERS
    height, width = before.shape
    centre = complex(width - 1, height - 1) / 2
    step = complex(matrix[0, 0], matrix[1, 0])
    shift = (step * centre + complex(matrix[0, 2], matrix[1, 2]) - centre) / width
    motion = Motion(shift.real, shift.imag, abs(step), float(np.angle(step)), share)
    return motion, new[good].reshape(-1, 1, 2)


def gaussian(values: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Return the values, blurred by a Gaussian; both ends are continued by point reflection."""
    reach = min(len(values) - 1, int(np.ceil(3 * sigma)))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    padded = np.pad(values, reach, mode="reflect", reflect_type="odd")
    smoothed: NDArray[np.float64] = np.convolve(padded, weights / weights.sum(), mode="valid")
    return smoothed
