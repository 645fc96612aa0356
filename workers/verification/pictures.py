"""Uploaded pictures: sniffed, measured by their header, decoded, and written again as plain PNG."""

from pathlib import Path

from PIL import Image

from workers.media import pictures
from workers.verification.verdict import CleanMedia

FEWEST_PIXELS_A_SIDE = 64


def clean_picture(source: Path, target: Path) -> CleanMedia:
    """Write the picture upright, opaque, as 8-bit RGB PNG in sRGB without metadata; raises Unreadable."""
    picture = pictures.read(source, FEWEST_PIXELS_A_SIDE)
    Image.fromarray(picture).save(target, format="PNG", compress_level=4)
    height, width = picture.shape[:2]
    return CleanMedia(target, "image/png", width, height, None, target.stat().st_size)
