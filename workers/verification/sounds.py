"""Uploaded tracks and captions: decoded or parsed whole, and written again as plain FLAC and plain SRT."""

from collections.abc import Iterator
from pathlib import Path

from workers.media import captions, overlays, sound
from workers.media.sound import RATE, Samples
from workers.verification.verdict import CleanMedia, Rejected

MIN_SECONDS, MAX_SECONDS = 1.0, 600.0


def clean_sound(source: Path, target: Path) -> CleanMedia:
    """Write the track as 16-bit stereo FLAC at 48 kHz, without embedded pictures or tags.

    Raise Rejected or Unreadable.
    """
    samples = sound.write(target, _bounded(sound.read(source)))
    if samples < MIN_SECONDS * RATE:
        raise _wrong_length()
    return CleanMedia(target, "audio/flac", None, None, samples / RATE, target.stat().st_size)


def clean_captions(source: Path, target: Path) -> CleanMedia:
    """Write the captions as numbered UTF-8 SRT without markup, and report all differences. Raise Unreadable."""
    file = captions.read(source)
    for cue in file.cues:
        overlays.check_drawable(cue.text)
    captions.write(target, file.cues)
    seconds = max(cue.end for cue in file.cues)
    facts = file._asdict() | {"cues": len(file.cues)}
    return CleanMedia(target, "application/x-subrip", None, None, seconds, target.stat().st_size, facts)


def _bounded(chunks: Iterator[Samples]) -> Iterator[Samples]:
    done = 0
    for samples in chunks:
        done += samples.shape[1]
        if done > MAX_SECONDS * RATE:
            raise _wrong_length()
        yield samples


def _wrong_length() -> Rejected:
    return Rejected("wrong_length", f"A track lasts {MIN_SECONDS:.0f} to {MAX_SECONDS:.0f} seconds.")
