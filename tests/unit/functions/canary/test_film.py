"""The canary reads the duration of valid films and refuses other files."""

from struct import pack

import pytest

from functions.canary.film import UnplayableFilm, film_seconds


def box(name: str, body: bytes) -> bytes:
    return pack(">I4s", 8 + len(body), name.encode()) + body


def film(*, timescale: int = 1000, duration: int = 1500, version: int = 0, boxes: str = "ftyp moov mdat") -> bytes:
    times = pack(">IIII", 0, 0, timescale, duration) if version == 0 else pack(">QQIQ", 0, 0, timescale, duration)
    header = box("mvhd", bytes([version, 0, 0, 0]) + times + bytes(80))
    bodies = {"ftyp": b"isom", "moov": box("udta", b"") + header, "mdat": bytes(16)}
    return b"".join(box(name, bodies[name]) for name in boxes.split())


@pytest.mark.parametrize("version", [0, 1])
def test_the_duration_is_read_from_the_film(version: int) -> None:
    assert film_seconds(film(version=version)) == 1.5


def test_the_size_of_a_large_box_has_eight_bytes() -> None:
    large = pack(">I4sQ", 1, b"mdat", 16 + 4) + b"data"
    assert film_seconds(film(boxes="ftyp moov") + large) == 1.5


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>503 Slow Down</html>",
        film(boxes="moov mdat"),
        film(boxes="ftyp moov"),
        film(boxes="ftyp mdat moov"),
        film()[:-1],
        film(timescale=0),
        box("ftyp", b"isom") + box("moov", b"") + box("mdat", b""),
        pack(">I4s", 4, b"ftyp") + film(),
    ],
    ids=[
        "empty", "a page", "no type", "no pictures", "index last", "cut short", "no timescale", "no header", "tiny box",
    ],
)  # fmt: skip
def test_an_unplayable_file_is_refused(data: bytes) -> None:
    with pytest.raises(UnplayableFilm):
        film_seconds(data)
