"""Loudness with the test signals of EBU Tech 3341, and the loudness of soundtracks."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from workers.finishing import soundtrack
from workers.media import sound
from workers.media.loudness import integrated
from workers.media.sound import RATE, Samples
from workers.media.unreadable import Unreadable


def tone(*parts: tuple[float, float]) -> Samples:
    """Return a 1 kHz sine in stereo with parts of (seconds, dBFS)."""
    waves = [
        10 ** (level / 20) * np.sin(2 * np.pi * 1000 * np.arange(round(seconds * RATE)) / RATE)
        for seconds, level in parts
    ]
    return np.repeat(np.concatenate(waves)[None].astype(np.float32), 2, 0)


def pieces(samples: Samples) -> Iterator[Samples]:
    for start in range(0, samples.shape[1], 1777):
        yield samples[:, start : start + 1777]


@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        ([(3, -23)], -23),
        ([(3, -33)], -33),
        ([(2, -36), (12, -23), (2, -36)], -23),  # Tech 3341 case 3, shortened: the relative gate
        ([(2, -72), (2, -36), (12, -23), (2, -36), (2, -72)], -23),  # case 4: the absolute gate
        ([(4, -26), (4.02, -20), (4, -26)], -23),  # case 5
    ],
)
def test_loudness_matches_ebu_tech_3341(parts: list[tuple[float, float]], lufs: float) -> None:
    assert integrated(pieces(tone(*parts))) == pytest.approx(lufs, abs=0.1)


def test_silence_has_no_loudness() -> None:
    assert integrated(pieces(np.zeros((2, RATE), np.float32))) == -np.inf


@pytest.mark.parametrize("level", [-40, -20, -3])
def test_a_soundtrack_has_the_streaming_loudness_and_the_duration_of_the_film(tmp_path: Path, level: float) -> None:
    sound.write(tmp_path / "track.flac", pieces(tone((3, level), (3, level - 6))))
    made = soundtrack.make(tmp_path / "track.flac", tmp_path / "sound.m4a", 4)
    decoded = np.concatenate(list(sound.read(made.path)), axis=1)
    expected = -14 if level > -35 else made.lufs_before + 20  # maximum gain in dB, so that noise stays quiet
    assert made.lufs_after == pytest.approx(expected, abs=0.5)
    assert integrated(pieces(decoded)) == pytest.approx(made.lufs_after, abs=0.2)
    assert np.abs(decoded).max() <= 10 ** (-0.8 / 20)
    with av.open(str(made.path)) as container:
        assert float((container.duration or 0) / av.time_base) == pytest.approx(4, abs=0.05)
    assert np.abs(decoded[:, 4 * RATE - 480 : 4 * RATE]).max() < 0.05  # the sound has faded out


def test_a_track_shorter_than_the_film_is_padded_with_silence(tmp_path: Path) -> None:
    sound.write(tmp_path / "track.flac", pieces(tone((1, -20))))
    made = soundtrack.make(tmp_path / "track.flac", tmp_path / "sound.m4a", 2)
    decoded = np.concatenate(list(sound.read(made.path)), axis=1)
    assert decoded.shape[1] == pytest.approx(2 * RATE, abs=2048)
    assert np.abs(decoded[:, round(1.5 * RATE) :]).max() < 1e-3


def test_silence_stays_silent(tmp_path: Path) -> None:
    sound.write(tmp_path / "track.flac", pieces(np.zeros((2, 2 * RATE), np.float32)))
    made = soundtrack.make(tmp_path / "track.flac", tmp_path / "sound.m4a", 2)
    assert (made.lufs_before, made.gain_db) == (-np.inf, 0)


@pytest.mark.parametrize("content", [b"", b"ID3 no music in here" * 50, b"#EXTM3U\n/etc/passwd\n"])
def test_a_file_without_sound_is_unreadable(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "track.mp3").write_bytes(content)
    with pytest.raises(Unreadable, match="audio_unreadable"):
        list(sound.read(tmp_path / "track.mp3"))
