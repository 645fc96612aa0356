"""The film's sound: an uploaded track, cut to its length and brought to the loudness that streaming asks for."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workers.media import loudness, sound
from workers.media.sound import RATE, Samples

TARGET_LUFS = -14.0
_MOST_GAIN_DB = 20.0  # beyond it, it would be the noise of an empty track that becomes loud
_FADE_SECONDS = 0.6


@dataclass(frozen=True, slots=True)
class Soundtrack:
    """What was made: an M4A, and how loud the track was before (LUFS, -inf for silence) and is now."""

    path: Path
    lufs_before: float
    lufs_after: float
    gain_db: float


def make(track: Path, target: Path, seconds: float) -> Soundtrack:
    """Write the track's first `seconds`, or all of it and then silence, as AAC; raises Unreadable `audio_...`.

    The gain that reaches the target is corrected once by what the limiter took away of it.
    """
    before = loudness.integrated(sound.read(track, seconds))
    gain = _gain(before)
    after = loudness.integrated(_cut(track, seconds, gain))
    if np.isfinite(after):
        gain = min(_MOST_GAIN_DB, gain + max(0.0, TARGET_LUFS - after))
        after = loudness.integrated(_cut(track, seconds, gain))
    sound.write(target, _cut(track, seconds, gain))
    return Soundtrack(target, before, after, gain)


def _gain(lufs: float) -> float:
    return min(_MOST_GAIN_DB, TARGET_LUFS - lufs) if np.isfinite(lufs) else 0.0


def _cut(track: Path, seconds: float, gain_db: float) -> Iterator[Samples]:
    """The limited track as long as the film exactly, its end faded out."""
    total, done = round(seconds * RATE), 0
    fade = min(total, round(_FADE_SECONDS * RATE))
    for samples in sound.limited(sound.read(track, seconds), gain_db):
        places = np.arange(done, done + samples.shape[1])
        light = np.clip((total - places) / fade, 0, 1).astype(np.float32)
        yield samples * light
        done += samples.shape[1]
    while done < total:
        pause = np.zeros((2, min(RATE // 10, total - done)), np.float32)
        yield pause
        done += pause.shape[1]
