"""A photograph in two parts: its subject as a flat, over the same photograph with the subject's place filled."""

import cv2
import numpy as np

from workers.media.planes import Bytes, Floats, as_bytes, as_floats
from workers.media.scenery import Flat
from workers.renderer.layers import diffused

_FINE = 4.0  # standard deviation, in pixels of the filled place, below which texture is fine
_FILL_SIDE = 960  # long side in pixels of the filled place
_SPILL = 0.007  # width beside the subject that may show its colours, as a fraction of the long side
_MOST_GRAIN = 14  # maximum difference of the fill's fine texture from its soft colours, in levels of 255
_GRAINY = 0.03  # width beside the visible picture that has fine texture, as a fraction of the long side
_BESIDE_SIDE = 480  # width in pixels at which the texture beside the subject is measured
_CLEAR = 0.03  # coverage up to which the picture shows only the background
_FAINT = 0.15  # coverage below which a pixel's own colour cannot be calculated


def cut(picture: Bytes, matte: Floats, nearness: float) -> tuple[Bytes, Flat]:
    """Return the picture without its subject, and the subject as a flat at one disparity.

    `matte` is the coverage 0..1 of any size. In the original view, both together give the picture.
    """
    height, width = picture.shape[:2]
    whole = as_floats(np.clip(cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR), 0, 1))
    whole[whole < _CLEAR] = 0
    plate = _filled(picture, whole)
    left, top, wide, high = cv2.boundingRect((whole > 0).astype(np.uint8))
    place = np.s_[top : top + high, left : left + wide]
    cover, own = whole[place], picture[place].copy()
    edge = np.nonzero((cover > 0) & (cover < 1))
    share = np.maximum(cover[edge], np.float32(_FAINT))[:, None]
    mixed, behind = (part[edge].astype(np.float32) for part in (picture[place], plate[place]))
    own[edge] = np.clip(np.rint((mixed - (1 - share) * behind) / share), 0, 255).astype(np.uint8)
    rgba = np.dstack([own, np.rint(cover * 255).astype(np.uint8)])
    return plate, Flat(left, top, as_bytes(np.ascontiguousarray(rgba)), nearness)


def without(values: Floats, matte: Floats) -> Floats:
    """Return a map (height x width) in which the subject's place continues the values around it."""
    known = 1 - _spread(as_floats(cv2.resize(matte, values.shape[::-1], interpolation=cv2.INTER_AREA)))
    three = as_floats((values * known)[..., None].repeat(3, axis=2))
    return as_floats(np.ascontiguousarray(diffused(three, known)[..., 0]))


def texture_beside(picture: Bytes, matte: Floats) -> float:
    """Return the mean fine texture of the picture beside the subject, in levels of 255."""
    size = (_BESIDE_SIDE, max(round(_BESIDE_SIDE * picture.shape[0] / picture.shape[1]), 8))
    hidden = (_spread(as_floats(cv2.resize(matte, size, interpolation=cv2.INTER_AREA))) > 0).astype(np.uint8)
    grey = cv2.cvtColor(as_bytes(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)), cv2.COLOR_RGB2GRAY)
    visible = 1 - hidden.astype(np.float32)
    share = np.maximum(cv2.GaussianBlur(visible, (0, 0), _FINE), np.float32(1e-3))
    fine = np.abs(grey - cv2.GaussianBlur(grey * visible, (0, 0), _FINE) / share)
    wide = 2 * round(_GRAINY * _BESIDE_SIDE) + 1
    beside = (cv2.dilate(hidden, np.ones((wide, wide), np.uint8)) > 0) & (hidden == 0)
    return float(fine[beside].mean()) if beside.any() else 0.0


def _filled(picture: Bytes, matte: Floats) -> Bytes:
    """Fill the subject's place from the colours around it, by pull-push: soft, and without copies of other objects."""
    height, width = matte.shape
    scale = min(1.0, _FILL_SIDE / max(height, width))
    size = (max(round(width * scale), 8), max(round(height * scale), 8))
    hidden = _spread(as_floats(cv2.resize(matte, size, interpolation=cv2.INTER_AREA)))
    small = as_bytes(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    known = 1 - hidden
    fill = diffused(as_floats(small * known[..., None]), known)
    soft = as_bytes(np.clip(np.rint(fill + _grain(small, hidden)), 0, 255).astype(np.uint8))
    mask = as_floats(cv2.resize(hidden, (width, height), interpolation=cv2.INTER_LINEAR))
    return as_bytes(
        cv2.blendLinear(
            as_bytes(cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)), picture, mask, 1 - mask
        )
    )


def _grain(picture: Bytes, hidden: Floats) -> Floats:
    """Return the fine texture of hidden pixels: that of the pixel mirrored at the nearest visible one, if visible.

    It is faint, so that mirrored edges do not show as objects, and it fades with the distance from the visible picture.
    """
    fine = picture - as_floats(cv2.GaussianBlur(picture.astype(np.float32), (0, 0), _FINE))
    covered = (hidden > 0).astype(np.uint8)
    apart, labels = cv2.distanceTransformWithLabels(
        covered, cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    visible = np.argwhere(covered == 0)
    if not len(visible):
        return np.zeros_like(fine)
    nearest = np.zeros((len(visible) + 1, 2), np.intp)
    nearest[labels[covered == 0]] = visible
    here = np.argwhere(covered)
    there = np.clip(2 * nearest[labels[covered > 0]] - here, 0, np.array(covered.shape) - 1)
    grain = np.zeros_like(fine)
    shown = (covered[there[:, 0], there[:, 1]] == 0) * np.clip(
        1 - apart[covered > 0] / (_GRAINY * max(covered.shape)), 0, 1
    )
    mirrored = np.clip(fine[there[:, 0], there[:, 1]], -_MOST_GRAIN, _MOST_GRAIN)
    grain[here[:, 0], here[:, 1]] = mirrored * shown[:, None]
    return grain


def _spread(matte: Floats) -> Floats:
    """Return 1 at the subject and just beside it, 0 elsewhere, with a soft edge outside."""
    reach = max(round(_SPILL * max(matte.shape)), 2)
    around = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    wide = as_floats(cv2.dilate((matte > _CLEAR).astype(np.float32), around))
    return as_floats(cv2.GaussianBlur(wide, (0, 0), reach / 2))
