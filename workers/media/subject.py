"""The subject of a picture: its faces, else the object that a trained matte marks, else its most salient point.

Without the models of `workers/media/models.py`, only the salient point is found.
"""

from typing import NamedTuple, Self

import cv2
import numpy as np

from workers.media import models
from workers.media.depth import guided
from workers.media.planes import Bytes, Floats, as_bytes, as_floats
from workers.media.saliency import salient_point

Box = tuple[float, float, float, float]  # left, top, right, bottom, as fractions of the picture's width and height

_MATTE_SIDE = 320  # side of the matte model's input, in pixels
_MEAN, _DEVIATION = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
_FACE_SIDE, _FACE_CELLS = 192, 48  # side of the face model's input in pixels, and of its grid of anchors
_FACE_OUTPUTS = ("reshaped_regressor_face_4", "reshaped_classifier_face_4")
_SURE_FACE = 0.6  # minimum probability of a face
_MAIN_FACE = 0.5  # minimum width of a further face, as a fraction of the widest face's width
_SEEN = 0.7  # minimum of the matte's maximum: below it, the model found no object
_UNSURE = 0.1, 0.9  # the matte between these values does not decide
_MOST_UNSURE, _MOST_UNSURE_SHARE = 0.06, 1.2  # maximum area that does not decide: of the picture, and of the object
_SMALLEST, _LARGEST = 0.015, 0.7  # area of a decisive matte, as a fraction of the picture
_MAIN_PIECE = 0.85  # minimum share of its largest piece in a decisive matte
_TALL = 2.0  # minimum ratio of the height of a tall object to its width
_EDGE_SIDE = 960  # maximum long side in pixels at which the matte's edge is refined


class PictureSubject(NamedTuple):
    """The subject: its box, its focal point, its matte, and whether the matte is clear enough to cut it out.

    `matte` is the coverage 0..1, with the picture's aspect ratio, or None without an object. `faces` are the boxes of
    the faces, from the hair to the chin. `kept` is the box that a film must keep in its frame, or None.
    """

    box: Box
    focal_point: tuple[float, float]
    matte: Floats | None = None
    decisive: bool = False
    faces: tuple[Box, ...] = ()

    @property
    def kept(self) -> Box | None:
        return _around(self.faces) if self.faces else self.box if self.matte is not None else None

    @classmethod
    def of(cls, picture: Bytes, nearness: Floats) -> Self:
        """Find the subject of a picture (RGB, height x width x 3). `nearness` is disparity 0..1 of any size."""
        faces = _faces(picture)
        coarse = _coarse(picture)
        matte = None if coarse is None else _refined(coarse, picture)
        box = _box(matte) if matte is not None else None
        if faces:
            left, top, right, bottom = _around(faces)
            point = (left + right) / 2, (top + bottom) / 2
        elif matte is not None:
            point = _middle(matte)
        else:
            point = salient_point(picture, nearness)
        point = min(max(point[0], 0.0), 1.0), min(max(point[1], 0.0), 1.0)
        own = box or (_around(faces) if faces else (*point, *point))
        return cls(own, point, matte, coarse is not None and _decides(coarse), faces)


def _coarse(picture: Bytes) -> Floats | None:
    """Return the matte of the most salient object, as U-2-Net (Qin et al. 2020) finds it; None without an object."""
    model = models.load("matte")
    if model is None:
        return None
    small = as_bytes(cv2.resize(picture, (_MATTE_SIDE, _MATTE_SIDE), interpolation=cv2.INTER_AREA))
    pixels = (small / np.float32(max(int(small.max()), 1)) - _MEAN) / _DEVIATION
    (found,) = model.run(np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32), ("1959",))
    return found[0, 0] if float(found.max()) >= _SEEN else None


def _refined(coarse: Floats, picture: Bytes) -> Floats:
    """Move the matte's edge to the picture's edge, by a guided filter (He et al. 2010)."""
    height, width = picture.shape[:2]
    scale = min(1.0, _EDGE_SIDE / max(height, width))
    size = (max(round(width * scale), 8), max(round(height * scale), 8))
    guide = cv2.cvtColor(as_bytes(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)), cv2.COLOR_RGB2GRAY)
    wide = as_floats(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))
    edge = guided(as_floats(guide / np.float32(255)), wide, max(max(size) // 80, 2), 1e-4)
    return as_floats(np.clip((edge - np.float32(0.05)) / np.float32(0.9), 0, 1))


def _decides(matte: Floats) -> bool:
    """Return whether the matte is clear enough to cut the subject out: few half-covered pixels, one main piece."""
    low, high = _UNSURE
    area, unsure = float((matte > 0.5).mean()), float(((matte > low) & (matte < high)).mean())
    if not _SMALLEST <= area <= _LARGEST or unsure > min(_MOST_UNSURE, _MOST_UNSURE_SHARE * area):
        return False
    return float(_main_piece(matte).sum()) >= _MAIN_PIECE * float((matte > 0.5).sum())


def _main_piece(matte: Floats) -> Bytes:
    """Return 1 in the largest connected piece of the matte above 0.5, 0 elsewhere."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats((matte > 0.5).astype(np.uint8))
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax()) if len(stats) > 1 else 0
    return as_bytes(labels == largest)


def _box(matte: Floats) -> Box:
    left, top, width, height = cv2.boundingRect(_main_piece(matte))
    rows, columns = matte.shape
    return left / columns, top / rows, (left + width) / columns, (top + height) / rows


def _middle(matte: Floats) -> tuple[float, float]:
    """Return the centre of the main piece, or its innermost point if the centre is outside.

    Of a tall object, it is the centre of the upper half: towers, trees and people are told apart by their top.
    """
    piece = _main_piece(matte)
    _, top, width, height = cv2.boundingRect(piece)
    if height > _TALL * width:
        piece[top + height // 2 :] = 0
    rows, columns = np.nonzero(piece)
    row, column = rows.mean(), columns.mean()
    if not piece[int(row), int(column)]:
        row, column = np.unravel_index(int(cv2.distanceTransform(piece, cv2.DIST_L2, 3).argmax()), piece.shape)
    return (float(column) + 0.5) / piece.shape[1], (float(row) + 0.5) / piece.shape[0]


def _faces(picture: Bytes) -> tuple[Box, ...]:
    """Return the boxes of the faces, the widest first, without faces much smaller than it.

    BlazeFace (Bazarevsky et al. 2019): each cell of a grid predicts one box, relative to its middle.
    """
    model = models.load("faces")
    if model is None:
        return ()
    height, width = picture.shape[:2]
    side = max(height, width)
    size = max(round(width * _FACE_SIDE / side), 1), max(round(height * _FACE_SIDE / side), 1)
    left, top = ((_FACE_SIDE - length) // 2 for length in size)
    square = np.zeros((_FACE_SIDE, _FACE_SIDE, 3), np.float32)
    square[top : top + size[1], left : left + size[0]] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    pixels = (square / np.float32(127.5) - 1).transpose(2, 0, 1)[None]
    boxes, scores = model.run(np.ascontiguousarray(pixels), _FACE_OUTPUTS)
    chances = 1 / (1 + np.exp(-np.clip(scores.ravel(), -50, 50)))
    found: list[Box] = []
    for index in np.argsort(-chances):
        if chances[index] < _SURE_FACE:
            break
        row, column = divmod(int(index), _FACE_CELLS)
        x, y, wide, high = (float(value) for value in boxes[0, index, :4])
        x, y = x + (column + 0.5) * _FACE_SIDE / _FACE_CELLS - left, y + (row + 0.5) * _FACE_SIDE / _FACE_CELLS - top
        box = _clipped(
            (x - wide / 2) / size[0], (y - 0.8 * high) / size[1], (x + wide / 2) / size[0], (y + 0.6 * high) / size[1]
        )
        if not any(_overlap(box, other) for other in found):
            found.append(box)
    found.sort(key=_width, reverse=True)
    return tuple(box for box in found if _width(box) >= _MAIN_FACE * _width(found[0]))


def _clipped(*sides: float) -> Box:
    left, top, right, bottom = (min(max(side, 0.0), 1.0) for side in sides)
    return left, top, right, bottom


def _width(box: Box) -> float:
    return box[2] - box[0]


def _overlap(one: Box, other: Box) -> bool:
    middle = (one[0] + one[2]) / 2, (one[1] + one[3]) / 2
    return other[0] < middle[0] < other[2] and other[1] < middle[1] < other[3]


def _around(boxes: tuple[Box, ...]) -> Box:
    """Return the smallest box that contains all boxes."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)
