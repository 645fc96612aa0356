"""Did the camera of a finished clip move as its preset promised? A score of the camera's path.

Corners of the picture, each at its distance, are projected into every frame as the renderer lowers the preset: that is
where they are to be expected. In the frames themselves they are followed, and both journeys are compared twice: as they
are, and for the share of them that only distance explains, for a zoom grows everything and a dolly what is near.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from shared.camera.lowerings import CameraView
from workers.media.planes import Bytes, Floats, Planes, as_bytes, as_floats
from workers.motion import camera_path
from workers.motion.projection import Frame, project

_TREMBLE = 0.002  # of the frame's width: what may move where nothing should
_STRIDE = 0.03  # of the frame's width that the picture may travel between two frames looked at
_RAREST = 2  # of so many frames one is looked at, at least
_LANDMARKS = 600
_FOLLOWED = 120  # of them at once, at most
FEWEST = 12  # of them, below which nothing is measured
_WINDOW = 15  # pixels of the small frame around a corner by which it is known again
_CLIFF = 0.1  # of inverse distance, from pixel to pixel but one: an edge, which slides over what is behind
_BORDER = 0.02  # of the frame's width: too near to its edge to be followed
_STRETCH = 5 * _TREMBLE  # parallax, after which landmarks are looked up anew
DEPENDENT = 1e-3  # parts of a flow that landmarks cannot tell apart better than so are left out
_KEPT = 0.8  # of the landmarks: the others may have been covered, or moved by themselves

Places = NDArray[np.complex128]  # x + iy from the frame's middle, in frame widths; NaN where out of sight


class Landmarks:
    """Corners of a picture, in its units, and their inverse distances; edges of near things are none."""

    def __init__(self, picture: Bytes, depth: Floats, half_size: tuple[float, float]) -> None:
        """`picture` is RGB, `depth` inverse distance of any size, `half_size` the picture's, in units."""
        height, width = picture.shape[:2]
        shrink = min(1.0, 1.2 * camera_path.TRACKED_PIXELS / min(height, width))
        size = (max(round(width * shrink), 16), max(round(height * shrink), 16))
        grey = as_bytes(
            cv2.cvtColor(as_bytes(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)), cv2.COLOR_RGB2GRAY)
        )
        found = cv2.goodFeaturesToTrack(grey, maxCorners=_LANDMARKS, qualityLevel=0.01, minDistance=7, blockSize=5)
        at = np.empty((0, 2), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 2)
        around = np.ones((_WINDOW, _WINDOW), np.uint8)
        small = as_floats(cv2.resize(depth, size))
        beside = np.ones((3, 3), np.uint8)
        step = as_floats(cv2.dilate(cv2.dilate(small, beside) - cv2.erode(small, beside), around))
        columns, rows = at.round().astype(int).T
        on_one = step[rows, columns] < _CLIFF
        at = at[on_one]
        self.d = as_floats(small[rows, columns][on_one])
        self.x = ((at[:, 0] + 0.5) / size[0] * 2 - 1) * np.float32(half_size[0])
        self.y = ((at[:, 1] + 0.5) / size[1] * 2 - 1) * np.float32(half_size[1])

    def places(self, views: Sequence[CameraView], cover: float, frame: Frame) -> Places:
        """Where they stand in the frames of the views, shape (views, landmarks)."""
        width = frame.width / frame.unit
        right, bottom = 0.5 - _BORDER, frame.height / frame.width / 2 - _BORDER
        found = np.empty((len(views), len(self.d)), np.complex128)
        for row, each in zip(found, views, strict=True):
            x, y = project(each, cover, self.x, self.y, self.d)
            row[:] = (x + 1j * y) / width
            row[(np.abs(row.real) > right) | (np.abs(row.imag) > bottom)] = np.nan
        return found


class MotionCheck:
    """Looks at the frames of a clip as they are made, and scores their path at the end."""

    def __init__(self, landmarks: Landmarks, views: Sequence[CameraView], cover: float, frame: Frame) -> None:
        """`views` are those of the frames that will be shown to `see`, at the base zoom `cover`."""
        places = landmarks.places(views, cover, frame)
        self._every = max(1, min(_RAREST, int(_STRIDE / max(_longest_step(places), 1e-6))))
        self._expected, self._d = places[:: self._every], landmarks.d
        self._ends = _stretches(self._expected, self._d)
        self._still = len(set(views)) == 1
        self._identical = True
        self._seen = 0
        self._before: Bytes | None = None
        self._chase: _Chase | None = None
        self._path, self._parallax = _Agreement(), _Agreement()
        self._begun = self._lost = 0

    def see(self, planes: Planes) -> None:
        """Take the next frame into account; at most 5 ms at 1080p."""
        look, rest = divmod(self._seen, self._every)
        self._seen += 1
        if rest:
            return
        (small,) = camera_path.tracked([planes])
        if self._before is not None:
            self._identical = self._identical and np.array_equal(self._before, small)
            if self._chase:
                self._chase = self._chase.followed(self._before, small)
                self._compare(self._chase, look)
        if look in self._ends:
            self._chase = self._begin(small, look)
        self._before = small

    def score(self) -> float | None:
        """0..1: 1 the promised path, 0 another, opposed or lost. None where the picture shows nothing to follow.

        Frames that are all the same are a still camera for certain, whatever they show.
        """
        if self._still and self._identical and self._seen:
            return 1.0
        if not self._begun:
            return None
        return self._path.score() * self._parallax.score() * (1 - self._lost / self._begun)

    def _begin(self, small: Bytes, look: int) -> "_Chase | None":
        """What to follow from this look to its stretch's end: in sight at both, with something to be known by."""
        end = self._ends[look]
        chosen = np.flatnonzero(np.isfinite(self._expected[look].real) & np.isfinite(self._expected[end].real))
        chosen = chosen[:: -(-len(chosen) // _FOLLOWED) or 1]
        # Followed from the frame to itself: what is lost there has no texture.
        chase = _Chase(look, end, 0, chosen, self._expected[look][chosen]).followed(small, small)
        chase = chase._replace(begun=len(chase.chosen), at=self._expected[look][chase.chosen])
        if chase.begun < FEWEST:
            return None
        self._begun += chase.begun
        return chase

    def _compare(self, chase: "_Chase", look: int) -> None:
        if look == chase.end and len(chase.chosen) < max(FEWEST, chase.begun / 4):
            self._lost += chase.begun
        start, expected = (self._expected[when][chase.chosen] for when in (chase.start, look))
        seen = np.isfinite(expected.real)
        if seen.sum() < FEWEST:
            return
        start, d = start[seen], self._d[chase.chosen[seen]]
        wanted, found = expected[seen] - start, chase.at[seen] - start
        apart = np.abs(found - _Flow.of(start, found, d).at(start, d))
        kept = apart <= np.quantile(apart, _KEPT)
        start, wanted, found, d = start[kept], wanted[kept], found[kept], d[kept]
        self._path.add(wanted, found)
        self._parallax.add(*(_Flow.of(start, journey, d).parallax(start, d) for journey in (wanted, found)))


class _Chase(NamedTuple):
    """Landmarks on their way from the look `start` to the look `end`."""

    start: int
    end: int
    begun: int  # how many there were
    chosen: NDArray[np.intp]  # those that are left
    at: Places  # and where

    def followed(self, before: Bytes, after: Bytes) -> "_Chase":
        """One frame on; without those that were lost."""
        there, at = follow(before, after, self.at)
        return self._replace(chosen=self.chosen[there], at=at[there])


def follow(before: Bytes, after: Bytes, at: Places) -> tuple[NDArray[np.bool_], Places]:
    """Which places of one small frame are found again in the next, and where all are, by pyramidal Lucas-Kanade
    (Bouguet 2000).
    """
    if len(at) == 0:
        return np.zeros(0, np.bool_), at
    height, width = before.shape
    middle = np.array([width - 1, height - 1]) / 2
    old = np.stack([at.real, at.imag], axis=1) * width + middle
    old = old.astype(np.float32)[:, None]
    size = (_WINDOW, _WINDOW)
    new, found, _ = cv2.calcOpticalFlowPyrLK(before, after, old, old.copy(), winSize=size, maxLevel=4)
    x, y = ((np.asarray(new, np.float64)[:, 0] - middle) / width).T
    return np.asarray(found).ravel() == 1, x + 1j * y


class _Agreement:
    """How well two series of journeys agree: Lin's concordance (1989) of both about where they began.

    A floor of what any clip trembles by, as in SSIM, makes a still camera agree with a still camera only.
    """

    def __init__(self) -> None:
        self._both = self._shared = self._floor = 0.0

    def add(self, wanted: Places, found: Places) -> None:
        """Journeys of as many landmarks, frame widths."""
        self._both += float(np.vdot(wanted, wanted).real + np.vdot(found, found).real)
        self._shared += 2 * float(np.vdot(wanted, found).real)
        self._floor += len(wanted) * _TREMBLE**2

    def score(self) -> float:
        """0..1: 1 the same, 0 unrelated or opposed, or nothing to compare."""
        if not self._floor:
            return 0.0
        return max(0.0, (self._shared + self._floor) / (self._both + self._floor))


class _Flow(NamedTuple):
    """How a camera drives landmarks: a point z at inverse distance d goes by `a z + b + (d - mean) (c z + e)`.

    The first two are what a lens or a turning camera does, the last two what a camera that travels adds.
    """

    like_all: NDArray[np.complex128]
    by_distance: NDArray[np.complex128]
    mean: float

    @classmethod
    def of(cls, start: Places, journey: Places, d: Floats) -> Self:
        """The flow nearest to the journeys from where they started."""
        mean = float(d.mean())
        off = d.astype(np.float64) - mean
        columns = np.stack([start, np.ones_like(start), off * start, off + 0j], axis=1)
        scale = np.maximum(np.linalg.norm(columns, axis=0), 1e-12)
        fitted = np.linalg.lstsq(columns / scale, journey, rcond=DEPENDENT)[0] / scale
        return cls(fitted[:2], fitted[2:], mean)

    def at(self, start: Places, d: Floats) -> Places:
        """Where it drives them."""
        return np.asarray(self.like_all[0] * start + self.like_all[1] + self.parallax(start, d), np.complex128)

    def parallax(self, start: Places, d: Floats) -> Places:
        """The part of it that only distance explains."""
        off = d.astype(np.float64) - self.mean
        return np.asarray(off * (self.by_distance[0] * start + self.by_distance[1]), np.complex128)


def _longest_step(places: Places) -> float:
    """How far the landmarks in sight travel on average between two frames, at most."""
    steps = [np.abs(after - before) for before, after in pairwise(places)]
    return max((float(np.nanmean(step)) for step in steps if np.isfinite(step).any()), default=0.0)


def _stretches(places: Places, d: Floats) -> dict[int, int]:
    """Where to begin to follow landmarks, and up to where: until parallax shows well, or others are in sight."""
    ends: dict[int, int] = {}
    start = 0
    for look in range(1, len(places)):
        begun, here = np.isfinite(places[start].real), np.isfinite(places[look].real)
        left = begun & here
        if left.sum() < FEWEST:
            start = look
            continue
        begin = places[start][left]
        shown = _Flow.of(begin, places[look][left] - begin, d[left]).parallax(begin, d[left])
        others = left.sum() < 0.6 * begun.sum() or begun.sum() < min(0.6 * here.sum(), _FOLLOWED)
        if look + 1 == len(places) or others or np.sqrt(np.mean(np.abs(shown) ** 2)) > _STRETCH:
            ends[start] = look
            start = look
    return ends
