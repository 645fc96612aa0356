"""Uploaded pictures: sniffed, measured by their header, decoded, and written again as plain PNG."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from workers.verification.verdict import CleanMedia, Rejected

FORMATS = ("JPEG", "PNG", "WEBP")
FEWEST_PIXELS_A_SIDE = 64
MOST_PIXELS_A_SIDE = 8192
MOST_PIXELS = 50_000_000

_DEEP = {"I", "I;16", "I;16B", "I;16L", "F"}


def clean_picture(source: Path, target: Path) -> CleanMedia:
    """Write the picture upright, opaque, as 8-bit RGB PNG without metadata; raises Rejected.

    Of an animation the first frame is kept; what is transparent becomes white.
    """
    if not _looks_like_a_picture(source):
        raise Rejected("not_a_picture", "This is not a JPEG, PNG or WebP picture.")
    try:
        with warnings.catch_warnings(), Image.open(source, formats=FORMATS) as picture:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            _check_size(picture)
            picture.load()
            upright = ImageOps.exif_transpose(picture)
            _opaque_rgb(upright).save(target, format="PNG", compress_level=4)
            width, height = upright.size
    except UnidentifiedImageError as error:
        raise Rejected("not_a_picture", "This is not a JPEG, PNG or WebP picture.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise for broken files
        raise Rejected("damaged", "This picture is damaged or incomplete.") from error
    return CleanMedia(target, "image/png", width, height, None, target.stat().st_size)


def _looks_like_a_picture(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(16)
    return (
        head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
    )  # fmt: skip


def _check_size(picture: Image.Image) -> None:
    """By the header alone: nothing is decoded yet."""
    width, height = picture.size
    if max(width, height) > MOST_PIXELS_A_SIDE or width * height > MOST_PIXELS:
        raise _too_large()
    if min(width, height) < FEWEST_PIXELS_A_SIDE:
        raise Rejected("too_small", f"A picture needs at least {FEWEST_PIXELS_A_SIDE} pixels a side.")


def _too_large() -> Rejected:
    return Rejected(
        "too_large",
        f"A picture has at most {MOST_PIXELS_A_SIDE} pixels a side and {MOST_PIXELS // 1_000_000} million in all.",
    )


def _opaque_rgb(picture: Image.Image) -> Image.Image:
    if picture.mode in _DEEP:
        grey = np.asarray(picture, np.float32)
        return Image.fromarray(np.clip(grey / 257 + 0.5, 0, 255).astype(np.uint8)).convert("RGB")
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture.convert("RGB")
