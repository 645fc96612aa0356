"""Decomposition of a picture for a moving camera: a front layer, and an inpainted layer behind near objects."""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from workers.media.planes import Bytes, Floats, as_bytes, as_floats

Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]

_RIM = 2.0  # width beside an object into which its colours may have bled, in map pixels
_PASSES = 2  # passes: one for the objects in front, one for objects behind them that overlap
_SOURCE_WIDTH = 4.0  # width beside a foot that later passes keep as the source of the inpainting, in map pixels
_SEAM = 2.0  # standard deviation of the blur that hides seams of the inpainting, in map pixels
_INWARDS = 2.5  # distance from a rim to pixels with the object's own colour, in map pixels
_SAME_COLOUR = 24.0  # maximum distance of two colours between which a halo is invisible, in levels of 0..255
_SOLID = 0.9  # coverage from which a pixel counts as the object's own texture


class Layers(NamedTuple):
    """The layers of a picture. In `back`, the background behind the edges of near objects is inpainted.

    `own` is the front with the rims of near objects in the objects' own colours, and `cover` is the coverage of each
    pixel. Composited over `back` they give `front`. Over another background they have no halo of the old background.
    """

    front: Bytes  # height x width x 3
    back: Bytes | None  # as `front`; None if the picture has no occluding edges
    own: Bytes  # as `front`
    cover: Bytes  # height x width, 255 except at rims
    front_depth: Floats  # inverse distance, on the coarser map
    back_depth: Floats  # as `front_depth`
    things: Mask  # on the map: the pixels of objects that stand before something else
    cliff: float  # minimum step of inverse distance, within a few pixels of the map, that is an object's edge


def decompose(picture: Bytes, depth: Floats, gap: float) -> Layers:
    """Return the layers of a picture for views that open gaps of at most `gap` map pixels.

    `depth` is a map of inverse distance of any size.
    """
    cliff = _cliff(depth)
    sharp = _sharpen(depth, cliff)
    front = back_depth = _grow_near(sharp)
    back, things = picture, np.zeros(front.shape, np.bool_)
    beside = things  # pixels beside a foot, which stay in `back` as the source of the inpainting
    for _ in range(_PASSES):
        foot_rows, foot_columns, distance = _nearest_foot(back_depth, cliff)
        floor = back_depth[foot_rows, foot_columns]
        standing = (back_depth - floor > cliff / 2) & ~things & ~beside
        hidden = standing & (distance < gap + 4)
        if not hidden.any():
            break
        back = _fill(back, back_depth, hidden, foot_rows, foot_columns)
        back_depth = np.where(hidden, floor, back_depth)
        things, beside = things | standing, beside | (distance < _SOURCE_WIDTH) & ~standing
    if back is picture:
        return Layers(picture, None, picture, _opaque(picture), front, back_depth, things, cliff)
    own, cover = _rims(picture, back, sharp, front, cliff)
    return Layers(picture, back, own, cover, front, back_depth, things, cliff)


def _cliff(depth: Floats) -> float:
    """Return the step of inverse distance within five pixels that is an edge, within 0.03..0.3.

    A slope that rises from 0 to 1 over a fifth of the picture's short side reaches exactly this step.
    """
    return float(min(max(5 / (0.2 * min(depth.shape)), 0.03), 0.3))


def _sharpen(depth: Floats, cliff: float) -> Floats:
    """Turn ramps between two surfaces, which come from scaling or estimation, into cliffs.

    Each point gets the depth of the surface that is closer to its own depth.
    """
    window = np.ones((5, 5), np.uint8)
    for _ in range(2):
        high, low = as_floats(cv2.dilate(depth, window)), as_floats(cv2.erode(depth, window))
        joined = np.where(high - depth < depth - low, high, low)
        depth = np.where(high - low > cliff, joined, depth).astype(np.float32)
    return depth


def _grow_near(depth: Floats) -> Floats:
    """Dilate near objects by one pixel, so that their blended rim moves with them."""
    return as_floats(cv2.dilate(depth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))))


def _nearest_foot(depth: Floats, cliff: float) -> tuple[Indices, Indices, Floats]:
    """Return for each pixel the row, the column and the distance of the closest pixel at the foot of a cliff.

    Without cliffs, the distances are infinite.
    """
    foot = as_floats(cv2.dilate(depth, np.ones((3, 3), np.uint8))) - depth > cliff
    if not foot.any():
        rows, columns = (np.asarray(index, np.intp) for index in np.indices(depth.shape))
        return rows, columns, as_floats(np.full(depth.shape, np.inf, np.float32))
    distance, labels = cv2.distanceTransformWithLabels(
        (~foot).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    feet = np.argwhere(foot)
    order = np.zeros(len(feet) + 1, np.intp)
    order[labels[foot]] = np.arange(len(feet))
    nearest = feet[order[labels]]
    return nearest[..., 0], nearest[..., 1], as_floats(distance)


def _fill(picture: Bytes, depth: Floats, hidden: Mask, foot_rows: Indices, foot_columns: Indices) -> Bytes:
    """Inpaint the hidden pixels by reflection at the foot of the cliff, which continues the texture behind the edge."""
    covered = cv2.dilate(hidden.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    rows, columns = np.nonzero(covered)
    feet = np.stack([foot_rows[rows, columns], foot_columns[rows, columns]])
    away = feet - np.stack([rows, columns])
    distance = np.maximum(np.hypot(*away), 1)
    ceiling = depth[feet[0], feet[1]] + _cliff(depth) / 2
    source, found = feet, np.zeros(rows.shape, np.bool_)
    for share in (0.0, 0.4, 1.0):
        mirrored = np.rint(feet + away * (share + _RIM / distance)).astype(np.intp)
        mirrored = np.clip(mirrored, 0, np.array(hidden.shape)[:, None] - 1)
        clear = depth[mirrored[0], mirrored[1]] < ceiling
        source, found = np.where(clear, mirrored, source), found | clear
    small = as_bytes(cv2.resize(picture, hidden.shape[::-1], interpolation=cv2.INTER_AREA))
    small[rows, columns] = small[source[0], source[1]]
    weight = np.zeros(hidden.shape, np.float32)
    weight[rows, columns] = found
    known = as_floats(cv2.GaussianBlur(weight, (0, 0), _SEAM))
    soft = as_floats(cv2.GaussianBlur(small * weight[..., None], (0, 0), _SEAM))  # hides seams between reflections
    small[rows, columns] = np.rint(diffused(soft, known)[rows, columns]).astype(np.uint8)
    full = (picture.shape[1], picture.shape[0])
    mask = as_floats(cv2.resize(covered.astype(np.float32), full))
    return as_bytes(cv2.blendLinear(as_bytes(cv2.resize(small, full)), picture, mask, 1 - mask))


def _rims(picture: Bytes, back: Bytes, sharp: Floats, grown: Floats, cliff: float) -> tuple[Bytes, Bytes]:
    """Return `own` and `cover` of the layers. `sharp` and `grown` are the depth map before and after `_grow_near`.

    At a rim the picture's colour is a mix of the object's own colour, which is found `_INWARDS` map pixels further in,
    and the background's.
    """
    cover = _opaque(picture)
    edge = cv2.erode(grown, np.ones((3, 3), np.uint8)) < grown - cliff
    rows, columns = np.nonzero(edge | (grown - sharp > cliff))
    smooth = cv2.GaussianBlur(grown, (0, 0), _INWARDS / 2)
    slope = np.stack([cv2.Scharr(smooth, cv2.CV_32F, *axis)[rows, columns] for axis in ((0, 1), (1, 0))])
    inwards = np.rint(_INWARDS * slope / np.maximum(np.hypot(*slope), 1e-6)).astype(np.intp)
    source = np.clip(np.stack([rows, columns]) + inwards, 0, np.array(grown.shape)[:, None] - 1)
    found = np.abs(grown[source[0], source[1]] - grown[rows, columns]) < cliff / 2
    small = as_bytes(cv2.resize(picture, grown.shape[::-1], interpolation=cv2.INTER_AREA))
    rim = np.zeros(grown.shape, np.uint8)
    rim[rows[found], columns[found]] = 1
    inner = small.copy()
    inner[rows[found], columns[found]] = small[source[0][found], source[1][found]]
    full = picture.shape[1::-1]
    at = np.nonzero(cv2.resize(rim, full, interpolation=cv2.INTER_NEAREST))
    thing, behind, seen = (
        plane[at].astype(np.float32)
        for plane in (cv2.resize(inner, full, interpolation=cv2.INTER_NEAREST), back, picture)
    )  # each has the shape samples x 3
    apart = thing - behind
    length = np.einsum("ij,ij->i", apart, apart)
    share = np.einsum("ij,ij->i", seen - behind, apart) / np.maximum(length, _SAME_COLOUR**2)
    mixed = (length > _SAME_COLOUR**2) & (share < _SOLID)
    at = at[0][mixed], at[1][mixed]
    own = picture.copy()
    own[at] = np.rint(thing[mixed]).astype(np.uint8)
    cover[at] = np.rint(255 * np.clip(share[mixed], 0, 1)).astype(np.uint8)
    return own, cover


def _opaque(picture: Bytes) -> Bytes:
    return np.full(picture.shape[:2], 255, np.uint8)


def diffused(colours: Floats, weight: Floats) -> Floats:
    """Fill colours where the weight is low from neighbours where it is high, by pull-push (Gortler et al. 1996).

    `colours` is height x width x 3, premultiplied by `weight` (height x width, 0..1).
    """
    if min(weight.shape) < 4:
        total = np.maximum(weight.sum(), np.float32(1e-6))
        wide = as_floats(np.broadcast_to(colours.sum(axis=(0, 1)) / total, colours.shape))
    else:
        gain = np.float32(4)  # a pixel of the next level has full weight if a quarter of it is known
        smaller = as_floats(cv2.pyrDown(weight)) * gain
        scale = np.minimum(smaller, 1) / np.maximum(smaller, np.float32(1e-6)) * gain
        level = diffused(as_floats(cv2.pyrDown(colours)) * scale[..., None], np.minimum(smaller, 1))
        wide = as_floats(cv2.resize(level, weight.shape[::-1], interpolation=cv2.INTER_LINEAR))
    return as_floats(colours + (1 - np.minimum(weight, 1))[..., None] * wide)
