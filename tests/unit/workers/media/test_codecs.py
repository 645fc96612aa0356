"""Encoding of planes to H.264, and decoding."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from shared.stages.frames import AspectRatio, Resolution, frame_size
from workers.media import codecs, hls
from workers.media.boxes import boxes
from workers.media.codecs import FINISHED, INTERMEDIATE, ClipWriter, evenly, read_planes, remux
from workers.media.planes import Planes
from workers.media.probe import probe
from workers.media.unreadable import Unreadable


def moving_frames(count: int, size: tuple[int, int] = (162, 90), step: int = 2) -> Iterator[Planes]:
    """Yield frames of soft coloured noise that slides left. Row lengths are odd, so that line sizes matter."""
    width, height = size
    field = np.random.default_rng(7).integers(0, 256, (height, width + step * count, 3), np.uint8)
    field = np.asarray(cv2.equalizeHist(np.asarray(cv2.GaussianBlur(field, (0, 0), 4), np.uint8).reshape(height, -1)))
    field = field.reshape(height, -1, 3) // 2 + 60
    for index in range(count):
        y, u, v = np.moveaxis(field[:, step * index : step * index + width], 2, 0)
        yield Planes(y, u[::2, ::2], v[::2, ::2])


def write_clip(
    path: Path, frames: int, fps: int, size: tuple[int, int] = (162, 90), *, faststart: bool = False
) -> Path:
    _draw(ClipWriter(path, *size, fps, FINISHED if faststart else INTERMEDIATE), moving_frames(frames, size))
    return path


def _draw(writer: ClipWriter, frames: Iterator[Planes]) -> None:
    with writer:
        for planes in frames:
            writer.write(planes)


def test_decoded_frames_are_close_to_the_encoded_ones(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=30, fps=24)
    back = list(read_planes(clip))
    assert len(back) == 30
    for sent, got in zip(moving_frames(30), back, strict=True):
        for before, after in zip(sent, got, strict=True):
            assert cv2.PSNR(np.ascontiguousarray(before), np.ascontiguousarray(after)) > 40
    facts = probe(clip)
    assert (facts.width, facts.height, float(facts.fps), facts.frames, facts.duration_seconds) == (
        162,
        90,
        24,
        30,
        1.25,
    )


def test_colour_is_tagged_as_limited_bt709(tmp_path: Path) -> None:
    with av.open(str(write_clip(tmp_path / "clip.mp4", frames=3, fps=24))) as container:
        stream = container.streams.video[0]
        assert (stream.color_primaries, stream.color_trc, stream.colorspace, stream.color_range) == (1, 1, 1, 1)


def test_chroma_is_tagged_as_centred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Untagged H.264 means chroma at the left. The parameter sets differ only in this tag."""

    def parameters(name: str, sited: str) -> bytes:
        monkeypatch.setattr(codecs, "_SITED", sited)
        with av.open(str(write_clip(tmp_path / name, frames=3, fps=24))) as container:
            return bytes(container.streams.video[0].codec_context.extradata or b"")

    tagged = parameters("tagged.mp4", codecs._SITED)
    assert tagged == parameters("middle.mp4", "chromaloc=1")
    assert tagged != parameters("left.mp4", "chromaloc=0")


def test_an_even_rhythm_shows_the_current_frame_and_holds_the_last() -> None:
    first, second, late = moving_frames(3)
    timed = [(0.0, first), (0.5, second), (600.0, late)]
    shown = list(evenly(iter(timed), Fraction(4), 1.0))
    assert [planes is first for planes in shown] == [True, True, False, False]
    assert list(evenly(iter(timed[:2]), Fraction(4), 2.0))[2:] == [second] * 6


def test_the_rate_is_that_of_the_motion_and_the_duration_includes_the_last_frame(tmp_path: Path) -> None:
    """The clip has 2 s at 30 frames per second, 1 s at 5, and a last frame that lasts 3 s."""
    times = [*range(60), *range(60, 90, 6)]
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 96, 80, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 30)
        packets = []
        for time in times:
            frame = av.VideoFrame.from_ndarray(np.full((80, 96), time, np.uint8), format="gray")
            frame = frame.reformat(format="yuv420p")
            frame.pts, frame.time_base = time, Fraction(1, 30)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        packets[-1].duration = 90 * (packets[-1].duration or 1)
        container.mux(packets)
        assert packets[-1].pts is not None
    facts = probe(tmp_path / "clip.mp4")
    assert (float(facts.fps), facts.frames) == (30, 65)
    assert facts.duration_seconds == pytest.approx(84 / 30 + 3, abs=0.1)


def test_a_failure_while_drawing_leaves_no_file(tmp_path: Path) -> None:
    def breaking() -> Iterator[Planes]:
        yield from moving_frames(9)
        raise RuntimeError("drawing failed")

    with pytest.raises(RuntimeError, match="drawing failed"):
        _draw(ClipWriter(tmp_path / "clip.mp4", 162, 90, 24), breaking())
    assert not list(tmp_path.iterdir())


def test_a_failure_of_the_encoding_thread_reaches_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise OSError("no space left")

    writer = ClipWriter(tmp_path / "clip.mp4", 162, 90, 24)
    monkeypatch.setattr(writer, "_encode", full)
    with pytest.raises(OSError, match="no space left"):
        _draw(writer, moving_frames(99))
    assert writer.frames < 99
    assert not list(tmp_path.iterdir())


def test_a_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="162 x 90"), ClipWriter(tmp_path / "clip.mp4", 162, 90, 24) as writer:
        writer.write(next(moving_frames(1, (64, 64))))


def test_a_file_without_video_is_unreadable(tmp_path: Path) -> None:
    text = tmp_path / "clip.mp4"
    text.write_text("#EXTM3U\nhttp://169.254.169.254/latest\n")
    with pytest.raises(Unreadable, match="clip_unreadable"):
        probe(text)


def test_the_index_of_a_finished_film_is_before_its_frames(tmp_path: Path) -> None:
    kinds = [box.kind for box in boxes(write_clip(tmp_path / "film.mp4", frames=30, fps=24, faststart=True))]
    assert kinds.index("moov") < kinds.index("mdat")


def test_the_playlist_covers_its_file_exactly_and_plays(tmp_path: Path) -> None:
    film = write_clip(tmp_path / "film.mp4", frames=125, fps=24, faststart=True)
    stream = remux(film, tmp_path / "stream.mp4", hls.FRAGMENTED)
    playlist = tmp_path / "playlist.m3u8"
    playlist.write_text(hls.playlist(stream))

    lines = playlist.read_text().splitlines()
    ranges = [line.split(":")[1] for line in lines if line.startswith("#EXT-X-BYTERANGE")]
    ranges.insert(0, lines[6].split('BYTERANGE="')[1].rstrip('"'))
    end = 0
    for text in ranges:
        size, offset = map(int, text.split("@"))
        assert offset == end
        end = offset + size
    assert end == stream.stat().st_size
    durations = [float(line[8:-1]) for line in lines if line.startswith("#EXTINF")]
    assert durations == pytest.approx([2, 2, 125 / 24 - 4], abs=1e-4)
    assert {line for line in lines if not line.startswith("#")} == {"stream.mp4"}

    with av.open(str(playlist)) as container:
        times = [float(frame.time or 0) for frame in container.decode(video=0)]
    assert len(times) == 125
    assert np.diff(times) == pytest.approx(1 / 24, abs=2e-3)


def test_the_largest_films_have_a_level_that_phones_play(tmp_path: Path) -> None:
    """The level is the fourth byte of `avcC`, as ten times its number (ISO/IEC 14496-15, section 5.3.3.1)."""
    ratios: tuple[AspectRatio, ...] = "16:9", "21:9"
    for ratio in ratios:
        width, height = frame_size(ratio, Resolution.ULTRA_HD.short_side)
        grey = Planes(*(np.full(size, 128, np.uint8) for size in ((height, width), *[(height // 2, width // 2)] * 2)))
        film = tmp_path / "film.mp4"
        _draw(ClipWriter(film, width, height, 60, FINISHED), iter([grey] * 3))
        for path in (film, remux(film, tmp_path / "stream.mp4", hls.FRAGMENTED)):
            with av.open(str(path)) as container:
                settings = container.streams.video[0].codec_context.extradata
            assert settings is not None
            assert settings[3] <= 52, (ratio, settings[3])
