"""The crop of a long picture to the part that a camera can show; the rest need not be scaled and decomposed."""

import numpy as np

from workers.media.planes import Bytes, Floats, as_bytes, as_floats

_MAX_FRAMES = 3.0  # maximum length of the crop, in frames: moves stay within one frame of the focal point

Point = tuple[float, float]


class Window:
    """The part of a picture around its focal point, at most three frames long; usually the whole picture."""

    def __init__(self, width: int, height: int, frame: tuple[int, int], focal_point: Point) -> None:
        """Choose the crop. Sizes are in pixels, the focal point in fractions of the picture's width and height."""
        self.size = (width, height)
        unit = min(width / frame[0], height / frame[1])  # the frame is the largest that fits into the picture
        wide, high = (
            min(whole, max(1, round(_MAX_FRAMES * unit * side))) for whole, side in zip(self.size, frame, strict=True)
        )
        self.left, self.top = (
            min(max(round(at * whole - part / 2), 0), whole - part)
            for at, whole, part in zip(focal_point, self.size, (wide, high), strict=True)
        )
        self.wide, self.high = wide, high
        self.focal_point = (focal_point[0] * width - self.left) / wide, (focal_point[1] * height - self.top) / high

    @property
    def whole(self) -> bool:
        return (self.wide, self.high) == self.size

    def of(self, picture: Bytes) -> Bytes:
        """Crop the picture (height x width x 3) to the window."""
        rows, columns = self._place(picture.shape[0], picture.shape[1])
        return as_bytes(np.ascontiguousarray(picture[rows, columns]))

    def of_map(self, nearness: Floats) -> Floats:
        """Crop a map of the picture, of any size, to the same part."""
        rows, columns = self._place(nearness.shape[0], nearness.shape[1])
        return as_floats(np.ascontiguousarray(nearness[rows, columns]))

    def _place(self, rows: int, columns: int) -> tuple[slice, slice]:
        down, across = rows / self.size[1], columns / self.size[0]
        top, left = min(round(self.top * down), rows - 1), min(round(self.left * across), columns - 1)
        return (
            slice(top, max(top + 1, round((self.top + self.high) * down))),
            slice(left, max(left + 1, round((self.left + self.wide) * across))),
        )
