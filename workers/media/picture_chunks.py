"""PNG and JPEG files reduced to the parts that decide over pixels, for files whose other parts a decoder refuses.

PNG: chunks, ISO/IEC 15948, section 5. JPEG: segments, ITU-T T.81, annex B.
"""

import io
import zlib
from collections.abc import Iterator
from contextlib import suppress

from PIL import Image

_PNG, _END = b"\x89PNG\r\n\x1a\n", b"\0\0\0\0IEND\xaeB`\x82"
_PIXELS = {b"IHDR", b"PLTE", b"IDAT"}
_JPEG, _JPEG_END, _SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
_APPLICATION = {*range(0xE0, 0xF0), 0xFE}  # markers of segments of applications and of comments
_KEPT = ((0xE1, b"Exif\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe"))  # orientation, colors
_TAIL = b"\x55\xaa" * 64  # any data


def reduced(data: bytes) -> Iterator[bytes]:
    """Yield the file with fewer and fewer parts beside the pixels. Other formats yield nothing."""
    if data.startswith(_PNG):
        for kept in ({b"tRNS", b"iCCP", b"eXIf"}, {b"tRNS", b"eXIf"}, {b"tRNS"}, set[bytes]()):
            yield _PNG + b"".join(_chunks(data, _PIXELS | kept)) + _END
    if data.startswith(_JPEG):
        for kept_segments in (_KEPT, _KEPT[2:]):
            head, scans = _segments(data, kept_segments)
            if _is_whole(head, scans):
                yield head + scans + _JPEG_END


def _chunks(data: bytes, kinds: set[bytes]) -> Iterator[bytes]:
    """Yield the chunks of these kinds. A wrong checksum counts only for the pixels."""
    offset = len(_PNG)
    while offset + 8 <= len(data):
        kind, end = data[offset + 4 : offset + 8], offset + 12 + int.from_bytes(data[offset : offset + 4])
        chunk = data[offset:end]
        is_right = zlib.crc32(chunk[4:-4]) == int.from_bytes(chunk[-4:])
        if kind in kinds and (is_right or kind in _PIXELS):
            yield chunk
        offset = end


def _segments(data: bytes, kept: tuple[tuple[int, bytes], ...]) -> tuple[bytes, bytes]:
    """Return the segments before the first scan, without those of applications, and the rest of the file."""
    offset, head = len(_JPEG), _JPEG
    while data[offset : offset + 1] == b"\xff" and data[offset + 1 : offset + 2] not in {bytes([_SCAN]), b""}:
        marker, end = data[offset + 1], offset + 2 + int.from_bytes(data[offset + 2 : offset + 4])
        if marker == 0xFF:  # a fill byte
            offset += 1
            continue
        segment = data[offset:end]
        if marker not in _APPLICATION or any(marker == one and segment[4:].startswith(name) for one, name in kept):
            head += segment
        offset = end
    return head, data[offset:]


def _is_whole(head: bytes, scans: bytes) -> bool:
    """Return whether the scans have all their pixels, though perhaps no end.

    libjpeg invents the pixels that are missing, without an error. Then they depend on the data that follow.
    """
    if scans.endswith(_JPEG_END):
        return True
    scans = scans.rstrip(b"\xff")  # half an end
    with suppress(Exception):  # Pillow raises errors of any type for faulty data
        first, second = (_pixels(head + scans + tail + _JPEG_END) for tail in (b"", _TAIL))
        return first == second
    return False


def _pixels(jpeg: bytes) -> bytes:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as picture:
        return picture.tobytes()
