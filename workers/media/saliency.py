"""The salient point of a picture, estimated from the picture alone. Zooms are centred on it."""

import cv2
import numpy as np

from workers.media.planes import Bytes, Floats, as_bytes, as_floats

_SIDE = 160  # long side in pixels at which the picture is analysed


def salient_point(rgb: Bytes, nearness: Floats) -> tuple[float, float]:
    """Return x and y of the most salient point, as fractions of width and height, or the middle if nothing is salient.

    `rgb` is height x width x 3; `nearness` is disparity 0..1 of any size. Saliency is the distance of a colour from the
    picture's mean (frequency-tuned saliency, Achanta et al. 2009) and sharp detail, both weighted by nearness and by
    the distance from the middle. The result is the maximum after a blur over about an eighth of the picture's width.
    """
    height, width = rgb.shape[:2]
    scale = _SIDE / max(height, width)
    size = (max(round(width * scale), 8), max(round(height * scale), 8))
    lab = as_floats(
        cv2.cvtColor(
            as_bytes(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)).astype(np.float32) / np.float32(255),
            cv2.COLOR_RGB2LAB,
        )
    )
    unlike = np.linalg.norm(cv2.GaussianBlur(lab, (0, 0), 1.5) - lab.mean(axis=(0, 1)), axis=2).astype(np.float32)
    light = lab[..., 0]
    detail = as_floats(cv2.GaussianBlur(np.abs(cv2.Laplacian(light, cv2.CV_32F)), (0, 0), 2))
    near = as_floats(cv2.resize(nearness, size, interpolation=cv2.INTER_AREA))
    x = np.linspace(-1, 1, size[0], dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    central = np.exp(-(x**2) / 0.5 - (y**2) / 0.4)
    drawn = (_even(unlike) + 0.6 * _even(detail)) * (0.35 + near * (1 - near**4)) * central
    crowd = as_floats(cv2.GaussianBlur(drawn.astype(np.float32), (0, 0), size[0] / 16))
    if float(crowd.max()) < 1e-3:
        return 0.5, 0.5
    row, column = np.unravel_index(int(crowd.argmax()), crowd.shape)
    return (float(column) + 0.5) / size[0], (float(row) + 0.5) / size[1]


def _even(values: Floats) -> Floats:
    """Scale the values so that the highest is 1. Return zeros if the highest is at most 0.5."""
    strongest = float(values.max())
    return as_floats(values / np.float32(strongest)) if strongest > 0.5 else np.zeros_like(values)
