"""The film's sound: an uploaded track, cut to the film's length and normalised to the loudness of streaming."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from workers.media import loudness, sound
from workers.media.sound import RATE, Samples

TARGET_LUFS = -14.0
_MOST_GAIN_DB = 20.0  # maximum gain; more would amplify the noise of an empty track
_FADE_SECONDS = 0.6


@dataclass(frozen=True, slots=True)
class Soundtrack:
    """An M4A, its gain in dB, and the loudness before and after (LUFS, -inf for silence)."""

    path: Path
    lufs_before: float
    lufs_after: float
    gain_db: float


def make(track: Path, target: Path, seconds: float) -> Soundtrack:
    """Write the track's first `seconds` as AAC, with silence after a shorter track. Raise Unreadable `audio_...`.

    The gain is corrected once by the loudness that the limiter removes.
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
    """Yield the limited track with exactly the film's duration. The end of the film is faded out."""
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
