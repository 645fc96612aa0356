"""Uploaded pictures: checked by signature and header, decoded, and written again as plain PNG."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from workers.media import depth, pictures
from workers.media.planes import Bytes, Floats, as_bytes
from workers.media.subject import PictureSubject
from workers.verification.moderation import moderate
from workers.verification.verdict import CleanMedia

MIN_SIDE_PIXELS = 64
_THUMBNAIL_SIDE = 480  # maximum side of a thumbnail, in pixels
_PREVIEW_SIDE, _MOST_PREVIEW_SIDE = 360, 1440  # short side of a preview, and its maximum long side, in pixels


def clean_picture(source: Path, target: Path) -> CleanMedia:
    """Write the picture upright and opaque, as 8-bit RGB PNG in sRGB without metadata, and its previews beside it.

    The previews are grey JPEGs with a short side of 360 pixels: the estimated depth, and the matte of the subject, if
    the picture has a subject with a matte. Raise Rejected or Unreadable.
    """
    picture = pictures.read(source, MIN_SIDE_PIXELS)
    moderate(picture)
    Image.fromarray(picture).save(target, format="PNG", compress_level=4)
    height, width = picture.shape[:2]
    nearness = depth.estimate(picture)
    subject = PictureSubject.of(picture, nearness)
    beside = _preview(nearness, picture, target.with_name("depth.jpg"))
    matte = None if subject.matte is None else _preview(subject.matte, picture, target.with_name("matte.jpg"))
    small = thumbnail(picture, target.with_name("thumbnail.jpg"))
    return CleanMedia(
        target, "image/png", width, height, None, target.stat().st_size, depth=beside, matte=matte, thumbnail=small
    )


def thumbnail(picture: Bytes, path: Path) -> Path:
    """Write an RGB picture as a JPEG of at most 480 x 480 pixels, and return its path."""
    small = Image.fromarray(picture)
    small.thumbnail((_THUMBNAIL_SIDE, _THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    small.save(path, format="JPEG", quality=85)
    return path


def _preview(values: Floats, picture: Bytes, path: Path) -> Path:
    """Write a map of 0..1 as a grey JPEG with the picture's aspect ratio, and return its path."""
    height, width = picture.shape[:2]
    scale = min(_PREVIEW_SIDE / min(height, width), _MOST_PREVIEW_SIDE / max(height, width))
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    grey = as_bytes(
        np.rint(np.clip(cv2.resize(values, size, interpolation=cv2.INTER_LINEAR), 0, 1) * 255).astype(np.uint8)
    )
    Image.fromarray(grey).save(path, format="JPEG", quality=85)
    return path
