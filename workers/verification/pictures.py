"""Uploaded pictures: checked by signature and header, decoded, and written again as plain PNG."""

from pathlib import Path

from PIL import Image

from workers.media import pictures
from workers.verification.verdict import CleanMedia

MIN_SIDE_PIXELS = 64


def clean_picture(source: Path, target: Path) -> CleanMedia:
    """Write the picture upright and opaque, as 8-bit RGB PNG in sRGB without metadata. Raise Unreadable."""
    picture = pictures.read(source, MIN_SIDE_PIXELS)
    Image.fromarray(picture).save(target, format="PNG", compress_level=4)
    height, width = picture.shape[:2]
    return CleanMedia(target, "image/png", width, height, None, target.stat().st_size)
