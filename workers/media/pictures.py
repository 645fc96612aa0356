"""Decoding of creators' pictures, with their orientation, colour profile and transparency applied."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from workers.media.planes import Bytes, as_bytes
from workers.media.unreadable import Unreadable

FORMATS = ("JPEG", "PNG", "WEBP")
FEWEST_PIXELS_A_SIDE, MOST_PIXELS_A_SIDE = 16, 8192
MOST_PIXELS = 50_000_000

_DEEP = {"I", "I;16", "I;16B", "I;16L", "F"}
_CONVERTIBLE = {"RGB", "CMYK", "L"}  # modes for which there are colour profiles


_UNREADABLE = "picture_unreadable", "This is not a JPEG, PNG or WebP picture."
_DAMAGED = "picture_damaged", "This picture is damaged or incomplete."
_TOO_LARGE = (
    "picture_too_large",
    f"A picture has at most {MOST_PIXELS_A_SIDE} pixels a side and {MOST_PIXELS // 1_000_000} million in all.",
)


def read(path: Path, fewest: int = FEWEST_PIXELS_A_SIDE) -> Bytes:
    """Return the picture as RGB (height x width x 3) in sRGB, upright.

    An animation gives its first frame. Transparent areas become white, and 16 bits become 8. Raise Unreadable
    `picture_...` if the picture cannot be decoded, is too large, or has a side below `fewest` pixels.
    """
    if not _looks_like_a_picture(path):
        raise Unreadable(*_UNREADABLE)
    try:
        with warnings.catch_warnings(), Image.open(path, formats=FORMATS) as picture:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            _check_size(picture, fewest)
            picture.load()
            return as_bytes(_in_srgb(_opaque(ImageOps.exif_transpose(picture)), picture.info.get("icc_profile")))
    except UnidentifiedImageError as error:
        raise Unreadable(*_UNREADABLE) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise Unreadable(*_TOO_LARGE) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # Pillow's decoders raise these for damaged files
        raise Unreadable(*_DAMAGED) from error


def _looks_like_a_picture(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(16)
    return (
        head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
    )  # fmt: skip


def _check_size(picture: Image.Image, fewest: int) -> None:
    """Check the size in the header, before the picture is decoded."""
    width, height = picture.size
    if max(width, height) > MOST_PIXELS_A_SIDE or width * height > MOST_PIXELS:
        raise Unreadable(*_TOO_LARGE)
    if min(width, height) < fewest:
        raise Unreadable("picture_too_small", f"A picture needs at least {fewest} pixels a side.")


def _opaque(picture: Image.Image) -> Image.Image:
    """Return the picture without alpha, composited over white, in a mode for which there are colour profiles."""
    if picture.mode in _DEEP:
        grey = np.asarray(picture, np.float32)
        return Image.fromarray(np.clip(grey / 257 + 0.5, 0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture if picture.mode in _CONVERTIBLE else picture.convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert to sRGB with the picture's profile, or, without a usable profile, with the mode's default."""
    if profile:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return converted
    return picture.convert("RGB")
