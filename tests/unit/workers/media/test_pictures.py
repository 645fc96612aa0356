"""Decoding of pictures whose parts beside the pixels are faulty."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.assets.formats import MEDIA_TYPES
from shared.assets.record import AssetType
from workers.media import pictures
from workers.media.planes import Bytes
from workers.media.unreadable import Unreadable

# Pillow warns of each broken piece of metadata that these tests write.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

PIXELS = np.zeros((80, 96, 3), np.uint8)
PIXELS[:40], PIXELS[40:] = (220, 30, 30), (30, 30, 220)


def encoded(name: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, name, **options)
    return out.getvalue()


def read(folder: Path, data: bytes) -> Bytes:
    (folder / "upload").write_bytes(data)
    return pictures.read(folder / "upload")


def assert_shown(shown: Bytes, tolerance: int = 12) -> None:
    assert np.abs(shown.astype(int) - PIXELS).mean() < tolerance


def chunk(kind: bytes, body: bytes, *, fault: int = 0) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ fault)


PNG_CHUNKS = {
    "a large text": chunk(b"tEXt", b"workflow\0" + b"x" * 2_000_000),
    "a large compressed text": chunk(b"zTXt", b"prompt\0\0" + zlib.compress(b"x" * 90_000_000)),
    "an international text": chunk(b"iTXt", b"prompt\0\1\0\0\0" + zlib.compress(b"x" * 2_000_000)),
    "a wrong checksum of a text": chunk(b"tEXt", b"a\0b", fault=1),
    "a wrong checksum of a profile": chunk(b"iCCP", b"a\0\0" + zlib.compress(b"b"), fault=1),
    "a large profile": chunk(b"iCCP", b"a\0\0" + zlib.compress(b"b" * 2_000_000)),
    "a short pHYs": chunk(b"pHYs", b"\0"),
    "a short gAMA": chunk(b"gAMA", b"\0"),
    "a short cHRM": chunk(b"cHRM", b"\0" * 7),
    "a short sRGB": chunk(b"sRGB", b""),
    "a short acTL": chunk(b"acTL", b"\0"),
    "an empty tRNS": chunk(b"tRNS", b""),
    "an unreadable EXIF block": chunk(b"eXIf", b"II*\0\xff\xff\xff\xff"),
    "an unknown chunk": chunk(b"abcD", b"x", fault=3),
}


@pytest.mark.parametrize("extra", PNG_CHUNKS.values(), ids=PNG_CHUNKS)
def test_a_png_is_read_whatever_its_other_chunks_contain(tmp_path: Path, extra: bytes) -> None:
    png = encoded("PNG")
    assert_shown(read(tmp_path, png[:33] + extra + png[33:]))


def exif(tag: int, kind: int, count: int = 1, value: bytes = b"\xff\xff\xff\xff") -> bytes:
    """Return an EXIF block: orientation 3, and a tag with a type, count and value that may not fit it."""
    entries = struct.pack("<HHIHH", 0x0112, 3, 1, 3, 0) + struct.pack("<HHI4s", tag, kind, count, value)
    return b"Exif\0\0II*\0\x08\0\0\0\x02\0" + entries + b"\0\0\0\0"


@pytest.mark.parametrize("tag", [0x010E, 0x011A, 0x0128, 0x0213, 0x8769, 0x8825, 0x927C, 0xA005, 0x9286, 0x0000])
@pytest.mark.parametrize("kind", [0, 1, 2, 3, 5, 7, 12, 13, 99])
def test_a_photo_with_a_mistyped_tag_is_read_and_turned_upright(tmp_path: Path, tag: int, kind: int) -> None:
    out = io.BytesIO()
    Image.fromarray(PIXELS).rotate(180).save(out, "JPEG", exif=exif(tag, kind, 70_000 if kind % 2 else 1))
    assert_shown(read(tmp_path, out.getvalue()))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_turned_upright(tmp_path: Path, orientation: int) -> None:
    turn = pictures._TURNS.get(orientation)
    undo = {
        Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
        Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
    }
    picture, out = Image.fromarray(PIXELS), io.BytesIO()
    tags = Image.Exif()
    tags[0x0112] = orientation
    (picture.transpose(undo.get(turn, turn)) if turn is not None else picture).save(out, "PNG", exif=tags)
    assert_shown(read(tmp_path, out.getvalue()), 1)


JPEG_SEGMENTS = {
    "a short JFIF": b"\xff\xe0\0\x09JFIF\0\1\2",
    "a broken picture index": b"\xff\xe2\0\x0eMPF\0II*\0\xff\xff\xff\xff",
    "a broken Photoshop block": b"\xff\xed\0\x15Photoshop 3.0\x008BIM\x04",
    "a broken profile": b"\xff\xe2\0\x10ICC_PROFILE\0\x01\x09",
}


@pytest.mark.parametrize("segment", JPEG_SEGMENTS.values(), ids=JPEG_SEGMENTS)
@pytest.mark.parametrize("end", [None, -2, -1], ids=["whole", "without its end", "with half its end"])
def test_a_jpeg_is_read_whatever_its_other_segments_contain(tmp_path: Path, segment: bytes, end: int | None) -> None:
    jpeg = encoded("JPEG")
    assert_shown(read(tmp_path, (jpeg[:2] + segment + jpeg[2:])[:end]))


@pytest.mark.parametrize("options", [{}, {"progressive": True}], ids=["baseline", "progressive"])
def test_a_jpeg_without_some_pixels_is_damaged(tmp_path: Path, options: dict[str, object]) -> None:
    noise, out = np.random.default_rng(1).integers(0, 255, (80, 96, 3), np.uint8), io.BytesIO()
    Image.fromarray(noise).save(out, "JPEG", **options)
    for cut in (40, 400, 2000):
        with pytest.raises(Unreadable, match="picture_damaged"):
            read(tmp_path, out.getvalue()[:-cut])


@pytest.mark.parametrize("name", sorted(set(MEDIA_TYPES[AssetType.IMAGE].values())))
def test_the_first_frame_of_every_accepted_type_is_read(tmp_path: Path, name: str) -> None:
    more = {"save_all": True, "append_images": [Image.new("RGB", (96, 80))]} if name not in {"JPEG", "PNG"} else {}
    assert_shown(read(tmp_path, encoded(name, **more)))


def test_a_tiff_of_floats_has_a_range_of_one(tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.fromarray(np.full((80, 96), 0.5, np.float32)).save(out, "TIFF")
    assert np.abs(read(tmp_path, out.getvalue()).astype(int) - 128).max() <= 1
