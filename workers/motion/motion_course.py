"""A score of the camera path of a remote engine's clip: how well its course agrees with the requested move.

A text-prompted engine chooses its own amplitude, speed and zoom centre, and the distances of objects can only be
estimated. The measured course comes from tracked corners, the expected course from the move's keyframes. Both are
divided into pieces of equal length, whatever their total lengths, and compared by their directions. `motion_check`
scores the clips of our own renderer, whose amplitude, speed and depth are known.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.camera.lowerings import BULGE, FAR, FOCAL, CameraView, view
from shared.camera.move import CameraMove
from workers.media import depth
from workers.media.planes import Bytes, Floats, Planes, as_bytes, as_floats, to_rgb
from workers.motion import camera_path
from workers.motion.motion_check import MIN_LANDMARKS, SINGULAR_CUTOFF, Landmarks, Positions, track_points
from workers.motion.projection import Frame

_SAMPLES_PER_SECOND = 30  # maximum number of sampled frames per second
_RETRY = 15  # sampled frames between two searches for corners
_MAX_TRACKED = 120  # maximum number of corners that are tracked at once
_DEPTH_SIDE = 240  # long side of the picture from which depth is estimated, in pixels
# Maximum median residual of a fit, in frame widths and as a fraction of the travel; the larger limit counts. Above it
# the tracking has jumped to other corners.
_MAX_RESIDUAL, _MAX_RESIDUAL_SHARE = 0.01, 0.35
_SEGMENT_TRAVEL = 0.05  # RMS travel after which new corners are found, in frame widths
# Fraction of the corners in a fit, and number of rounds: least trimmed squares (Rousseeuw 1984), because corners may
# move by themselves.
_FITTED, _ROUNDS = 0.6, 6
_SHAKE_SECONDS = 0.5  # standard deviation of the smoothing that removes shake from a course

_MOMENTS = 60  # number of intervals at which a move is sampled
_MIN_REACH = 0.005  # minimum reach of a move that is not static, in frame widths
_HALF_STILL = 0.01  # drift at which the clip of a static move scores 0.5, in frame widths
_HALF_MOVED = 0.004  # reach at which a clip's score is halved, because the camera may not have moved, in frame widths
_MIN_PIECE = 1 / 8  # minimum length of a change of direction that counts, as a fraction of a course's reach
_PIECES = 24  # number of pieces of equal length in which courses are compared
_MAX_LEAD = 2  # maximum number of pieces by which one course may be ahead of the other

# Possible centres of a zoom, in frame widths from the frame's centre: up to the thirds of a 16:9 frame.
_CENTRES = tuple(complex(x, y) for x, y in product((-1 / 6, 0, 1 / 6), (-0.1, 0, 0.1)))
_MIN_AGREEMENT = 0.5  # minimum agreement of the courses expected at different depth offsets
_DEPTH_OFFSETS = (-0.45, -0.3, -0.15, 0, 0.15)  # possible offsets of inverse distance: the estimate is often too near

Course = NDArray[np.complex128]
"""Moments x 4: a, b, c, e of the displacement `a z + b + d (c z + e)` until then of a point z at inverse distance d."""

_NO_STEP: tuple[Course, float, float] = np.zeros(4, np.complex128), 0.0, np.inf  # a step that is rejected


class CourseCheck:
    """A check that tracks corners in a clip frame by frame, and scores its course at the end."""

    def __init__(self, move: CameraMove, fps: float) -> None:
        """Expect the requested `move` in the frames that `see` receives, `fps` frames per second."""
        self._move = move
        self._every = max(1, round(fps / _SAMPLES_PER_SECOND))
        self._samples_per_second = fps / self._every
        self._count = self._lost = self._due = 0
        self._before: Bytes | None = None
        self._track: _CourseTrack | None = None
        self._first: _CourseTrack | None = None
        self._width = 1.0  # units
        self._course: list[NDArray[np.complex128]] = []

    def see(self, planes: Planes) -> None:
        """Process the next frame; this takes about 10 ms at 1080p, or 40 ms if it searches for corners."""
        sample, rest = divmod(self._count, self._every)
        self._count += 1
        if rest:
            return
        (small,) = camera_path.tracked([planes])
        if self._before is not None and self._track is not None:
            self._extend(self._track.advance(self._before, small))
        elif self._first is not None:
            self._lose()
        if self._track is None and sample >= self._due:
            self._begin(planes)
            self._due = sample + _RETRY if self._track is None else 0
        self._before = small

    def score(self) -> float | None:
        """Return 0..1: 1 for the requested course, 0 for another or the opposite course, or if the camera is still.

        Amplitude, speed, shake and focus do not change the score. Return None if there are too few corners to track.
        Return None also if the expected course depends on the estimated depth: a jib or an orbit, which rotates back
        towards its subject, moves the picture one way at one depth and the opposite way at a slightly larger one.
        """
        if self._first is None or len(self._course) < 2:
            return None
        course, metric = np.array(self._course), self._first.metric()
        found = [_Walk.along(course @ metric)]
        if "shake" in self._move.moves():  # the shake of a clip differs from that of the move: also compare without it
            found.append(_Walk.along(_smoothed(course, _SHAKE_SECONDS * self._samples_per_second) @ metric))
        expected = [_Walk.along(each @ metric) for each in expected_courses(self._move, self._width)]
        tracked = 1 - self._lost / len(course)
        if max(each.reach for each in expected) < _MIN_REACH:
            return tracked * _HALF_STILL**2 / (_HALF_STILL**2 + found[0].reach ** 2)
        centred = [_Walk.along(each @ metric) for each in expected_courses(self._move, self._width, (0j,))]
        ambiguous = any(one.agreement(other) < _MIN_AGREEMENT for one, other in combinations(centred, 2))
        if ambiguous and found[0].reach >= _MIN_REACH:
            return None
        agreed = max(one.agreement(other) for one in found for other in expected)
        return tracked * agreed**2 * found[0].reach ** 2 / (found[0].reach ** 2 + _HALF_MOVED**2)

    def _begin(self, planes: Planes) -> None:
        """Start to track corners of the frame, each at an estimated distance."""
        track = _CourseTrack.of(planes)
        if len(track.at) < MIN_LANDMARKS:
            return
        if self._first is None:
            height, width = planes.y.shape
            self._first, self._width = track, width / Frame.of(width, height).unit
            self._course.append(np.zeros(4, np.complex128))
        self._track = track._replace(base=self._course[-1])

    def _extend(self, track: "_CourseTrack") -> None:
        step, travelled, residual = track.step() if len(track.at) >= MIN_LANDMARKS else _NO_STEP
        if residual > max(_MAX_RESIDUAL, _MAX_RESIDUAL_SHARE * travelled):
            self._track = None
            self._lose()
            return
        self._course.append(track.base + step)
        done = travelled > _SEGMENT_TRAVEL or len(track.at) < 0.6 * track.initial
        self._track = None if done else track

    def _lose(self) -> None:
        self._lost += 1
        self._course.append(self._course[-1])


class _CourseTrack(NamedTuple):
    """Corners that are tracked since they were found."""

    base: NDArray[np.complex128]  # the course at the frame in which they were found
    initial: int  # number of corners in that frame
    start: Positions  # positions in that frame
    at: Positions  # positions now
    d: Floats  # estimated inverse distances

    @classmethod
    def of(cls, planes: Planes) -> "_CourseTrack":
        """Return the corners of a frame. Optical flow from the frame to itself loses those without texture."""
        height, width = planes.y.shape
        frame = Frame.of(width, height)
        half_size = width / 2 / frame.unit, height / 2 / frame.unit
        (small,) = camera_path.tracked([planes])
        estimated = depth.estimate(_small_rgb(planes, _DEPTH_SIDE))
        inverse = as_floats(np.float32(FAR) + np.float32(1 - FAR) * estimated)
        found = Landmarks(as_bytes(cv2.cvtColor(small, cv2.COLOR_GRAY2RGB)), inverse, half_size)
        at = np.asarray((found.x + 1j * found.y) / (2 * half_size[0]), np.complex128)
        thin = np.s_[:: -(-len(at) // _MAX_TRACKED) or 1]
        at, d = at[thin], found.d[thin]
        tracked, _ = track_points(small, small, at)
        return cls(np.zeros(4, np.complex128), int(tracked.sum()), at[tracked], at[tracked], d[tracked])

    def advance(self, before: Bytes, after: Bytes) -> "_CourseTrack":
        """Return the corners at their positions in the next sampled frame, without those that were lost."""
        tracked, at = track_points(before, after, self.at)
        return self._replace(start=self.start[tracked], at=at[tracked], d=self.d[tracked])

    def step(self) -> tuple[NDArray[np.complex128], float, float]:
        """Return the step of the course that fits the corners' displacements, its RMS travel and the median residual.

        Travel and residual are in frame widths.
        """
        start, displacement, d = self.start, self.at - self.start, self.d.astype(np.float64)
        step = _fit_step(start, displacement, d)
        for _ in range(_ROUNDS):
            residual = np.abs(displacement - _fields(start, d) @ step)
            inliers = residual <= np.quantile(residual, _FITTED)
            step = _fit_step(start[inliers], displacement[inliers], d[inliers])
        fitted = _fields(start, d) @ step
        return step, float(np.sqrt(np.mean(np.abs(fitted) ** 2))), float(np.median(np.abs(displacement - fitted)))

    def metric(self) -> NDArray[np.complex128]:
        """Return a 4 x 4 matrix M: the norm of `step @ M` is the RMS travel of these corners in that step."""
        fields = _fields(self.start, self.d.astype(np.float64)) / np.sqrt(len(self.d))
        return np.asarray(np.linalg.qr(fields).R.T, np.complex128)


def _fields(at: Positions, d: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return the displacement of each point by each coefficient of a course: points x 4."""
    return np.stack([at, np.ones_like(at), d * at, d + 0j], axis=1)


def _fit_step(start: Positions, displacement: Positions, d: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return the least-squares step of a course for displacements; rotation is independent of distance: c is real."""
    mean = d.mean()
    z, one, dz, off = _fields(start, d - mean).T
    columns = np.stack([z, 1j * z, one, 1j * one, dz, off, 1j * off], axis=1)
    split = np.concatenate([columns.real, columns.imag])
    scale = np.maximum(np.linalg.norm(split, axis=0), 1e-12)
    target = np.concatenate([displacement.real, displacement.imag])
    a, ai, b, bi, c, e, ei = np.linalg.lstsq(split / scale, target, rcond=SINGULAR_CUTOFF)[0] / scale
    like_all, by_distance = np.array([a + 1j * ai, b + 1j * bi]), np.array([c, e + 1j * ei])
    return np.concatenate([like_all - mean * by_distance, by_distance])


class _Walk(NamedTuple):
    """A course that is divided into pieces of equal length."""

    reach: float  # maximum distance from the course's beginning, in frame widths
    heading: Course  # unit vector of each piece; 0 for a course without motion

    @classmethod
    def along(cls, course: Course) -> "_Walk":
        """Divide a `course` in a metric. Motions shorter than `_MIN_PIECE` of its reach are skipped as jitter."""
        reach = float(np.linalg.norm(course, axis=1).max())
        least = max(_MIN_REACH / 2, _MIN_PIECE * reach)
        corners = [0]
        for moment, point in enumerate(course):
            if np.linalg.norm(point - course[corners[-1]]) > least:
                corners.append(moment)
        corners[max(1, len(corners) - 1) :] = [len(course) - 1]
        steps = np.diff(course[corners], axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        if lengths.sum() < 1e-9:
            return cls(reach, np.zeros((_PIECES, course.shape[1]), np.complex128))
        pieces = np.searchsorted(np.cumsum(lengths) / lengths.sum(), (np.arange(_PIECES) + 0.5) / _PIECES)
        pieces = np.minimum(pieces, len(lengths) - 1)
        return cls(reach, steps[pieces] / np.maximum(lengths, 1e-12)[pieces, None])

    def agreement(self, other: "_Walk") -> float:
        """Return 0..1: the mean cosine between both headings. One course may be `_MAX_LEAD` pieces ahead."""
        cosines = np.real(self.heading @ other.heading.conj().T)
        piece = np.arange(_PIECES)
        cosines[np.abs(piece[:, None] - piece) > _MAX_LEAD] = -1
        return max(0.0, float(min(cosines.max(axis=0).mean(), cosines.max(axis=1).mean())))


def expected_courses(move: CameraMove, width: float, centres: Sequence[complex] = _CENTRES) -> Iterator[Course]:
    """Yield the expected course of a move, for each possible centre of its zoom and each offset of the estimated depth.

    `width` is the frame's, in units. The flow of an infinitesimal step of the camera is linear in the step. A fisheye
    lens adds a magnification that is about half as large half way from the middle as in the middle.
    """
    views = [view(move.sample(moment / _MOMENTS)) for moment in range(_MOMENTS + 1)]
    lens = np.array([each.focal * (1 + BULGE * each.fisheye / 2) for each in views])
    grown, forward, rolled = np.diff(np.log(lens)), _steps(views, "forward"), _steps(views, "roll")
    upright = FOCAL / width * lens[:-1] * np.exp(-1j * np.array([each.roll for each in views[:-1]]))
    turned = upright * (1j * _steps(views, "tilt") - _steps(views, "pan"))
    carried = upright * (1j * _steps(views, "up") - _steps(views, "right"))
    travels = bool(np.any(forward) or np.any(carried))
    for centre in centres if np.any(grown) or np.any(forward) else (0j,):
        for offset in _DEPTH_OFFSETS if travels else (0.0,):
            by_distance = np.stack([forward + 0j, carried - forward * centre])
            like_all = np.stack([grown - 1j * rolled, turned - grown * centre]) + offset * by_distance
            steps = np.concatenate([like_all, by_distance]).T
            yield np.concatenate([np.zeros((1, 4), np.complex128), np.cumsum(steps, axis=0)])


def _steps(views: list[CameraView], name: str) -> NDArray[np.float64]:
    return np.diff(np.array([getattr(each, name) for each in views], np.float64))


def _smoothed(course: Course, sigma: float) -> Course:
    """Return the course smoothed by a Gaussian with a standard deviation of `sigma` sampled frames."""
    columns = [
        camera_path.gaussian(column.real, sigma) + 1j * camera_path.gaussian(column.imag, sigma) for column in course.T
    ]
    return np.stack(columns, axis=1)


def _small_rgb(planes: Planes, side: int) -> Bytes:
    """Return the frame as RGB (height x width x 3), with a long side of about `side` pixels."""
    height, width = planes.y.shape
    shrink = min(1.0, side / max(width, height))
    half = max(4, round(width * shrink / 2)), max(4, round(height * shrink / 2))
    size = 2 * half[0], 2 * half[1]
    y, u, v = (
        as_bytes(cv2.resize(plane, to, interpolation=cv2.INTER_AREA))
        for plane, to in zip(planes, (size, half, half), strict=True)
    )
    return to_rgb(Planes(y, u, v))
