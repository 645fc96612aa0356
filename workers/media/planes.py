"""Pictures in the encoder's format: planar YUV 4:2:0, limited range, BT.709, chroma sited at block centres."""

from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

# ITU-R BT.709-6: Kr = 0.2126, Kb = 0.0722; limited range puts Y in 16..235 and Cb, Cr in 16..240.
_KR, _KB = 0.2126, 0.0722
_KG = 1 - _KR - _KB
_TO_YUV = np.array(
    [
        [_KR * 219 / 255, _KG * 219 / 255, _KB * 219 / 255, 16],
        [-_KR / (1 - _KB) / 2 * 224 / 255, -_KG / (1 - _KB) / 2 * 224 / 255, 112 / 255, 128],
        [112 / 255, -_KG / (1 - _KR) / 2 * 224 / 255, -_KB / (1 - _KR) / 2 * 224 / 255, 128],
    ]
)
_INVERSE = np.linalg.inv(_TO_YUV[:, :3])
_TO_RGB = np.hstack([_INVERSE, -_INVERSE @ _TO_YUV[:, 3:]])


class Planes(NamedTuple):
    """One frame, uint8. `y` is height x width; `u` and `v` have half the height and half the width."""

    y: Bytes
    u: Bytes
    v: Bytes


def from_rgb(rgb: Bytes) -> Planes:
    """Return the planes of a height x width x 3 picture. Raise ValueError unless both sizes are even."""
    height, width = rgb.shape[:2]
    if height % 2 or width % 2:
        raise ValueError(f"4:2:0 needs even sizes, not {width}x{height}")
    yuv = as_bytes(cv2.transform(rgb, _TO_YUV))
    y, u, v = cv2.split(yuv)
    half = (width // 2, height // 2)
    return Planes(
        as_bytes(y),
        as_bytes(cv2.resize(u, half, interpolation=cv2.INTER_AREA)),
        as_bytes(cv2.resize(v, half, interpolation=cv2.INTER_AREA)),
    )


def to_rgb(planes: Planes) -> Bytes:
    """Return the planes as an RGB picture, height x width x 3."""
    height, width = planes.y.shape
    chroma = cv2.resize(cv2.merge([planes.u, planes.v]), (width, height), interpolation=cv2.INTER_LINEAR)
    return as_bytes(cv2.transform(cv2.merge([planes.y, chroma[..., 0], chroma[..., 1]]), _TO_RGB))


def as_bytes(array: Any) -> Bytes:
    """Return an array of OpenCV, which must be uint8, with its type."""
    return np.asarray(array, dtype=np.uint8)


def as_floats(array: Any) -> Floats:
    """Return an array of OpenCV, which must be float32, with its type."""
    return np.asarray(array, dtype=np.float32)
