"""The boxes that an MP4 file is made of (ISO/IEC 14496-12, section 4.2)."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Box(NamedTuple):
    """One top-level box of an MP4 file: its four letters, and where its bytes lie."""

    kind: str
    offset: int
    size: int


def boxes(path: Path) -> list[Box]:
    """The top-level boxes in their order, which cover the file exactly; ValueError if they do not."""
    return list(_boxes(path))


def cut_short(path: Path) -> bool:
    """Whether it begins as an MP4, and its boxes promise more than the file has."""
    with path.open("rb") as file:
        if file.read(8)[4:] != b"ftyp":
            return False
    try:
        boxes(path)
    except ValueError:
        return True
    return False


def _boxes(path: Path) -> Iterator[Box]:
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
            if size < 8 or offset + size > total:
                raise ValueError(f"no MP4 box at byte {offset} of {path.name}")
            yield Box(head[4:8].decode("latin-1"), offset, size)
            offset += size
