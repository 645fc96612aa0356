"""Uploaded tracks and captions: decoded or parsed whole, and written again as plain FLAC and plain SRT."""

from collections.abc import Iterator
from pathlib import Path

from workers.media import captions, overlays, sound
from workers.media.captions import CaptionsUnreadable
from workers.media.sound import RATE, Samples, SoundDamaged, SoundMissing, SoundUnreadable
from workers.verification.verdict import CleanMedia, Rejected

SHORTEST_SECONDS, LONGEST_SECONDS = 1.0, 600.0

_TRACKS: dict[type[SoundUnreadable], str] = {SoundMissing: "no_sound", SoundDamaged: "damaged"}


def clean_sound(source: Path, target: Path) -> CleanMedia:
    """Write the track as 16-bit stereo FLAC at 48 kHz, without pictures or names in it; raises Rejected."""
    try:
        samples = sound.write(target, _bounded(sound.read(source)))
    except SoundUnreadable as error:
        raise Rejected(_TRACKS.get(type(error), "not_a_track"), error.public_message) from error
    if samples < SHORTEST_SECONDS * RATE:
        raise _wrong_length()
    return CleanMedia(target, "audio/flac", None, None, samples / RATE, target.stat().st_size)


def clean_captions(source: Path, target: Path) -> CleanMedia:
    """Write the captions as numbered UTF-8 SRT without markup; raises Rejected."""
    try:
        cues = captions.read(source)
        for cue in cues:
            overlays.check_drawable(cue.text)
    except CaptionsUnreadable as error:
        code = "not_captions" if type(error) is CaptionsUnreadable else error.code
        raise Rejected(code, error.public_message) from error
    captions.write(target, cues)
    return CleanMedia(target, "application/x-subrip", None, None, max(cue.end for cue in cues), target.stat().st_size)


def _bounded(chunks: Iterator[Samples]) -> Iterator[Samples]:
    done = 0
    for samples in chunks:
        done += samples.shape[1]
        if done > LONGEST_SECONDS * RATE:
            raise _wrong_length()
        yield samples


def _wrong_length() -> Rejected:
    return Rejected("wrong_length", f"A track lasts {SHORTEST_SECONDS:.0f} to {LONGEST_SECONDS:.0f} seconds.")
