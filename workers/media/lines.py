"""The straight lines of a picture, by LSD (Grompone von Gioi et al. 2010)."""

import cv2
import numpy as np

from workers.media.planes import Bytes, Floats, as_bytes, as_floats

_SIDE = 640  # long side in pixels at which lines are detected


def straight_lines(picture: Bytes, shortest: float = 0.12, most: int = 40) -> Floats:
    """Return the longest straight lines of a picture: lines x 4, both ends as fractions of width and height.

    `shortest` is the minimum length of a line, as a fraction of the picture's short side.
    """
    height, width = picture.shape[:2]
    scale = _SIDE / max(height, width)
    size = (max(round(width * scale), 16), max(round(height * scale), 16))
    grey = cv2.cvtColor(as_bytes(cv2.resize(picture, size, interpolation=cv2.INTER_AREA)), cv2.COLOR_RGB2GRAY)
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    lines = np.empty((0, 4), np.float32) if found is None else np.asarray(found, np.float32).reshape(-1, 4)
    lengths = np.hypot(lines[:, 2] - lines[:, 0], lines[:, 3] - lines[:, 1])
    longest = np.argsort(-lengths)[:most]
    longest = longest[lengths[longest] >= shortest * min(size)]
    return as_floats(lines[longest] / np.array([*size, *size], np.float32))
