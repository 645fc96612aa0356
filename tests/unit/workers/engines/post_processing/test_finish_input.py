"""Every input either becomes a correct film or fails with its own code and message."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from shared.stages.failures import StageFailure
from shared.stages.stages import Role
from tests.support.clips import track
from tests.unit.workers.engines.post_processing.test_finish import finish, made
from tests.unit.workers.media.test_codecs import write_clip
from workers.media import sound
from workers.media.codecs import read_planes
from workers.media.planes import to_rgb
from workers.media.probe import probe

RED, BLUE = (200, 40, 40), (40, 40, 200)
Maker = Callable[[Path], object]


def picture(width: int, height: int, *, alpha: int | None = None) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return a picture that is red above and blue below."""
    pixels = np.zeros((height, width, 3 if alpha is None else 4), np.uint8)
    pixels[: height // 2, :, :3], pixels[height // 2 :, :, :3] = RED, BLUE
    if alpha is not None:
        pixels[..., 3] = alpha
    return pixels


def clip(
    path: Path, codec: str = "libx264", pixels: str = "yuv420p", size: tuple[int, int] = (160, 120), *,
    frames: int = 24, form: str = "mp4", turned: int = 0, alpha: int | None = None, times: list[int] | None = None,
    sound: bool = False, shape: int = 1, options: dict[str, str] | None = None,
) -> None:  # fmt: skip
    """Write a clip with 24 frames per second, or with `times` in 1/24 s. `shape` is the pixel aspect ratio."""
    shown = VideoFrame.from_ndarray(picture(*size, alpha=alpha), format="rgb24" if alpha is None else "rgba")
    with av.open(str(path), "w", format=form) as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=24, options=options))
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        stream.codec_context.time_base = Fraction(1, 24)
        stream.codec_context.sample_aspect_ratio = Fraction(shape)
        if turned:
            stream.set_display_rotation(turned)
        track = container.add_stream("aac", rate=48_000) if sound else None
        for index in range(frames):
            frame = shown.reformat(format=pixels)
            frame.pts, frame.time_base = (times[index] if times else index), Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if track:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            silence.sample_rate = 48_000
            container.mux(track.encode(silence))
            container.mux(track.encode(None))


def _zero_frames(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        container.start_encoding()


def _sound_only(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        track = container.add_stream("aac", rate=48_000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48_000
        container.mux(track.encode(silence))
        container.mux(track.encode(None))


def _truncated(path: Path) -> None:
    write_clip(path, frames=60, fps=24, size=(160, 120), faststart=True)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _headless(path: Path) -> None:
    write_clip(path, frames=60, fps=24, size=(160, 120))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _cut_webm(path: Path) -> None:
    clip(path, "libvpx-vp9", form="webm", frames=60)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _corrupt(path: Path) -> None:
    write_clip(path, frames=24, fps=24, size=(160, 120), faststart=True)
    data = bytearray(path.read_bytes())
    data[-len(data) // 2 :] = np.random.default_rng(1).bytes(len(data[-len(data) // 2 :]))
    path.write_bytes(data)


REFUSED: dict[str, tuple[str, Maker]] = {
    "empty file": ("clip_unreadable", lambda path: path.write_bytes(b"")),
    "text": ("clip_unreadable", lambda path: path.write_text("<html>no clip</html>" * 9)),
    "playlist": ("clip_unreadable", lambda path: path.write_text("#EXTM3U\nhttp://169.254.169.254/\n")),
    "zero frames": ("clip_empty", _zero_frames),
    "sound only": ("clip_empty", _sound_only),
    "truncated": ("clip_truncated", _truncated),
    "truncated before its index": ("clip_truncated", _headless),
    "corrupt": ("clip_unreadable", _corrupt),
    "1x1": ("clip_too_small", lambda path: clip(path, "ffv1", "bgr0", (1, 1), form="matroska")),
    "truncated WebM": ("clip_truncated", _cut_webm),
    "a timestamp at ten minutes": ("clip_too_long", lambda path: clip(path, frames=4, times=[0, 1, 2, 14_400])),
    "20,000 wide": ("clip_too_large", lambda path: clip(path, "png", "rgb24", (20_000, 16), form="mov", frames=2)),
}


@pytest.mark.parametrize(("code", "make"), REFUSED.values(), ids=REFUSED.keys())
def test_an_unusable_clip_fails_with_its_own_code(tmp_path: Path, code: str, make: Maker) -> None:
    make(tmp_path / "clip")
    with pytest.raises(StageFailure) as failure:
        finish(tmp_path / "clip", tmp_path / "work")
    assert failure.value.code == code
    assert not failure.value.retryable
    assert failure.value.public_message.endswith(".")
    assert not [path for path in (tmp_path / "work").iterdir() if path.suffix != ".part"]


RIGHT: dict[str, Maker] = {
    "with sound": lambda path: clip(path, sound=True),
    "10 bits": lambda path: clip(path, "libx265", "yuv420p10le"),
    "4:4:4": lambda path: clip(path, "libx264", "yuv444p"),
    "full range": lambda path: clip(path, "mjpeg", "yuvj420p", form="mov"),
    "odd size": lambda path: clip(path, "png", "rgb24", (161, 121), form="mov"),
    "WebM": lambda path: clip(path, "libvpx-vp9", form="webm"),
    "opaque alpha": lambda path: clip(path, "png", "rgba", form="mov", alpha=255),
    "one frame": lambda path: clip(path, frames=1),
}


@pytest.mark.parametrize("make", RIGHT.values(), ids=RIGHT.keys())
def test_an_unusual_clip_becomes_a_correct_film(tmp_path: Path, make: Maker) -> None:
    make(tmp_path / "clip")
    result = finish(tmp_path / "clip", tmp_path / "work", size=(160, 120))
    film = [to_rgb(planes) for planes in read_planes(made(result)[Role.VIDEO])]
    assert len(film) == probe(tmp_path / "clip").frames
    assert np.abs(film[0][20, 80].astype(int) - RED).max() < 14
    assert np.abs(film[0][100, 80].astype(int) - BLUE).max() < 14


def test_transparent_pixels_are_black(tmp_path: Path) -> None:
    clip(tmp_path / "clip", "png", "rgba", form="mov", alpha=0)
    film = made(finish(tmp_path / "clip", tmp_path / "work", size=(160, 120)))[Role.VIDEO]
    assert to_rgb(next(iter(read_planes(film)))).max() < 8


@pytest.mark.parametrize(("turned", "red"), [(90, "left"), (180, "below"), (270, "right")])
def test_a_turned_clip_is_finished_upright(tmp_path: Path, turned: int, red: str) -> None:
    clip(tmp_path / "clip", turned=turned)
    upright = (120, 160) if turned % 180 else (160, 120)
    film = made(finish(tmp_path / "clip", tmp_path / "work", size=upright))[Role.VIDEO]
    first = to_rgb(next(iter(read_planes(film))))
    high, wide = first.shape[:2]
    place = {"left": (high // 2, wide // 5), "right": (high // 2, 4 * wide // 5), "below": (4 * high // 5, wide // 2)}
    assert np.abs(first[place[red]].astype(int) - RED).max() < 14


def test_an_unsupported_colour_matrix_is_read_as_bt709(tmp_path: Path) -> None:
    clip(tmp_path / "clip", options={"x264-params": "colormatrix=YCgCo"})
    shown = to_rgb(next(iter(read_planes(tmp_path / "clip"))))
    assert np.abs(shown[20, 80].astype(int) - RED).max() < 20, "the tag is wrong; the real matrix is BT.601"


def test_pixels_that_are_not_square_become_square(tmp_path: Path) -> None:
    clip(tmp_path / "clip", shape=2, options={"x264-params": "colormatrix=bt709"})  # only the pixels' shape is unusual
    facts = probe(tmp_path / "clip")
    assert (facts.width, facts.height) == (320, 120)
    assert {planes.y.shape for planes in read_planes(tmp_path / "clip")} == {(120, 320)}


@pytest.mark.parametrize("operation", ["loop", "loop:1"])
def test_too_few_frames_for_a_loop_are_refused(tmp_path: Path, operation: str) -> None:
    clip(tmp_path / "clip", frames=1)
    with pytest.raises(StageFailure) as failure:
        finish(tmp_path / "clip", tmp_path / "work", operation)
    assert failure.value.code == "clip_too_short"


def test_a_held_frame_keeps_its_duration_and_the_rate_of_the_rest(tmp_path: Path) -> None:
    clip(tmp_path / "clip", frames=25, times=[*range(24), 96])
    film = probe(made(finish(tmp_path / "clip", tmp_path / "work"))[Role.VIDEO])
    assert (float(film.fps), film.frames) == (24, 97)


def test_a_clip_with_uneven_timestamps_keeps_its_duration(tmp_path: Path) -> None:
    times = [0, 1, 2, 3, 12, 13, 14, 15, 30, 31, 32, 33]
    clip(tmp_path / "clip", frames=len(times), times=times)
    facts = probe(tmp_path / "clip")
    film = probe(made(finish(tmp_path / "clip", tmp_path / "work"))[Role.VIDEO])
    assert film.duration_seconds == pytest.approx(facts.duration_seconds, abs=2 / float(film.fps))


CAPTION = "1\n00:00:00,000 --> 00:00:01,000\nhi\n\n"


def _damaged_track(path: Path) -> None:
    """Write a damaged FLAC file. Its decoder verifies checksums."""
    track(path.with_suffix(".wav"))
    sound.write(path.with_suffix(".flac"), sound.read(path.with_suffix(".wav")))
    data = bytearray(path.with_suffix(".flac").read_bytes())
    data[len(data) // 2 :] = np.random.default_rng(1).bytes(len(data) - len(data) // 2)
    path.write_bytes(data)


DAMAGED_EXTRAS: list[tuple[str, str, Maker]] = [
    ("audio", "audio_unreadable", lambda path: path.write_text("no sound")),
    ("audio", "audio_missing", clip),
    ("audio", "audio_damaged", _damaged_track),
    ("captions", "captions_unreadable", lambda path: path.write_text("no captions")),
    ("captions", "captions_no_text", lambda path: path.write_bytes(b"MZ\x90\0 a program" * 20)),
    ("captions", "captions_too_long", lambda path: path.write_text(CAPTION * 2001)),
    ("captions", "captions_unsupported_script", lambda path: path.write_text(CAPTION + CAPTION.replace("hi", "བོད"))),
]


@pytest.mark.parametrize(("kind", "code", "make"), DAMAGED_EXTRAS)
def test_unusable_audio_and_captions_fail_with_their_own_code(
    tmp_path: Path, kind: str, code: str, make: Maker
) -> None:
    clip(tmp_path / "clip")
    make(tmp_path / "other")
    given: Iterator[Path | None] = ((tmp_path / "other") if kind == one else None for one in ("audio", "captions"))
    audio, captions = given
    with pytest.raises(StageFailure) as failure:
        finish(tmp_path / "clip", tmp_path / "work", audio=audio, captions=captions)
    assert failure.value.code == code
    assert failure.value.public_message.endswith(".")
