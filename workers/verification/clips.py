"""Uploaded clips: sniffed, measured by their header, decoded frame by frame, and written again as plain H.264."""

from fractions import Fraction
from pathlib import Path

from workers.media.codecs import ClipWriter, Encoding, evenly, read_timed
from workers.media.probe import ClipFacts, probe
from workers.media.scaling import Scale
from workers.verification.verdict import CleanMedia, Rejected

SHORTEST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
FEWEST_PIXELS_A_SIDE = 64
MOST_PIXELS_A_SIDE = 4096

_SHORT_SIDE = 720
_LOWEST_FPS, _HIGHEST_FPS = Fraction(10), Fraction(30)
_CLEAN = Encoding(preset="veryfast", crf=18, keyframe_seconds=1, movflags="+faststart")

TOO_LARGE = "too_large", f"A clip has at most {MOST_PIXELS_A_SIDE} pixels a side."
TOO_SMALL = "too_small", f"A clip needs at least {FEWEST_PIXELS_A_SIDE} pixels a side."


def clean_clip(source: Path, target: Path) -> CleanMedia:
    """Write the clip upright, silent, at most 720 lines and 30 frames a second, as MP4.

    Raises Rejected or Unreadable.
    """
    if not _looks_like_a_clip(source):
        raise Rejected("not_a_clip", "This is not an MP4, MOV or WebM clip.")
    facts = probe(source)
    _check(facts)
    fps = max(_LOWEST_FPS, min(_HIGHEST_FPS, facts.fps.limit_denominator(1001)))
    width, height = _size(facts)
    scale = Scale(width, height)
    with ClipWriter(target, width, height, fps, _CLEAN) as writer:
        for planes in evenly(read_timed(source), fps, facts.duration_seconds):
            writer.write(scale(planes))
    return CleanMedia(target, "video/mp4", width, height, float(writer.frames / fps), target.stat().st_size)


def _looks_like_a_clip(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(16)
    return head[4:8] == b"ftyp" or head.startswith(b"\x1a\x45\xdf\xa3")  # ISO base media, EBML (WebM, Matroska)


def _check(facts: ClipFacts) -> None:
    if max(facts.width, facts.height) > MOST_PIXELS_A_SIDE:
        raise Rejected(*TOO_LARGE)
    if min(facts.width, facts.height) < FEWEST_PIXELS_A_SIDE:
        raise Rejected(*TOO_SMALL)
    if not SHORTEST_SECONDS - 0.05 <= facts.duration_seconds <= LONGEST_SECONDS + 0.5:
        raise _wrong_length()


def _wrong_length() -> Rejected:
    return Rejected("wrong_length", f"A clip lasts {SHORTEST_SECONDS:.0f} to {LONGEST_SECONDS:.0f} seconds.")


def _size(facts: ClipFacts) -> tuple[int, int]:
    """The size to write, even, the short side at most 720."""
    shrink = min(1.0, _SHORT_SIDE / min(facts.width, facts.height))
    return round(facts.width * shrink / 2) * 2, round(facts.height * shrink / 2) * 2
