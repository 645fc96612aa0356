"""The boxes that an MP4 file is made of (ISO/IEC 14496-12, section 4.2), and what is missing of a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_WEIGHTY = {"moov", "mdat", "moof"}  # without one of these there are pictures missing
_EBML, _SEGMENT = b"\x1a\x45\xdf\xa3", b"\x18\x53\x80\x67"  # all of a WebM or Matroska file is one segment


class Box(NamedTuple):
    """One top-level box of an MP4 file: its four letters, and where its bytes lie."""

    kind: str
    offset: int
    size: int


def boxes(path: Path) -> list[Box]:
    """The top-level boxes in their order, which cover the file exactly; ValueError if they do not."""
    return list(_boxes(path))


def cut_short(path: Path) -> bool:
    """Whether an MP4's boxes, or a WebM's segment, promise more than the file has."""
    total = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(64)
    if head.startswith(_EBML):
        return _segment_end(head) > total
    if head[4:8] != b"ftyp":
        return False
    return any(box.kind in _WEIGHTY and box.offset + box.size > total for box in _promised(path))


def _segment_end(head: bytes) -> int:
    """The byte at which the segment says it ends (RFC 8794, section 4); 0 where it does not, as in a recording."""
    header_bytes, begin = _ebml_size(head, len(_EBML))
    segment = begin + (header_bytes or 0)
    if head[segment : segment + 4] != _SEGMENT:
        return 0
    size, begin = _ebml_size(head, segment + 4)
    return 0 if size is None else begin + size


def _ebml_size(head: bytes, offset: int) -> tuple[int | None, int]:
    """A size and the byte behind it; None for one that was not known when it was written: all its bits are set."""
    length = 9 - head[offset].bit_length() if head[offset] else 8
    known = (1 << 7 * length) - 1
    size = int.from_bytes(head[offset : offset + length]) & known
    return None if size == known else size, offset + length


def _boxes(path: Path) -> Iterator[Box]:
    total = path.stat().st_size
    for box in _promised(path):
        if box.size < 8 or box.offset + box.size > total:
            raise ValueError(f"no MP4 box at byte {box.offset} of {path.name}")
        yield box


def _promised(path: Path) -> Iterator[Box]:
    """The boxes as their headers have them, up to the first that ends behind the file, or has no size."""
    total = path.stat().st_size
    with path.open("rb") as file:
        offset = 0
        while offset < total:
            file.seek(offset)
            head = file.read(16)
            size = int.from_bytes(head[:4])
            if size == 1:
                size = int.from_bytes(head[8:16])
            elif size == 0:
                size = total - offset
            yield Box(head[4:8].decode("latin-1"), offset, size)
            if size < 8:
                return
            offset += size
