"""A score of the camera path of a rendered clip: how well it agrees with the path of the requested preset.

Corners of the picture, each at its distance, are projected into every frame as the renderer lowers the preset. These
are the expected positions. In the rendered frames the corners are tracked by optical flow. Expected and measured
displacements are compared twice: whole, and only their parallax (the part that depends on distance). Parallax separates
a dolly, which magnifies near objects more, from a zoom, which magnifies everything.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.camera.lowerings import CameraView
from shared.stages.metadata import MeasuredPath
from workers.media.planes import Bytes, Floats, Planes, as_bytes, as_floats
from workers.motion import camera_path
from workers.motion.path_record import PathRecord, PictureMotion
from workers.motion.projection import Frame, project

_JITTER = 0.002  # tolerated jitter, as a fraction of the frame's width
_MAX_TRAVEL = 0.03  # maximum travel of the picture between two sampled frames, as a fraction of the frame's width
_MAX_STRIDE = 2  # maximum distance between two sampled frames, in frames
_MAX_LANDMARKS = 600  # maximum number of landmarks of a picture
_MAX_TRACKED = 120  # maximum number of landmarks that are tracked at once
MIN_LANDMARKS = 12  # minimum number of landmarks for a measurement
_WINDOW = 15  # side of the optical flow's window around a corner, in pixels of the downscaled frame
_EDGE_STEP = 0.1  # step of inverse distance within 3 pixels that is an edge: it moves against the background behind it
_ALIGNED = 3.0  # maximum distance in pixels of a point that agrees with the zoom and roll between two frames
_TURNED = 0.01  # minimum zoom (as a factor - 1) or roll (in rad) between two frames that is taken out of the second
_BORDER = 0.02  # margin of the frame in which landmarks are not tracked, as a fraction of the frame's width
_SEGMENT_PARALLAX = 5 * _JITTER  # RMS parallax after which landmarks are chosen again, in frame widths
SINGULAR_CUTOFF = 1e-3  # relative cutoff of singular values in fits of a flow (`rcond` of `lstsq`)
_COMPARED = 0.8  # fraction of the landmarks that is compared: the others may be occluded, or move by themselves

Positions = NDArray[np.complex128]  # x + iy from the frame's centre, in frame widths; NaN outside the frame


class Landmarks:
    """Corners of a picture, in units, and their inverse distances. Corners at edges of near objects are left out."""

    def __init__(self, picture: Bytes, depth: Floats, half_size: tuple[float, float]) -> None:
        """Find the landmarks of an RGB `picture` (height x width x 3).

        `depth` is a map of inverse distance of any size. `half_size` is half the picture's width and height, in units.
        """
        height, width = picture.shape[:2]
        shrink = min(1.0, 1.2 * camera_path.TRACKED_PIXELS / min(height, width))
        size = (max(round(width * shrink), 16), max(round(height * shrink), 16))
        grey = as_bytes(
            cv2.cvtColor(as_bytes(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)), cv2.COLOR_RGB2GRAY)
        )
        found = cv2.goodFeaturesToTrack(grey, maxCorners=_MAX_LANDMARKS, qualityLevel=0.01, minDistance=7, blockSize=5)
        at = np.empty((0, 2), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 2)
        around = np.ones((_WINDOW, _WINDOW), np.uint8)
        small = as_floats(cv2.resize(depth, size))
        beside = np.ones((3, 3), np.uint8)
        step = as_floats(cv2.dilate(cv2.dilate(small, beside) - cv2.erode(small, beside), around))
        columns, rows = at.round().astype(int).T
        off_edges = step[rows, columns] < _EDGE_STEP
        at = at[off_edges]
        self.d = as_floats(small[rows, columns][off_edges])
        self.x = ((at[:, 0] + 0.5) / size[0] * 2 - 1) * np.float32(half_size[0])
        self.y = ((at[:, 1] + 0.5) / size[1] * 2 - 1) * np.float32(half_size[1])

    def positions(self, views: Sequence[CameraView], cover: float, frame: Frame) -> Positions:
        """Return the landmarks' positions in the frames of the views: shape (views, landmarks)."""
        width = frame.width / frame.unit
        right, bottom = 0.5 - _BORDER, frame.height / frame.width / 2 - _BORDER
        found = np.empty((len(views), len(self.d)), np.complex128)
        for row, each in zip(found, views, strict=True):
            x, y = project(each, cover, self.x, self.y, self.d)
            row[:] = (x + 1j * y) / width
            row[(np.abs(row.real) > right) | (np.abs(row.imag) > bottom)] = np.nan
        return found


class MotionCheck:
    """A check that tracks landmarks in a clip while it is rendered, and scores the camera path at the end."""

    def __init__(self, landmarks: Landmarks, views: Sequence[CameraView], cover: float, frame: Frame) -> None:
        """Expect the `views` in the frames that `see` receives, at the base zoom `cover`."""
        positions = landmarks.positions(views, cover, frame)
        self._every = max(1, min(_MAX_STRIDE, int(_MAX_TRAVEL / max(_longest_step(positions), 1e-6))))
        self._expected, self._d = positions[:: self._every], landmarks.d
        self._ends = _segments(self._expected, self._d)
        self._still = len(set(views)) == 1
        self._identical = True
        self._count = 0
        self._before: Bytes | None = None
        self._track: _Track | None = None
        self._path, self._parallax = _Agreement(), _Agreement()
        self._tracked = self._lost = 0
        self._record = PathRecord()

    def see(self, planes: Planes) -> None:
        """Process the next frame; this takes at most 5 ms at 1080p."""
        sample, rest = divmod(self._count, self._every)
        self._count += 1
        if rest:
            return
        (small,) = camera_path.tracked([planes])
        if self._before is not None:
            self._identical = self._identical and np.array_equal(self._before, small)
            if self._track:
                self._track = self._track.advance(self._before, small)
                self._compare(self._track, sample)
        if sample in self._ends:
            self._track = self._begin(small, sample)
        self._before = small

    def score(self) -> float | None:
        """Return 0..1: 1 for the requested path, 0 for another or the opposite path, or if all landmarks are lost.

        Return None if the picture has too few landmarks. For a static preset, a clip of identical frames scores 1.
        """
        if self._still and self._identical and self._count:
            return 1.0
        if not self._tracked:
            return None
        return self._path.score() * self._parallax.score() * (1 - self._lost / self._tracked)

    def paths(self, first: int, frames: int) -> list[MeasuredPath]:
        """Return the asked and the measured path of the landmarks that were tracked.

        The first frame that was seen is number `first` of the film's `frames`.
        """
        return self._record.paths(first, self._every, frames)

    def _begin(self, small: Bytes, sample: int) -> "_Track | None":
        """Return the landmarks to track to the end of the segment: inside the frame at both ends, and with texture."""
        end = self._ends[sample]
        chosen = np.flatnonzero(np.isfinite(self._expected[sample].real) & np.isfinite(self._expected[end].real))
        chosen = chosen[:: -(-len(chosen) // _MAX_TRACKED) or 1]
        # Optical flow from the frame to itself loses the landmarks without texture.
        track = _Track(sample, end, 0, chosen, self._expected[sample][chosen]).advance(small, small)
        track = track._replace(initial=len(track.chosen), at=self._expected[sample][track.chosen])
        if track.initial < MIN_LANDMARKS:
            return None
        self._tracked += track.initial
        return track

    def _compare(self, track: "_Track", sample: int) -> None:
        if sample == track.end and len(track.chosen) < max(MIN_LANDMARKS, track.initial / 4):
            self._lost += track.initial
        start, expected = (self._expected[when][track.chosen] for when in (track.start, sample))
        visible = np.isfinite(expected.real)
        if visible.sum() < MIN_LANDMARKS:
            return
        start, d = start[visible], self._d[track.chosen[visible]]
        promised, found = expected[visible] - start, track.at[visible] - start
        residual = np.abs(found - _Flow.of(start, found, d).at(start, d))
        inliers = residual <= np.quantile(residual, _COMPARED)
        start, promised, found, d = start[inliers], promised[inliers], found[inliers], d[inliers]
        flows = [_Flow.of(start, displacement, d) for displacement in (promised, found)]
        self._path.add(promised, found)
        self._parallax.add(*(flow.parallax(start, d) for flow in flows))
        self._record.add(track.start, sample, *(flow.movement() for flow in flows))


class _Track(NamedTuple):
    """Landmarks that are tracked from the sampled frame `start` to the sampled frame `end`."""

    start: int
    end: int
    initial: int  # number of landmarks at `start`
    chosen: NDArray[np.intp]  # indices of the landmarks that are not lost
    at: Positions  # positions of these landmarks

    def advance(self, before: Bytes, after: Bytes) -> "_Track":
        """Return the landmarks at their positions in the next sampled frame, without those that were lost."""
        tracked, at = track_points(before, after, self.at)
        return self._replace(chosen=self.chosen[tracked], at=at[tracked])


def track_points(before: Bytes, after: Bytes, at: Positions) -> tuple[NDArray[np.bool_], Positions]:
    """Track positions from one downscaled frame to the next by pyramidal Lucas-Kanade optical flow (Bouguet 2000).

    Return a mask of the positions that were found, and all new positions. The flow compares windows without a change
    of their size or angle. So after a zoom or a roll, it runs again on the frame without the zoom and the roll.
    """
    if len(at) == 0:
        return np.zeros(0, np.bool_), at
    height, width = before.shape
    middle = np.array([width - 1, height - 1]) / 2
    old = (np.stack([at.real, at.imag], axis=1) * width + middle).astype(np.float32)
    new, found = _flow(before, after, old, old)
    matrix = None
    if found.sum() >= MIN_LANDMARKS:
        matrix, _ = cv2.estimateAffinePartial2D(old[found], new[found], ransacReprojThreshold=_ALIGNED)
    if matrix is not None and np.abs(matrix[:, :2] - np.eye(2)).max() > _TURNED:
        inverse = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
        still = as_bytes(cv2.warpAffine(after, matrix, (width, height), flags=inverse, borderMode=cv2.BORDER_REPLICATE))
        back = cv2.invertAffineTransform(matrix)
        start = np.where(found[:, None], new @ back[:, :2].T + back[:, 2], old)
        new, found = _flow(before, still, old, as_floats(start))
        new = as_floats(new @ matrix[:, :2].T + matrix[:, 2])
    x, y = ((new.astype(np.float64) - middle) / width).T
    return found, x + 1j * y


def _flow(before: Bytes, after: Bytes, old: Floats, start: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the new positions of points (n x 2, in pixels), and which were found. The search begins at `start`."""
    new, found, _ = cv2.calcOpticalFlowPyrLK(
        before, after, old, start.copy(), winSize=(_WINDOW, _WINDOW), maxLevel=4, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    return as_floats(new).reshape(-1, 2), np.asarray(found).ravel() == 1


class _Agreement:
    """The agreement of two series of displacements: Lin's concordance coefficient (1989) about 0.

    A constant for the tolerated jitter, as in SSIM, makes a still camera agree only with a still camera.
    """

    def __init__(self) -> None:
        self._both = self._shared = self._floor = 0.0

    def add(self, promised: Positions, found: Positions) -> None:
        """Add the expected and the measured displacements of the same landmarks, in frame widths."""
        self._both += float(np.vdot(promised, promised).real + np.vdot(found, found).real)
        self._shared += 2 * float(np.vdot(promised, found).real)
        self._floor += len(promised) * _JITTER**2

    def score(self) -> float:
        """Return 0..1: 1 for equal, 0 for unrelated or opposite displacements, or if none were added."""
        if not self._floor:
            return 0.0
        return max(0.0, (self._shared + self._floor) / (self._both + self._floor))


class _Flow(NamedTuple):
    """The optical flow of a camera: a point z at inverse distance d moves by `a z + b + (d - mean) (c z + e)`.

    a and b (`like_all`) come from zoom and rotation. c and e (`by_distance`) are the parallax of a translation.
    """

    like_all: NDArray[np.complex128]
    by_distance: NDArray[np.complex128]
    mean: float

    @classmethod
    def of(cls, start: Positions, displacement: Positions, d: Floats) -> Self:
        """Return the flow that fits displacements from the positions `start` by least squares."""
        mean = float(d.mean())
        off = d.astype(np.float64) - mean
        columns = np.stack([start, np.ones_like(start), off * start, off + 0j], axis=1)
        scale = np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
        fitted = np.linalg.lstsq(columns / scale, displacement, rcond=SINGULAR_CUTOFF)[0] / scale
        return cls(fitted[:2], fitted[2:], mean)

    def at(self, start: Positions, d: Floats) -> Positions:
        """Return the displacements of points at `start`."""
        return np.asarray(self.like_all[0] * start + self.like_all[1] + self.parallax(start, d), np.complex128)

    def movement(self) -> PictureMotion:
        """Return the movement of points at the mean distance."""
        growth, shift = self.like_all
        return PictureMotion(1 + complex(growth), complex(shift))

    def parallax(self, start: Positions, d: Floats) -> Positions:
        """Return the part of the displacements that depends on distance."""
        off = d.astype(np.float64) - self.mean
        return np.asarray(off * (self.by_distance[0] * start + self.by_distance[1]), np.complex128)


def _longest_step(positions: Positions) -> float:
    """Return the maximum over all pairs of consecutive frames of the landmarks' mean travel, in frame widths."""
    steps = [np.abs(after - before) for before, after in pairwise(positions)]
    return max((float(np.nanmean(step)) for step in steps if np.isfinite(step).any()), default=0.0)


def _segments(positions: Positions, d: Floats) -> dict[int, int]:
    """Return the segments in which landmarks are tracked: the first sampled frame of each, with its last one.

    A segment ends when the parallax is large enough to measure, or when other landmarks have come into the frame.
    """
    ends: dict[int, int] = {}
    start = 0
    for sample in range(1, len(positions)):
        initial, here = np.isfinite(positions[start].real), np.isfinite(positions[sample].real)
        left = initial & here
        if left.sum() < MIN_LANDMARKS:
            start = sample
            continue
        begin = positions[start][left]
        parallax = _Flow.of(begin, positions[sample][left] - begin, d[left]).parallax(begin, d[left])
        others = left.sum() < 0.6 * initial.sum() or initial.sum() < min(0.6 * here.sum(), _MAX_TRACKED)
        if sample + 1 == len(positions) or others or np.sqrt(np.mean(np.abs(parallax) ** 2)) > _SEGMENT_PARALLAX:
            ends[start] = sample
            start = sample
    return ends
