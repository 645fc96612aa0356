"""Decoding of creators' pictures, with their orientation, colour profile and transparency applied."""

import io
import re
import warnings
from contextlib import suppress
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageCms

from shared.assets.formats import MEDIA_TYPES, listed
from shared.assets.record import AssetType
from workers.media import picture_chunks
from workers.media.planes import Bytes, as_bytes
from workers.media.unreadable import Unreadable

FORMATS = tuple(name.upper() for name in MEDIA_TYPES[AssetType.IMAGE].values())  # Pillow's names
FEWEST_PIXELS_A_SIDE, MOST_PIXELS_A_SIDE = 16, 8192
MOST_PIXELS = 50_000_000

_SIGNATURE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|II[*+]\0|MM\0[*+]|....ftypavi[fs]", re.DOTALL
)
_TURNS = {  # by orientation of EXIF
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_DEEP = {"I", "I;16", "I;16B", "I;16L", "F"}
_CONVERTIBLE = {"RGB", "CMYK", "L"}  # modes for which there are colour profiles


_UNREADABLE = "picture_unreadable", f"This is not a {listed(AssetType.IMAGE)} picture."
_DAMAGED = "picture_damaged", "This picture is damaged or incomplete."
_TOO_LARGE = (
    "picture_too_large",
    f"A picture has at most {MOST_PIXELS_A_SIDE} pixels a side and {MOST_PIXELS // 1_000_000} million in all.",
)


def read(path: Path, fewest: int = FEWEST_PIXELS_A_SIDE) -> Bytes:
    """Return the picture as RGB (height x width x 3) in sRGB, upright.

    An animation gives its first frame. Transparent areas become white, and 16 bits become 8. Faults outside the pixels
    are ignored. Raise Unreadable `picture_...` if the picture cannot be decoded, is too large, or has a side below
    `fewest` pixels.
    """
    data = path.read_bytes()
    if not _SIGNATURE.match(data):
        raise Unreadable(*_UNREADABLE)
    for candidate in (data, *picture_chunks.reduced(data)):
        try:
            return _decoded(candidate, fewest)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise Unreadable(*_TOO_LARGE) from error
        except Unreadable:
            raise
        except Exception:  # noqa: BLE001, S112  # Pillow raises errors of any type for faulty metadata and data
            continue
    raise Unreadable(*_DAMAGED)


def _decoded(data: bytes, fewest: int) -> Bytes:
    with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=FORMATS) as picture:
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        _check_size(picture, fewest)
        picture.load()
        return as_bytes(_in_srgb(_opaque(_upright(picture)), picture.info.get("icc_profile")))


def _upright(picture: Image.Image) -> Image.Image:
    """Apply the orientation of the EXIF block, if it is readable."""
    turn = None
    with suppress(Exception):
        turn = _TURNS.get(picture.getexif()[ExifTags.Base.Orientation])
    return picture.transpose(turn) if turn is not None else picture


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
        grey = np.asarray(picture, np.float32) * (65535 if picture.mode == "F" else 1)  # floats are 0..1
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
