"""Uploaded clips: checked by signature and header, decoded frame by frame, and written again as plain H.264."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from workers.media.boxes import begins_a_clip
from workers.media.codecs import ClipWriter, Encoding, evenly, read_timed
from workers.media.planes import Planes, to_rgb
from workers.media.probe import ClipFacts, probe
from workers.media.scaling import Scale
from workers.verification.moderation import moderate
from workers.verification.pictures import thumbnail
from workers.verification.verdict import CleanMedia, Rejected

MIN_SECONDS = 1.0
MAX_SECONDS = 60.0
MIN_SIDE_PIXELS = 64
MAX_SIDE_PIXELS = 4096
MAX_PIXELS = 60 * 60 * 4096 * 2304  # of all frames: a minute of 4K at 60 frames per second

_SHORT_SIDE = 720
_MIN_FPS, _MAX_FPS = Fraction(10), Fraction(30)
_CLEAN = Encoding(preset="veryfast", crf=18, keyframe_seconds=1, movflags="+faststart")

TOO_LARGE = "too_large", f"A clip has at most {MAX_SIDE_PIXELS} pixels a side."
TOO_MANY_PIXELS = "too_many_pixels", "This clip has too many frames of this size. Upload a smaller or shorter clip."
TOO_SMALL = "too_small", f"A clip needs at least {MIN_SIDE_PIXELS} pixels a side."


def clean_clip(source: Path, target: Path) -> CleanMedia:
    """Write the clip as MP4: upright, silent, with a short side of at most 720 pixels and at most 30 frames a second.

    Raise Rejected or Unreadable.
    """
    with source.open("rb") as file:
        is_clip = begins_a_clip(file.read(16))
    if not is_clip:
        raise Rejected("not_a_clip", "This is not an MP4, MOV or WebM clip.")
    facts = probe(source)
    _check(facts)
    fps = max(_MIN_FPS, min(_MAX_FPS, facts.fps.limit_denominator(1001)))
    width, height = _size(facts)
    scale = Scale(width, height)
    middle, shown = round(facts.duration_seconds * fps / 2), None
    with ClipWriter(target, width, height, fps, _CLEAN) as writer:
        for planes in evenly(_bounded(read_timed(source)), fps, facts.duration_seconds):
            scaled = scale(planes)
            if shown is None or writer.frames == middle:
                shown = scaled
            if writer.frames % round(fps) == 0:  # one frame a second
                moderate(to_rgb(scaled))
            writer.write(scaled)
    small = None if shown is None else thumbnail(to_rgb(shown), target.with_name("thumbnail.jpg"))
    seconds = float(writer.frames / fps)
    return CleanMedia(target, "video/mp4", width, height, seconds, target.stat().st_size, thumbnail=small)


def _check(facts: ClipFacts) -> None:
    if max(facts.width, facts.height) > MAX_SIDE_PIXELS:
        raise Rejected(*TOO_LARGE)
    if min(facts.width, facts.height) < MIN_SIDE_PIXELS:
        raise Rejected(*TOO_SMALL)
    if not MIN_SECONDS - 0.05 <= facts.duration_seconds <= MAX_SECONDS + 0.5:
        raise _wrong_length()
    if facts.width * facts.height * facts.frames > MAX_PIXELS:
        raise Rejected(*TOO_MANY_PIXELS)


def _bounded(timed: Iterator[tuple[float, Planes]]) -> Iterator[tuple[float, Planes]]:
    """Yield the frames while their pixels are few enough. A clip can change its size after the first frame."""
    done = 0
    for seconds, planes in timed:
        done += planes.y.size
        if done > MAX_PIXELS:
            raise Rejected(*TOO_MANY_PIXELS)
        yield seconds, planes


def _wrong_length() -> Rejected:
    return Rejected("wrong_length", f"A clip lasts {MIN_SECONDS:.0f} to {MAX_SECONDS:.0f} seconds.")


def _size(facts: ClipFacts) -> tuple[int, int]:
    """Return the size to write in pixels: even, with a short side of at most 720."""
    shrink = min(1.0, _SHORT_SIDE / min(facts.width, facts.height))
    return round(facts.width * shrink / 2) * 2, round(facts.height * shrink / 2) * 2
