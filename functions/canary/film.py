"""How long an MP4 plays, read from its boxes (ISO/IEC 14496-12). Pure."""

from io import BytesIO
from struct import unpack_from

from shared.core.mp4 import boxes


class NotAFilm(ValueError):
    """These bytes are no MP4 that could be played while it is still being loaded."""


def film_seconds(data: bytes) -> float:
    """The film's duration. Raises NotAFilm, also when the pictures stand before the index that a player needs first."""
    file = BytesIO(data)
    try:
        top = {box.kind: box for box in boxes(file, 0, len(data))}
        names = list(top)
        if names[:1] != ["ftyp"] or "moov" not in names or "mdat" not in names:
            raise NotAFilm(f"boxes are {names}")
        if names.index("moov") > names.index("mdat"):
            raise NotAFilm("the index stands after the pictures")
        movie = top["moov"]
        within = {box.kind: box for box in boxes(file, movie.offset + movie.header, movie.end)}
    except ValueError as error:
        raise NotAFilm(str(error)) from error
    found = within.get("mvhd")
    header = data[found.offset + found.header : found.end] if found else b""
    if len(header) < 20 or (header[0] == 1 and len(header) < 32):
        raise NotAFilm("no movie header")
    timescale, duration = unpack_from(">IQ", header, 20) if header[0] == 1 else unpack_from(">II", header, 12)
    if not timescale:
        raise NotAFilm("no timescale")
    return float(duration / timescale)
