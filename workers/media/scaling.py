"""Frames made to fit: scaled to cover a size, what is too much cut off evenly."""

from av.video.reformatter import Interpolation, VideoReformatter

from workers.media.codecs import frame_from, planes_from
from workers.media.planes import Planes


class Scale:
    """Scales frames to cover width x height (even): by a Lanczos filter, or by areas where they become a quarter."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._scaler = VideoReformatter()

    def __call__(self, planes: Planes) -> Planes:
        planes = _covering(planes, *self._size)
        if planes.y.shape == self._size[::-1]:
            return planes
        width, height = self._size
        much = planes.y.size >= 4 * width * height
        how = Interpolation.AREA if much else Interpolation.LANCZOS  # for that much as good, and six times as fast
        return planes_from(self._scaler.reformat(frame_from(planes), width, height, interpolation=how, threads=2))


def _covering(planes: Planes, width: int, height: int) -> Planes:
    """The largest middle part with the aspect ratio of width x height, even in size and place."""
    rows, columns = planes.y.shape
    if rows * width == columns * height:
        return planes
    wide = min(columns, round(rows * width / height / 2) * 2)
    high = min(rows, round(columns * height / width / 2) * 2)
    left, top = (columns - wide) // 4, (rows - high) // 4
    chroma = slice(top, top + high // 2), slice(left, left + wide // 2)
    y = planes.y[2 * top : 2 * top + high, 2 * left : 2 * left + wide]
    return Planes(y, planes.u[chroma], planes.v[chroma])
