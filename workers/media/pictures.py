"""Pictures as creators bring them: read as they are meant to be seen, whatever they were made with."""

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
    """RGB (height x width x 3) in sRGB, upright, of at least `fewest` pixels a side; raises Unreadable `picture_...`.

    Of an animation it is the first frame; what is transparent becomes white, 16 bits become 8.
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
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise for broken files
        raise Unreadable(*_DAMAGED) from error


def _looks_like_a_picture(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(16)
    return (
        head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"))
        or (head.startswith(b"RIFF") and head[8:12] == b"WEBP")
    )  # fmt: skip


def _check_size(picture: Image.Image, fewest: int) -> None:
    """By the header alone: nothing is decoded yet."""
    width, height = picture.size
    if max(width, height) > MOST_PIXELS_A_SIDE or width * height > MOST_PIXELS:
        raise Unreadable(*_TOO_LARGE)
    if min(width, height) < fewest:
        raise Unreadable("picture_too_small", f"A picture needs at least {fewest} pixels a side.")


def _opaque(picture: Image.Image) -> Image.Image:
    """In one of the modes that have profiles, without alpha: white, in all of them, is what shines through."""
    if picture.mode in _DEEP:
        grey = np.asarray(picture, np.float32)
        return Image.fromarray(np.clip(grey / 257 + 0.5, 0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")
    return picture if picture.mode in _CONVERTIBLE else picture.convert("RGB")


def _in_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The picture's colours by its own profile; by the usual meaning of its mode if it has none that can be used."""
    if profile:
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):
            converted = None
        if converted is not None:
            return converted
    return picture.convert("RGB")
