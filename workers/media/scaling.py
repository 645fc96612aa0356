"""Scaling of frames to cover a size. The excess is cropped equally on both sides."""

from av.video.reformatter import Interpolation, VideoReformatter

from workers.media.codecs import frame_from, planes_from
from workers.media.planes import Planes


class Scale:
    """A scaler of frames to cover width x height pixels, both even."""

    def __init__(self, width: int, height: int) -> None:
        self._size = (width, height)
        self._scaler = VideoReformatter()

    def __call__(self, planes: Planes) -> Planes:
        planes = _covering(planes, *self._size)
        if planes.y.shape == self._size[::-1]:
            return planes
        width, height = self._size
        to_a_quarter = planes.y.size >= 4 * width * height
        # To a quarter of the pixels or less, area averaging is as good as Lanczos and six times as fast.
        filter_ = Interpolation.AREA if to_a_quarter else Interpolation.LANCZOS
        return planes_from(self._scaler.reformat(frame_from(planes), width, height, interpolation=filter_, threads=2))


def _covering(planes: Planes, width: int, height: int) -> Planes:
    """Return the largest centred part with the aspect ratio of width x height. Its size and position are even."""
    rows, columns = planes.y.shape
    if rows * width == columns * height:
        return planes
    wide = min(columns, round(rows * width / height / 2) * 2)
    high = min(rows, round(columns * height / width / 2) * 2)
    left, top = (columns - wide) // 4, (rows - high) // 4
    chroma = slice(top, top + high // 2), slice(left, left + wide // 2)
    y = planes.y[2 * top : 2 * top + high, 2 * left : 2 * left + wide]
    return Planes(y, planes.u[chroma], planes.v[chroma])
