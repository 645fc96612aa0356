"""The scenery of a picture from the layers into which a provider's model cut it.

The creator's picture stays what it is: where a layer is the nearest thing, its colours are those of the picture. The
model's colours show only behind nearer layers, and in soft edges.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from shared.stages.failures import StageFailure
from workers.media.planes import Bytes, Floats, as_bytes, as_floats
from workers.media.scenery import Flat, Scenery

_MOST = 16  # maximum number of layers; each one is drawn in each frame
_MOST_STRETCH = 0.03  # maximum difference of a layer's aspect ratio from the picture's
_MOST_DIFFERENCE = 30.0  # maximum mean difference of the composited layers from the picture, in levels of 255
_LEAST = 0.0005  # share of the picture below which a layer shows nothing
_OPAQUE = 0.95  # minimum mean coverage of the background
_ALONE = (0.9, 0.99)  # share of a pixel's colour that is the layer's: the model's colours below, the picture's above
_SEEN = 0.5  # share of a pixel's colour from which its disparity is the layer's
_STEP = 0.03  # minimum disparity between a layer and the one behind it
_FAR, _NEAR, _RELIEF = 0.15, 0.75, 0.3  # disparities of a picture whose depth is a guess: background, nearest, relief


def scenery_of(picture: Bytes, nearness: Floats, layers: Sequence[Path], *, measured: bool) -> Scenery:
    """Return the scenery of the layers, which are PNGs from the nearest one to the background.

    `nearness` is the picture's disparity. Unless it is `measured`, only the order of the layers decides their distance.
    Raise StageFailure `layers_unusable`.
    """
    if not 2 <= len(layers) <= _MOST:
        raise _unusable(f"{len(layers)} layers; 2 to {_MOST} can be used")
    read = [_layer(path, picture) for path in layers]
    covers = [as_floats(layer[..., 3] / np.float32(255)) for layer in read]
    if covers[-1].mean() < _OPAQUE:
        raise _unusable("the background has holes")
    covers[-1] = np.ones_like(covers[-1])
    shares = _shares(covers)
    whole = sum(share[..., None] * layer[..., :3] for share, layer in zip(shares, read, strict=True))
    if (difference := float(np.abs(whole - picture.astype(np.float32)).mean())) > _MOST_DIFFERENCE:
        raise _unusable(f"together they differ from the picture by {difference:.0f} levels of 255")
    for layer, share in zip(read, shares, strict=True):
        _restore(layer, picture, share)
    *objects, background = range(len(read))
    kept = [n for n in objects if covers[n].mean() >= _LEAST]
    if not kept:
        raise _unusable("no object is cut out")
    near = as_floats(cv2.resize(nearness, picture.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    backdrop = _behind(near, shares[background], measured=measured)
    flats: list[Flat] = []
    for number, n in enumerate(reversed(kept), start=1):  # from far to near
        if measured:
            seen = shares[n] if shares[n].sum() > 1 else covers[n]
            own = float(np.average(near, weights=seen))
            at = min(1.0, max(own, (flats[-1].nearness if flats else 0.0) + _STEP))
        else:
            at = _FAR + (_NEAR - _FAR) * number / len(kept)
        flats.append(_flat(read[n], at))
    return Scenery(np.ascontiguousarray(read[background][..., :3]), backdrop, tuple(flats))


def whole_nearness(scenery: Scenery) -> Floats:
    """Return the disparity of the composited picture."""
    near = scenery.nearness.copy()
    for flat in scenery.flats:
        rows, columns = flat.rgba.shape[:2]
        place = near[flat.top : flat.top + rows, flat.left : flat.left + columns]
        place[flat.rgba[..., 3] > 255 * _SEEN] = flat.nearness
    return near


def _layer(path: Path, picture: Bytes) -> Bytes:
    """Read a layer as RGBA, in the picture's size."""
    read = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if read is None or read.dtype != np.uint8 or read.ndim != 3:
        raise _unusable("a layer is not a colour picture of 8 bits")
    rgba = cv2.cvtColor(read, cv2.COLOR_BGRA2RGBA if read.shape[2] == 4 else cv2.COLOR_BGR2RGBA)
    height, width = picture.shape[:2]
    stretch = (rgba.shape[1] / rgba.shape[0]) / (width / height)
    if abs(stretch - 1) > _MOST_STRETCH:
        raise _unusable(f"a layer of {rgba.shape[1]} x {rgba.shape[0]} pixels has another shape than the picture")
    way = cv2.INTER_AREA if width < rgba.shape[1] else cv2.INTER_CUBIC
    return as_bytes(cv2.resize(rgba, (width, height), interpolation=way))


def _shares(covers: Sequence[Floats]) -> list[Floats]:
    """Return the share of each layer in the colour of each pixel, from the nearest layer to the background."""
    left, shares = np.ones_like(covers[0]), []
    for cover in covers:
        shares.append(as_floats(left * cover))
        left = left * (1 - cover)
    return shares


def _restore(layer: Bytes, picture: Bytes, share: Floats) -> None:
    """Give the layer the colours of the picture where the picture shows the layer alone."""
    low, high = _ALONE
    own = as_floats(np.clip((share - low) / (high - low), 0, 1))
    layer[..., :3] = cv2.blendLinear(picture, np.ascontiguousarray(layer[..., :3]), own, 1 - own)


def _behind(near: Floats, seen: Floats, *, measured: bool) -> Floats:
    """Return the disparity of the background, continued behind the objects. A guess is flattened."""
    known = (seen > _SEEN).astype(np.float32)
    side = max(near.shape) / 8
    weight = cv2.GaussianBlur(known, (0, 0), side)
    around = cv2.GaussianBlur(near * known, (0, 0), side) / np.maximum(weight, np.float32(1e-3))
    soft = as_floats(cv2.GaussianBlur(known, (0, 0), side / 16) * known)
    behind = as_floats(around + soft * (near - around))
    if measured:
        return as_floats(np.clip(behind, 0, 1))
    middle = float((behind * known).sum() / max(float(known.sum()), 1.0))
    return as_floats(np.clip(np.float32(_FAR) + np.float32(_RELIEF) * (behind - np.float32(middle)), 0, 1))


def _flat(rgba: Bytes, nearness: float) -> Flat:
    left, top, wide, high = cv2.boundingRect(rgba[..., 3])
    return Flat(left, top, as_bytes(np.ascontiguousarray(rgba[top : top + high, left : left + wide])), nearness)


def _unusable(why: str) -> StageFailure:
    return StageFailure(
        "layers_unusable",
        f"The provider's layers of the picture cannot be used: {why}. The engine parallax needs none.",
    )
