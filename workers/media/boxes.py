"""The boxes of an MP4, and a check whether an MP4 or WebM file is truncated."""

from pathlib import Path

from shared.core import mp4
from shared.core.mp4 import Box

_REQUIRED = {"moov", "mdat", "moof"}  # boxes without which pictures are missing
_FIRST = {b"ftyp", b"wide", b"free", b"skip", b"pnot", b"mdat", b"moov"}  # QuickTime files need no ftyp
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # a WebM or Matroska file is an EBML header and one segment


def boxes(path: Path) -> list[Box]:
    """Return the top-level boxes in order. Raise ValueError if they do not cover the file exactly."""
    with path.open("rb") as file:
        return list(mp4.boxes(file, 0, path.stat().st_size))


def begins_a_clip(head: bytes) -> bool:
    """Return whether these first 16 bytes begin a MOV, MP4, WebM or Matroska file."""
    return head[4:8] in _FIRST or head.startswith(_EBML)


def cut_short(path: Path) -> bool:
    """Return whether an MP4's boxes, or a WebM's segment, declare more bytes than the file has."""
    total = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
        if head.startswith(_EBML):
            return _segment_end(head) > total
        if head[4:8] not in _FIRST:
            return False
        return any(box.kind in _REQUIRED and box.end > total for box in mp4.declared_boxes(file, 0, total))


def _segment_end(head: bytes) -> int:
    """Return the declared end of the segment in bytes (RFC 8794, section 4), or 0 if its size is unknown."""
    header_bytes, begin = _ebml_size(head, len(_EBML))
    segment = begin + (header_bytes or 0)
    if head[segment : segment + 4] != _SEGMENT:
        return 0
    size, begin = _ebml_size(head, segment + 4)
    return 0 if size is None else begin + size


def _ebml_size(head: bytes, offset: int) -> tuple[int | None, int]:
    """Return a size and the offset after it. The size is None if all its bits are set: a recorder did not know it."""
    length = 9 - head[offset].bit_length() if head[offset] else 8
    known = (1 << 7 * length) - 1
    size = int.from_bytes(head[offset : offset + length]) & known
    return None if size == known else size, offset + length
