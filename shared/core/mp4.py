"""The boxes of an MP4 file (ISO/IEC 14496-12, section 4.2). Pure."""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple


class Box(NamedTuple):
    """One box of an MP4 file: its four letters, and its offset, size and header size in bytes."""

    kind: str
    offset: int
    size: int
    header: int = 8

    @property
    def end(self) -> int:
        return self.offset + self.size

    def fits(self, end: int) -> bool:
        """Return whether the box is at least as large as its header and ends at or before byte `end`."""
        return self.size >= self.header and self.end <= end


def declared_boxes(file: BinaryIO, begin: int, end: int) -> Iterator[Box]:
    """Yield the boxes that the headers in bytes `begin`..`end` declare, up to and with the first that does not fit."""
    offset = begin
    while offset < end:
        file.seek(offset)
        head = file.read(16)
        size, header = int.from_bytes(head[:4]), 8
        if size == 1:
            size, header = int.from_bytes(head[8:16]), 16
        elif size == 0:
            size = end - offset
        box = Box(head[4:8].decode("latin-1"), offset, size, header)
        yield box
        if not box.fits(end):
            return
        offset = box.end


def boxes(file: BinaryIO, begin: int, end: int) -> Iterator[Box]:
    """Yield the boxes that cover bytes `begin`..`end` exactly. Raise ValueError if they do not."""
    for box in declared_boxes(file, begin, end):
        if not box.fits(end):
            raise ValueError(f"invalid MP4 box at byte {box.offset}")
        yield box
