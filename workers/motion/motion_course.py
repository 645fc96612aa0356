"""Does a clip that was filmed elsewhere move as its preset says? A score of the course that its camera takes.

Who hears a move in words goes as far and as fast, and about what, as they like, and how far away things stand can only
be guessed. So what the camera does to the picture is measured from corners that are followed, and what it should do is
reckoned from the keyframes; both courses are walked from end to end, whatever their lengths, and compared by where they
head. `motion_check` judges clips of our own, of which all of that is known.
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
from workers.motion.motion_check import DEPENDENT, FEWEST, Landmarks, Places, follow
from workers.motion.projection import Frame

_LOOKS_A_SECOND = 30  # at most
_RETRY = 15  # looks, after which one looks again for something to follow
_FOLLOWED = 120  # corners at once, at most
_GUESSED_SIDE = 240  # pixels of the long side, at which distances are guessed
_ASTRAY, _ASTRAY_SHARE = 0.01, 0.35  # of the frame's width, and of the way: corners so far off are others
_STRETCH = 0.05  # of the frame's width: how far corners are followed before others are looked for
_KEPT, _ROUNDS = 0.6, 6  # of the corners, for the others may move by themselves: least trimmed squares (Rousseeuw 1984)
_SHAKE_SECONDS = 0.5  # what is quicker is no course, where a hand is to shake

_MOMENTS = 60  # of a move, to see where it leads
_LEAST = 0.005  # of the frame's width: a move that leads less far is none
_STILL = 0.01  # of it: a still camera that drifts so far is half right
_FAINT = 0.004  # of it: a camera that goes so far is half believed to have moved
_CORNER = 1 / 8  # of a course's reach: what it does within that is no turn
_PACES = 24
_APART = 2  # paces that one course may be ahead of the other

_CENTRES = tuple(complex(x, y) for x, y in product((-1 / 6, 0, 1 / 6), (-0.1, 0, 0.1)))  # to the thirds of a 16:9 frame
_CERTAIN = 0.5  # how well a course must agree with itself, whatever the distances
_NEARER = (-0.45, -0.3, -0.15, 0, 0.15)  # of inverse distance: the guess tends to be too near

Course = NDArray[np.complex128]
"""Moments x 4: how a point z at inverse distance d has been driven until then, `a z + b + d (c z + e)`."""

_NOWHERE: tuple[Course, float, float] = np.zeros(4, np.complex128), 0.0, np.inf  # a step that is not to be believed


class CourseCheck:
    """Looks at the frames of a clip as they pass, and scores its course at the end."""

    def __init__(self, move: CameraMove, fps: float) -> None:
        """`move` is what was asked for, `fps` how many frames a second will be shown to `see`."""
        self._move = move
        self._every = max(1, round(fps / _LOOKS_A_SECOND))
        self._looks_a_second = fps / self._every
        self._seen = self._lost = self._due = 0
        self._before: Bytes | None = None
        self._chase: _CourseChase | None = None
        self._first: _CourseChase | None = None
        self._width = 1.0  # units
        self._course: list[NDArray[np.complex128]] = []

    def see(self, planes: Planes) -> None:
        """Take the next frame into account; some 10 ms at 1080p, and 40 where corners are looked for."""
        look, rest = divmod(self._seen, self._every)
        self._seen += 1
        if rest:
            return
        (small,) = camera_path.tracked([planes])
        if self._before is not None and self._chase is not None:
            self._follow(self._chase.followed(self._before, small))
        elif self._first is not None:
            self._lose()
        if self._chase is None and look >= self._due:
            self._begin(planes)
            self._due = look + _RETRY if self._chase is None else 0
        self._before = small

    def score(self) -> float | None:
        """0..1: 1 the course that was asked for, 0 another, opposed or none. None where there is nothing to follow.

        Neither how far and how fast it leads, nor how much a hand shakes, nor the focus is judged. Where a move is one
        thing if the picture is a little nearer and its opposite if not, as a jib and an orbit are, which turn back to
        what they leave, guessed distances cannot tell: None too.
        """
        if self._first is None or len(self._course) < 2:
            return None
        course, metric = np.array(self._course), self._first.metric()
        found = [_Walk.along(course @ metric)]
        if "shake" in self._move.moves():  # nobody's hand shakes as another's
            found.append(_Walk.along(_steadied(course, _SHAKE_SECONDS * self._looks_a_second) @ metric))
        asked = [_Walk.along(each @ metric) for each in promised(self._move, self._width)]
        kept = 1 - self._lost / len(course)
        if max(each.reach for each in asked) < _LEAST:
            return kept * _STILL**2 / (_STILL**2 + found[0].reach ** 2)
        guesses = [_Walk.along(each @ metric) for each in promised(self._move, self._width, (0j,))]
        unsure = any(one.agreement(other) < _CERTAIN for one, other in combinations(guesses, 2))
        if unsure and found[0].reach >= _LEAST:
            return None
        agreed = max(one.agreement(other) for one in found for other in asked)
        return kept * agreed**2 * found[0].reach ** 2 / (found[0].reach ** 2 + _FAINT**2)

    def _begin(self, planes: Planes) -> None:
        """Corners of the frame to follow from here, each at a distance that is guessed."""
        chase = _CourseChase.of(planes)
        if len(chase.at) < FEWEST:
            return
        if self._first is None:
            height, width = planes.y.shape
            self._first, self._width = chase, width / Frame.of(width, height).unit
            self._course.append(np.zeros(4, np.complex128))
        self._chase = chase._replace(base=self._course[-1])

    def _follow(self, chase: "_CourseChase") -> None:
        driven, travelled, apart = chase.driven() if len(chase.at) >= FEWEST else _NOWHERE
        if apart > max(_ASTRAY, _ASTRAY_SHARE * travelled):
            self._chase = None
            self._lose()
            return
        self._course.append(chase.base + driven)
        done = travelled > _STRETCH or len(chase.at) < 0.6 * chase.begun
        self._chase = None if done else chase

    def _lose(self) -> None:
        self._lost += 1
        self._course.append(self._course[-1])


class _CourseChase(NamedTuple):
    """Corners on their way since they were found."""

    base: NDArray[np.complex128]  # the course until then
    begun: int  # how many there were
    start: Places
    at: Places
    d: Floats  # inverse distance, guessed

    @classmethod
    def of(cls, planes: Planes) -> "_CourseChase":
        """What there is to follow in the frame: what is lost from the frame to itself has no texture."""
        height, width = planes.y.shape
        frame = Frame.of(width, height)
        half_size = width / 2 / frame.unit, height / 2 / frame.unit
        (small,) = camera_path.tracked([planes])
        guessed = depth.estimate(_shrunk(planes, _GUESSED_SIDE))
        inverse = as_floats(np.float32(FAR) + np.float32(1 - FAR) * guessed)
        found = Landmarks(as_bytes(cv2.cvtColor(small, cv2.COLOR_GRAY2RGB)), inverse, half_size)
        at = np.asarray((found.x + 1j * found.y) / (2 * half_size[0]), np.complex128)
        thin = np.s_[:: -(-len(at) // _FOLLOWED) or 1]
        at, d = at[thin], found.d[thin]
        there, _ = follow(small, small, at)
        return cls(np.zeros(4, np.complex128), int(there.sum()), at[there], at[there], d[there])

    def followed(self, before: Bytes, after: Bytes) -> "_CourseChase":
        """One look on; without those that were lost."""
        there, at = follow(before, after, self.at)
        return self._replace(start=self.start[there], at=at[there], d=self.d[there])

    def driven(self) -> tuple[NDArray[np.complex128], float, float]:
        """What the camera did to the corners since then, as a step of the course; in frame widths, how far that took
        them, and how far half of them at least are from there.
        """
        start, journey, d = self.start, self.at - self.start, self.d.astype(np.float64)
        driven = _driven(start, journey, d)
        for _ in range(_ROUNDS):
            apart = np.abs(journey - _fields(start, d) @ driven)
            kept = apart <= np.quantile(apart, _KEPT)
            driven = _driven(start[kept], journey[kept], d[kept])
        there = _fields(start, d) @ driven
        return driven, float(np.sqrt(np.mean(np.abs(there) ** 2))), float(np.median(np.abs(journey - there)))

    def metric(self) -> NDArray[np.complex128]:
        """What makes of a step of the course one as long as these corners would travel, root mean square."""
        fields = _fields(self.start, self.d.astype(np.float64)) / np.sqrt(len(self.d))
        return np.asarray(np.linalg.qr(fields).R.T, np.complex128)


def _fields(at: Places, d: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Points x 4: what each number of a course does to each point."""
    return np.stack([at, np.ones_like(at), d * at, d + 0j], axis=1)


def _driven(start: Places, journey: Places, d: NDArray[np.float64]) -> NDArray[np.complex128]:
    """The step of a course that is nearest to the journeys; nothing turns by its distance, so that c is real."""
    mean = d.mean()
    z, one, dz, off = _fields(start, d - mean).T
    columns = np.stack([z, 1j * z, one, 1j * one, dz, off, 1j * off], axis=1)
    split = np.concatenate([columns.real, columns.imag])
    scale = np.maximum(np.linalg.norm(split, axis=0), 1e-12)
    wanted = np.concatenate([journey.real, journey.imag])
    a, ai, b, bi, c, e, ei = np.linalg.lstsq(split / scale, wanted, rcond=DEPENDENT)[0] / scale
    like_all, by_distance = np.array([a + 1j * ai, b + 1j * bi]), np.array([c, e + 1j * ei])
    return np.concatenate([like_all - mean * by_distance, by_distance])


class _Walk(NamedTuple):
    """A course walked from end to end in even paces."""

    reach: float  # how far from its beginning it leads at most, frame widths
    heading: Course  # of each pace, of length 1; none of a course that leads nowhere

    @classmethod
    def along(cls, course: Course) -> "_Walk":
        """`course` in a metric. It is cut at every `_CORNER` of its reach, so that trembling makes it no longer."""
        reach = float(np.linalg.norm(course, axis=1).max())
        least = max(_LEAST / 2, _CORNER * reach)
        corners = [0]
        for moment, point in enumerate(course):
            if np.linalg.norm(point - course[corners[-1]]) > least:
                corners.append(moment)
        corners[max(1, len(corners) - 1) :] = [len(course) - 1]
        steps = np.diff(course[corners], axis=0)
        lengths = np.linalg.norm(steps, axis=1)
        if lengths.sum() < 1e-9:
            return cls(reach, np.zeros((_PACES, course.shape[1]), np.complex128))
        paces = np.searchsorted(np.cumsum(lengths) / lengths.sum(), (np.arange(_PACES) + 0.5) / _PACES)
        paces = np.minimum(paces, len(lengths) - 1)
        return cls(reach, steps[paces] / np.maximum(lengths, 1e-12)[paces, None])

    def agreement(self, other: "_Walk") -> float:
        """0..1, the mean cosine of both headings, where one may be a little ahead of the other."""
        cosines = np.real(self.heading @ other.heading.conj().T)
        pace = np.arange(_PACES)
        cosines[np.abs(pace[:, None] - pace) > _APART] = -1
        return max(0.0, float(min(cosines.max(axis=0).mean(), cosines.max(axis=1).mean())))


def promised(move: CameraMove, width: float, centres: Sequence[complex] = _CENTRES) -> Iterator[Course]:
    """The course of a move, once for each point that it may lead to and each bias of the guessed distances.

    `width` is the frame's, in units. What an infinitesimal step of the camera does to the picture is linear in it; a
    lens that bulges magnifies, at half way from the middle about half as much as there.
    """
    views = [view(move.sample(moment / _MOMENTS)) for moment in range(_MOMENTS + 1)]
    lens = np.array([each.focal * (1 + BULGE * each.fisheye / 2) for each in views])
    grown, forward, rolled = np.diff(np.log(lens)), _steps(views, "forward"), _steps(views, "roll")
    upright = FOCAL / width * lens[:-1] * np.exp(-1j * np.array([each.roll for each in views[:-1]]))
    turned = upright * (1j * _steps(views, "tilt") - _steps(views, "pan"))
    carried = upright * (1j * _steps(views, "up") - _steps(views, "right"))
    travels = bool(np.any(forward) or np.any(carried))
    for centre in centres if np.any(grown) or np.any(forward) else (0j,):
        for nearer in _NEARER if travels else (0.0,):
            by_distance = np.stack([forward + 0j, carried - forward * centre])
            like_all = np.stack([grown - 1j * rolled, turned - grown * centre]) + nearer * by_distance
            steps = np.concatenate([like_all, by_distance]).T
            yield np.concatenate([np.zeros((1, 4), np.complex128), np.cumsum(steps, axis=0)])


def _steps(views: list[CameraView], name: str) -> NDArray[np.float64]:
    return np.diff(np.array([getattr(each, name) for each in views], np.float64))


def _steadied(course: Course, sigma: float) -> Course:
    """Without what is quicker than about `sigma` looks."""
    columns = [
        camera_path.gaussian(column.real, sigma) + 1j * camera_path.gaussian(column.imag, sigma) for column in course.T
    ]
    return np.stack(columns, axis=1)


def _shrunk(planes: Planes, side: int) -> Bytes:
    """RGB, the long side about `side` pixels."""
    height, width = planes.y.shape
    shrink = min(1.0, side / max(width, height))
    half = max(4, round(width * shrink / 2)), max(4, round(height * shrink / 2))
    size = 2 * half[0], 2 * half[1]
    y, u, v = (
        as_bytes(cv2.resize(plane, to, interpolation=cv2.INTER_AREA))
        for plane, to in zip(planes, (size, half, half), strict=True)
    )
    return to_rgb(Planes(y, u, v))
