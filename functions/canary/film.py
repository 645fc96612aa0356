"""How long an MP4 plays, read from its boxes (ISO/IEC 14496-12). Pure."""

from collections.abc import Iterator
from struct import unpack_from


class NotAFilm(ValueError):
    """These bytes are no MP4 that could be played while it is still being loaded."""


def film_seconds(data: bytes) -> float:
    """The film's duration. Raises NotAFilm, also when the pictures stand before the index that a player needs first."""
    names = [name for name, _ in _boxes(data)]
    if names[:1] != ["ftyp"] or "moov" not in names or "mdat" not in names:
        raise NotAFilm(f"boxes are {names}")
    if names.index("moov") > names.index("mdat"):
        raise NotAFilm("the index stands after the pictures")
    header = next((body for name, body in _boxes(_body(data, "moov")) if name == "mvhd"), b"")
    if len(header) < 20 or (header[0] == 1 and len(header) < 32):
        raise NotAFilm("no movie header")
    timescale, duration = unpack_from(">IQ", header, 20) if header[0] == 1 else unpack_from(">II", header, 12)
    if not timescale:
        raise NotAFilm("no timescale")
    return float(duration / timescale)


def _body(data: bytes, wanted: str) -> bytes:
    return next(body for name, body in _boxes(data) if name == wanted)


def _boxes(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each box, in order; what does not fit is not a box."""
    at = 0
    while at + 8 <= len(data):
        size, name = unpack_from(">I4s", data, at)
        head = 8
        if size == 1 and at + 16 <= len(data):
            (size,), head = unpack_from(">Q", data, at + 8), 16
        if size == 0:
            size = len(data) - at
        if size < head or at + size > len(data):
            raise NotAFilm(f"a box of {size} bytes at {at} of {len(data)}")
        yield name.decode("latin-1"), data[at + head : at + size]
        at += size
