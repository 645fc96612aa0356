"""What a picture is about, guessed from the picture alone: the point that a zoom should lead to."""

import cv2
import numpy as np

from workers.media.planes import Bytes, Floats, as_bytes, as_floats

_SIDE = 160  # the long side at which the picture is judged


def salient_point(rgb: Bytes, nearness: Floats) -> tuple[float, float]:
    """x and y, fractions of width and height, of what draws the eye; the middle if nothing does.

    `rgb` is height x width x 3, `nearness` 0..1 of any size. Colours unlike the rest of the picture count (frequency-
    tuned saliency, Achanta et al. 2009), as do sharp detail and nearness; what stands near the middle, or above it on a
    third, counts more. The answer is the densest place about an eighth of the picture wide.
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
    """Scaled so that the strongest is 1; all 0 where nothing stands out."""
    strongest = float(values.max())
    return as_floats(values / np.float32(strongest)) if strongest > 0.5 else np.zeros_like(values)
