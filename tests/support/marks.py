"""A check of media for frames that are larger than a preview and have no watermark."""

from collections.abc import Iterator
from pathlib import Path

import av
from PIL import Image

from workers.media import overlays
from workers.media.planes import Bytes, as_bytes
from workers.media.previews import MOST_SIDE


def is_marked(rgb: Bytes) -> bool:
    """Return whether the letters of the mark are lighter than the picture around them, which must not be white."""
    high, wide = rgb.shape[:2]
    mark = overlays.watermark("bottom-right", wide, high, (0, 0))
    rows, columns = mark.ink.shape
    corner = rgb[mark.top : mark.top + rows, mark.left : mark.left + columns].mean(axis=2)
    return bool(corner[mark.cover > 0.7].mean() > corner[mark.cover < 0.02].mean() + 40)


def frames(path: Path) -> Iterator[Bytes]:
    """Yield the frames of a clip, or the picture."""
    if path.suffix == ".mp4":
        with av.open(path) as container:
            for frame in container.decode(video=0):
                yield as_bytes(frame.to_ndarray(format="rgb24"))
    else:
        with Image.open(path) as picture:
            yield as_bytes(picture.convert("RGB"))


def shows_unmarked(path: Path) -> bool:
    """Return whether a frame is larger than a preview and has no mark."""
    return any(max(frame.shape[:2]) > MOST_SIDE and not is_marked(frame) for frame in frames(path))
