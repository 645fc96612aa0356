"""A photograph in front of a moving camera: its estimated depth is flattened until the path keeps its shapes.

The subject has one distance. A clear matte cuts it out as a flat over a filled photograph. An unclear matte only gives
its area one distance. The rest of the photograph keeps as much of the estimated relief as its straight lines permit.
"""

from collections.abc import Sequence
from functools import reduce
from math import tau
from typing import NamedTuple, cast

import cv2
import numpy as np

from shared.camera.lowerings import inverse_distance, view
from shared.camera.move import AXES, Pose
from shared.stages.metadata import PhotographMetadata
from workers.media.depth import ground_is_certain
from workers.media.lines import straight_lines
from workers.media.planes import Floats, as_floats
from workers.media.scenery import Scenery
from workers.media.subject import Box, PictureSubject
from workers.motion.projection import project
from workers.motion.shape import Features, Positions, Shape, along, of_lines, of_outlines, upright
from workers.renderer.cutout import cut, texture_beside, without
from workers.renderer.motif import Motif
from workers.renderer.shoot import Shot, inverse

_GROUND, _FLAT, _LEAST = 0.7, 0.3, 0.02  # relief of a guess with a certain ground and without, and the minimum
_MAX_LEAN_DEGREES, _MAX_BOW, _MIN_SCORE = 2.4, 0.015, 0.976  # of the film; the promises are 3 degrees and 0.97
_TRIES = 4
_LEAST_TENTHS = 3  # minimum share of a path that must contain the focal point, in tenths
_MOMENTS = 24  # maximum number of poses of a path that are measured
_GAP = 0.025  # maximum width that opens beside the subject, as a fraction of the frame's width
_CALM = 3.0  # mean fine texture beside the subject, in levels of 255, above which a gap must be narrower
_STEP = 0.35  # maximum disparity between the subject and the photograph behind it
_INSIDE = 0.49  # maximum distance from the middle of an outline that does not lie on the picture's border
_OWN = 0.5  # minimum mean coverage of a line that belongs to the subject
_LOCK = 1 / 40  # width of the soft edge of a subject with one distance, as a fraction of the long side
_OUTLINE = 96  # maximum number of points of an outline
_RACK = 0.2  # minimum disparity between the subject and the background for a change of the focus
_MIDDLE = 0.5  # disparity of the subject: the presets' orbits turn around it, and dolly zooms hold its size
_HELD = 1.05  # maximum growth of the subject in a dolly zoom


class Kept(NamedTuple):
    """The shapes of its photographs that a film keeps, and its share (0..1) of the estimated relief and of the path."""

    shape: Shape
    relief: float
    path: float
    layer: bool  # a subject is cut out

    def and_(self, other: "Kept") -> "Kept":
        """Return what a film of both keeps."""
        return Kept(
            self.shape.worst(other.shape), min(self.relief, other.relief), min(self.path, other.path),
            self.layer or other.layer,
        )  # fmt: skip


def contained(motif: Motif, poses: Sequence[Pose], size: tuple[int, int], fps: float) -> float:
    """Return the largest share of a path (1, or a multiple of 0.1) on which the focal point stays in the frame.

    A long path needs a larger crop, in which the subject could be outside the frame for the whole film.
    """
    shot = Shot(motif.picture, motif.nearness, *size, fps, motif.focal_point)
    x, y = (as_floats(np.full((1, 1), at)) for at in motif.focal_point)
    across, down = size[0] / (size[0] * size[1]) ** 0.5, size[1] / (size[0] * size[1]) ** 0.5
    for tenths in range(10, _LEAST_TENTHS, -1):
        views = shot.look(weaker(poses, tenths / 10))
        point = _features(shot, x, y, motif.nearness)
        seen = [project(each, shot.cover, point.x, point.y, point.d) for each in views]
        if all(abs(right[0, 0]) < across and abs(under[0, 0]) < down for right, under in seen):
            return tenths / 10
    return _LEAST_TENTHS / 10


class Filming(NamedTuple):
    """The shots of a film, its path, and what it keeps of its photographs; None without a photograph."""

    shots: list[Shot]
    poses: list[Pose]
    kept: Kept | None


class _Layout(NamedTuple):
    """The disparity of a photograph with its subject, the same behind the subject, and the subject's disparity."""

    nearness: Floats
    behind: Floats
    subject: float


def weaker(poses: Sequence[Pose], share: float) -> list[Pose]:
    """Return the path with its travel and turns scaled by `share` (0..1)."""
    if share == 1:
        return list(poses)
    return [pose._replace(**{axis: getattr(pose, axis) * share for axis in AXES}) for pose in poses]


def filming(
    motifs: Sequence[Motif], poses: Sequence[Pose], size: tuple[int, int], fps: float, shutter: float
) -> Filming:
    """Return the shots of the motifs for a path, which gets shorter if it would break the shapes of a photograph.

    `size` is the frame's width and height in pixels, `shutter` the exposure time in frames.
    """
    shots, all_kept = [], []
    for motif in motifs:
        if motif.subject is None:
            shots.append(
                Shot(
                    motif.picture, motif.nearness, *size, fps, motif.focal_point, shutter, motif.scenery,
                    focus=_focus(motif),
                )
            )  # fmt: skip
        else:
            staging = Staging(motif, motif.subject, poses, size, fps)
            shots.append(staging.shot(shutter))
            all_kept.append(staging.kept)
    kept = reduce(Kept.and_, all_kept) if all_kept else None
    return Filming(shots, weaker(poses, kept.path if kept else 1.0), kept)


def _focus(motif: Motif) -> tuple[float, float]:
    """Return two disparities, between which a pose chooses its focus. The second is the subject's.

    The first is the background's. It is the foreground's, 1, if the subject is a part of the background.
    """
    rows, columns = motif.nearness.shape
    x, y = motif.focal_point
    near = float(motif.nearness[min(int(y * rows), rows - 1), min(int(x * columns), columns - 1)])
    far = float(np.quantile(motif.nearness, 0.02))
    return (far if near - far > _RACK else 1.0), near


def photograph_metadata(first: Motif, kept: Kept) -> PhotographMetadata:
    """Return the metadata of a film that keeps `kept`. `first` is its first picture."""
    metadata = PhotographMetadata(
        shapeScore=round(kept.shape.score, 3),
        pathKept=round(kept.path, 3),
        reliefKept=round(kept.relief, 3),
        subjectCutOut=kept.layer,
    )
    if first.subject:
        metadata["subject"] = (
            "face" if first.subject.faces else "object" if first.subject.matte is not None else "point"
        )
    return metadata


class Staging:
    """A photograph for one camera path. `kept` is what the path keeps; `shot` shows it along `weaker(poses, path)`."""

    def __init__(
        self, photograph: Motif, subject: PictureSubject, poses: Sequence[Pose], size: tuple[int, int], fps: float
    ):
        """Choose the relief and the path. `size` is the frame's width and height in pixels.

        The relief of a depth model is not a guess. It stays, and the path gets shorter if shapes would break.
        """
        self._of, self._subject, self._size, self._fps = photograph, subject, size, fps
        self._layer = photograph.guessed and subject.decisive
        self._lines = straight_lines(photograph.picture)
        if self._layer and subject.matte is not None and len(self._lines):  # the subject's own lines keep their shape
            self._lines = self._lines[_sampled(subject.matte, *along(self._lines)).mean(axis=1) < _OWN]
        self._ground = not photograph.guessed or ground_is_certain(photograph.picture)
        held = _held(photograph.nearness, subject) if photograph.guessed and _holds(poses) else _MIDDLE
        self._anchor = max(held, _MIDDLE)  # the guess at the disparity `_MIDDLE`
        relief, path = 1.0 if not photograph.guessed else _GROUND if self._ground and not self._layer else _FLAT, 1.0
        relief = min(relief, _MIDDLE / self._anchor)
        every = -(-len(poses) // _MOMENTS)
        self._step = self._separation(poses[::every]) if self._layer else 0.0
        for left in reversed(range(_TRIES)):
            moments = weaker(poses[::every], path)
            self._layout = self._laid_out(relief)
            shape = self._shape(moments)
            excess = max(
                shape.lean_degrees / _MAX_LEAN_DEGREES, shape.bow / _MAX_BOW, (1 - shape.score) / (1 - _MIN_SCORE)
            )
            if excess <= 1 or not left:
                break
            if photograph.guessed and relief > _LEAST:
                relief = max(0.95 * relief / excess, _LEAST)
            else:
                path *= 0.95 / excess
        self.kept = Kept(shape, relief, path, self._layer)

    def shot(self, shutter: float) -> Shot:
        """Return the shot. Its scenery is the filled photograph, and the subject as a flat, if that is cut out."""
        scenery = None
        if self._layer and self._subject.matte is not None:
            plate, flat = cut(self._of.picture, self._subject.matte, self._layout.subject)
            scenery = Scenery(plate, self._layout.behind, (flat,))
        return self._shot(shutter, scenery)

    def _shot(self, shutter: float, scenery: Scenery | None = None) -> Shot:
        far = float(np.quantile(self._layout.nearness, 0.02))
        known = self._subject.matte is not None
        focus = (min(far, self._layout.subject), self._layout.subject) if known else (0.0, 1.0)
        return Shot(
            self._of.picture, self._layout.nearness, *self._size, self._fps, self._subject.focal_point, shutter,
            scenery, self._subject.kept, focus,
        )  # fmt: skip

    def _laid_out(self, relief: float) -> _Layout:
        guess, matte = self._of.nearness, self._subject.matte
        if matte is None or (self._ground and self._of.guessed and not self._layer):
            flat = as_floats(np.clip(_MIDDLE + np.float32(relief) * (guess - np.float32(self._anchor)), 0, 1))
            return _Layout(flat, flat, _MIDDLE)
        own = as_floats(cv2.resize(matte, guess.shape[::-1], interpolation=cv2.INTER_AREA))
        side = max(guess.shape) * _LOCK
        wide = as_floats(
            cv2.GaussianBlur(
                cv2.dilate(
                    own, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(side) + 1, 2 * round(side) + 1))
                ),
                (0, 0),
                side / 2,
            )
        )
        if not self._layer:
            mean = float((guess * own).sum() / own.sum())
            held = as_floats(guess + wide * (np.float32(mean) - guess))
            flat = as_floats(
                np.clip(
                    np.float32(_MIDDLE if relief < 1 else mean) + np.float32(relief) * (held - np.float32(mean)), 0, 1
                )
            )
            return _Layout(flat, flat, _MIDDLE if relief < 1 else mean)
        behind = without(guess, own)
        ring = wide * (1 - own)
        around = float((behind * ring).sum() / max(float(ring.sum()), 1e-6))
        plate = as_floats(
            np.clip(np.float32(_MIDDLE - self._step) + np.float32(relief) * (behind - np.float32(around)), 0, 1)
        )
        return _Layout(as_floats(np.where(own > 0.5, np.float32(_MIDDLE), plate)), plate, _MIDDLE)

    def _separation(self, poses: Sequence[Pose]) -> float:
        """Return the disparity between the subject and what is behind it, so that no gap is wider than `_GAP`.

        A gap before fine texture is narrower, because the fill is soft and shows there.
        A gap opens where the background moves away from the subject's outline. A camera that only moves forward opens
        none: the subject grows over the background.
        """
        flat = as_floats(np.full((2, 2), _MIDDLE, np.float32))
        shot = Shot(self._of.picture, flat, *self._size, self._fps, self._subject.focal_point, kept=self._subject.kept)
        views = shot.look(poses)
        x, y = _around_matte(cast(Floats, self._subject.matte))
        own, plate = (
            _features(shot, x, y, as_floats(np.full((2, 2), at, np.float32))) for at in (_MIDDLE, _MIDDLE - _STEP)
        )
        normal = _outwards(own.x + 1j * own.y)
        inside = (np.abs(x - 0.5) < _INSIDE) & (np.abs(y - 0.5) < _INSIDE)
        width = 2 * (self._size[0] / self._size[1]) ** 0.5
        widest = 1e-6
        for each in views:
            here, there = (
                right + 1j * under for right, under in (project(each, shot.cover, *at) for at in (own, plate))
            )
            seen = inside & (np.abs(here.real) < width / 2) & (np.abs(here.imag) < 2 / width)
            widest = max(widest, float((((there - here) * np.conj(normal)).real * seen).max()))
        rough = texture_beside(self._of.picture, cast(Floats, self._subject.matte))
        return float(min(_STEP, _STEP * _GAP * min(1, _CALM / max(rough, 1e-6)) * width / widest))

    def _shape(self, poses: Sequence[Pose]) -> Shape:
        shot = self._shot(0)
        subject = None if self._layer else self._subject  # a flat has one distance, and so keeps its shape
        return shape_on(shot, poses, self._lines, self._layout.behind, subject, upright_only=self._ground)


def _held(nearness: Floats, subject: PictureSubject) -> float:
    """Return the disparity whose size a dolly zoom holds: that of the object, or of the foreground without one."""
    if subject.matte is None:
        return float(np.quantile(nearness, 0.98))
    own = as_floats(cv2.resize(subject.matte, nearness.shape[::-1], interpolation=cv2.INTER_AREA))
    return float(np.average(nearness, weights=own))


def _holds(poses: Sequence[Pose]) -> bool:
    """Return whether the path is a dolly zoom: the camera moves forward or back, and the subject keeps its size.

    Without an object as the subject, the foreground is held, and the world behind it falls away.
    """
    views = [view(pose) for pose in poses]
    sizes = [each.focal / (1 - each.forward * inverse_distance(_MIDDLE)) for each in views]
    zooms = [each.focal for each in views]
    return max(sizes) < _HELD * min(sizes) and max(zooms) > _HELD * min(zooms)


def shape_on(
    shot: Shot,
    poses: Sequence[Pose],
    lines: Floats,
    nearness: Floats,
    subject: PictureSubject | None,
    *,
    upright_only: bool,
) -> Shape:
    """Measure the lines of a photograph, the outline of its subject, and its faces, on a path.

    `lines` are those of `straight_lines`, `nearness` is the disparity of the photograph. With `upright_only`, other
    lines may lean: they may lie on the ground.
    """
    views = shot.look(poses)
    shape = Shape()
    if len(lines):
        features = _features(shot, *along(lines), nearness)
        shape = of_lines(features, upright(features) | (not upright_only), views, shot.cover)
    for x, y in _outlines(subject) if subject else ():
        shape = shape.worst(of_outlines(_features(shot, x, y, nearness), views, shot.cover))
    return shape


def _features(shot: Shot, x: Floats, y: Floats, nearness: Floats) -> Features:
    """Return points, given in fractions of the picture, as features on a map of disparity."""
    d = inverse(_sampled(nearness, x, y))
    half_width, half_height = shot.half_size()
    return Features(as_floats((2 * x - 1) * half_width), as_floats((2 * y - 1) * half_height), d)


def _sampled(values: Floats, x: Floats, y: Floats) -> Floats:
    """Return the values of a map at points, which are in fractions of its width and height."""
    rows, columns = values.shape
    at = as_floats(x * columns - np.float32(0.5)), as_floats(y * rows - np.float32(0.5))
    return as_floats(cv2.remap(values, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _outlines(subject: PictureSubject) -> list[tuple[Floats, Floats]]:
    """Return points around each face and around the matte: 1 x points each."""
    own = [_around_matte(subject.matte)] if subject.matte is not None else []
    return [*own, *(_ellipse(face) for face in subject.faces)]


def _ellipse(box: Box) -> tuple[Floats, Floats]:
    """Return points around a box, 1 x points."""
    turn = np.linspace(0, tau, _OUTLINE, endpoint=False, dtype=np.float32)[None]
    left, top, right, bottom = box
    x = (left + right) / 2 + (right - left) / 2 * np.cos(turn)
    return as_floats(x), as_floats((top + bottom) / 2 + (bottom - top) / 2 * np.sin(turn))


def _outwards(outline: Positions) -> Positions:
    """Return the unit normals of a closed outline (1 x points), away from what it encloses."""
    along = np.roll(outline, -1, axis=1) - np.roll(outline, 1, axis=1)
    area = (np.conj(outline) * np.roll(outline, -1, axis=1)).imag.sum()
    return np.asarray(along / np.maximum(np.abs(along), 1e-9) * (-1j if area > 0 else 1j), np.complex128)


def _around_matte(matte: Floats) -> tuple[Floats, Floats]:
    """Return points on the longest outline of a matte, 1 x points."""
    contours, _ = cv2.findContours((matte > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(contours, key=len)[:, 0]
    points = longest[:: -(-len(longest) // _OUTLINE)].T[:, None] + np.float32(0.5)
    return as_floats(points[0] / matte.shape[1]), as_floats(points[1] / matte.shape[0])
