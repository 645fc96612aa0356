"""Small previews, marked as the FREE plan's films are: of frames while a step runs, and of a step's result."""

from fractions import Fraction
from functools import lru_cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from workers.media import overlays, pictures
from workers.media.codecs import ClipWriter, Encoding, evenly, read_timed
from workers.media.overlays import Overlay
from workers.media.planes import Bytes, Planes, as_bytes, from_rgb, to_rgb
from workers.media.probe import probe
from workers.media.scaling import Scale

WIDTH = 320  # width of the preview of a frame, in pixels
MOST_SIDE = 480  # maximum width and height of any preview, in pixels
QUALITY = 78
_SECONDS, _FPS = 3, Fraction(12)  # maximum length and frame rate of a moving preview
_ENCODING = Encoding(preset="veryfast", crf=28, keyframe_seconds=_SECONDS, movflags="+faststart")


def small_jpeg(planes: Planes) -> bytes:
    """Return the frame as a marked JPEG, 320 pixels wide. It has about 10 KB and takes about 1 ms."""
    height, width = planes.y.shape
    wide, high = _size(width, height, WIDTH)
    sizes = ((wide, high), (wide // 2, high // 2), (wide // 2, high // 2))
    small = (
        as_bytes(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))
        for plane, size in zip(planes, sizes, strict=True)
    )
    return _jpeg(Planes(*small))


def small_jpeg_of(rgb: Bytes, width: int = WIDTH) -> bytes:
    """Return an RGB picture, height x width x 3, as a marked JPEG of this width in pixels, unless it is very high."""
    size = _size(rgb.shape[1], rgb.shape[0], width)
    return _jpeg(from_rgb(as_bytes(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))))


def of_result(path: Path, media_type: str, folder: Path) -> tuple[Path, str]:
    """Write the marked preview of a picture or a clip into `folder`, and return it with its media type.

    The preview of a clip shows its first three seconds, without sound. Raise Unreadable.
    """
    if media_type.startswith("image/"):
        preview = folder / "step-preview.jpg"
        preview.write_bytes(small_jpeg_of(pictures.read(path), MOST_SIDE))
        return preview, "image/jpeg"
    facts, preview = probe(path), folder / "step-preview.mp4"
    size = _size(facts.width, facts.height, MOST_SIDE)
    scale, mark = Scale(*size), _mark(*size)
    fps, seconds = min(facts.fps, _FPS), min(facts.duration_seconds, _SECONDS)
    frames = evenly(read_timed(path), fps, seconds)
    with ClipWriter(preview, *size, fps, _ENCODING) as writer:
        for planes in islice(frames, max(1, round(seconds * fps))):  # the other frames are not decoded
            writer.write(mark(scale(planes)))
    return preview, "video/mp4"


def _size(width: int, height: int, wide: int) -> tuple[int, int]:
    """Return the even size of a preview that is `wide` pixels wide, or less if it would be too high."""
    scale = min(wide / width, MOST_SIDE / height) / 2
    return 2 * max(1, round(width * scale)), 2 * max(1, round(height * scale))


@lru_cache(maxsize=8)
def _mark(width: int, height: int) -> Overlay:
    return overlays.watermark("bottom-right", width, height, (0, 0))


def _jpeg(planes: Planes) -> bytes:
    rgb = to_rgb(_mark(*planes.y.shape[::-1])(planes))
    _, jpeg = cv2.imencode(".jpg", np.ascontiguousarray(rgb[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes()
