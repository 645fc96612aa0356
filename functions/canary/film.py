"""The duration of an MP4, read from its boxes (ISO/IEC 14496-12). Pure."""

from io import BytesIO
from struct import unpack_from

from shared.core.mp4 import boxes


class UnplayableFilm(ValueError):
    """Bytes that are not an MP4, or an MP4 that a player cannot play while it loads."""


def film_seconds(data: bytes) -> float:
    """Return the film's duration in seconds. Raise UnplayableFilm, also if the frames come before the index."""
    file = BytesIO(data)
    try:
        top = {box.kind: box for box in boxes(file, 0, len(data))}
        names = list(top)
        if names[:1] != ["ftyp"] or "moov" not in names or "mdat" not in names:
            raise UnplayableFilm(f"boxes are {names}")
        if names.index("moov") > names.index("mdat"):
            raise UnplayableFilm("the index comes after the frames")
        movie = top["moov"]
        within = {box.kind: box for box in boxes(file, movie.offset + movie.header, movie.end)}
    except ValueError as error:
        raise UnplayableFilm(str(error)) from error
    found = within.get("mvhd")
    header = data[found.offset + found.header : found.end] if found else b""
    if len(header) < 20 or (header[0] == 1 and len(header) < 32):
        raise UnplayableFilm("no movie header")
    timescale, duration = unpack_from(">IQ", header, 20) if header[0] == 1 else unpack_from(">II", header, 12)
    if not timescale:
        raise UnplayableFilm("no timescale")
    return float(duration / timescale)
