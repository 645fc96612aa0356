"""Verification of uploads: accepted files, and the codes of refused ones."""

import json
import os
import struct
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from PIL import Image, ImageCms

from local.environment import MODELS
from tests.unit.workers.media.test_codecs import write_clip
from tests.unit.workers.media.test_subject import flower, with_models
from workers.media.codecs import read_planes
from workers.media.planes import to_rgb
from workers.media.probe import probe
from workers.verification import child, clips
from workers.verification import inspect as inspection
from workers.verification.child import _limit
from workers.verification.confinement import Unconfined
from workers.verification.inspect import inspect
from workers.verification.verdict import CleanMedia, MediaKind, Rejected


def picture(width: int = 96, height: int = 80) -> Image.Image:
    """Return a picture that is red above and blue below, so that a wrong orientation is visible."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2] = 220, 30, 30
    pixels[height // 2 :] = 30, 30, 220
    return Image.fromarray(pixels)


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that declares a size and has no pixels."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = b"IDAT" + zlib.compress(b"")
    chunks = [
        struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (head, data)
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def refused(path: Path, kind: MediaKind, folder: Path) -> str:
    with pytest.raises(Rejected) as rejected:
        child.examine(path, kind, folder)
    assert rejected.value.public_message.endswith(".")
    return rejected.value.code


def clean(path: Path, kind: MediaKind, folder: Path) -> CleanMedia:
    folder.mkdir(exist_ok=True)
    return child.examine(path, kind, folder)


def _truncated(path: Path) -> bytes:
    picture(400, 300).effect_spread(40).save(path, format="JPEG")
    return path.read_bytes()[:-2000]


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("empty", lambda _: b""),
        ("not_a_picture", lambda _: b"dear reader, this is only text" * 9),
        ("damaged", lambda _: b"GIF89a" + bytes(200)),
        ("not_a_picture", lambda _: b"\0\0\0\x18ftypheic" + bytes(200)),
        ("damaged", _truncated),
        ("too_large", lambda _: png_header(40_000, 40_000)),
        ("too_large", lambda _: png_header(8000, 8000)),
        ("too_small", lambda _: png_header(63, 900)),
    ],
)
def test_an_unusable_picture_is_refused_with_its_code(
    tmp_path: Path, code: str, content: Callable[[Path], bytes]
) -> None:
    upload = tmp_path / "holiday.jpg"
    upload.write_bytes(content(upload))
    assert refused(upload, MediaKind.IMAGE, tmp_path) == code
    assert not (tmp_path / "clean.png").exists()


def test_a_sideways_photo_is_turned_upright_and_loses_its_metadata(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate 90 degrees clockwise
    exif[0x010E] = "taken at home"
    upload = tmp_path / "photo.jpg"
    picture().transpose(Image.Transpose.ROTATE_90).save(upload, exif=exif, quality=95)

    facts = clean(upload, MediaKind.IMAGE, tmp_path / "out")

    assert (facts.media_type, facts.width, facts.height, facts.duration_seconds) == ("image/png", 96, 80, None)
    with Image.open(facts.path) as seen:
        assert seen.mode == "RGB"
        assert seen.getpixel((48, 10))[0] > 180  # type: ignore[index]  # RGB, so a tuple
        assert not seen.getexif()
        assert b"taken at home" not in facts.path.read_bytes()


def test_unusual_pixels_become_plain_rgb(tmp_path: Path) -> None:
    clear = picture().convert("RGBA")
    clear.putalpha(0)
    deep = Image.fromarray(np.full((80, 96), 40_000, np.uint16))
    expected = {
        "clear.png": (255, 255, 255),
        "deep.png": (156, 156, 156),
        "cmyk.jpg": (220, 30, 30),
        "moving.webp": (220, 30, 30),
    }
    clear.save(tmp_path / "clear.png")
    deep.save(tmp_path / "deep.png")
    picture().convert("CMYK").save(tmp_path / "cmyk.jpg", quality=98)
    picture().save(tmp_path / "moving.webp", save_all=True, append_images=[Image.new("RGB", (96, 80))], lossless=True)
    for name, colour in expected.items():
        facts = clean(tmp_path / name, MediaKind.IMAGE, tmp_path / "out")
        with Image.open(facts.path) as seen:
            assert (seen.mode, seen.size) == ("RGB", (96, 80)), name
            assert np.abs(np.asarray(seen)[10, 20].astype(int) - colour).max() <= 6, name


def display_p3() -> bytes:
    """Return a profile like those of phones: sRGB with the primaries of Display P3, adapted to the PCS illuminant."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    primaries = {
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    for number in range(struct.unpack(">I", profile[128:132])[0]):
        tag, offset, _ = struct.unpack(">4sII", profile[132 + 12 * number : 144 + 12 * number])
        for place, value in enumerate(primaries.get(tag, ())):
            profile[offset + 8 + 4 * place : offset + 12 + 4 * place] = struct.pack(">i", round(value * 65536))
    return bytes(profile)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_colours_are_converted_from_the_profile_and_the_profile_is_removed(tmp_path: Path, mode: str) -> None:
    upload = tmp_path / "phone.png"
    Image.new("RGB", (96, 80), (200, 40, 40)).convert(mode).save(upload, icc_profile=display_p3())
    facts = clean(upload, MediaKind.IMAGE, tmp_path / "out")
    with Image.open(facts.path) as seen:
        assert (seen.mode, seen.info.get("icc_profile")) == ("RGB", None)
        expected = (87, 87, 87) if mode == "L" else (218, 0, 26)  # an RGB profile is ignored for a grey picture
        assert np.abs(np.asarray(seen)[10, 20].astype(int) - expected).max() <= 3


def test_an_invalid_profile_is_ignored(tmp_path: Path) -> None:
    upload = tmp_path / "phone.jpg"
    picture().save(upload, icc_profile=b"no profile at all" * 20, quality=95)
    facts = clean(upload, MediaKind.IMAGE, tmp_path / "out")
    with Image.open(facts.path) as seen:
        assert np.abs(np.asarray(seen)[10, 20].astype(int) - (220, 30, 30)).max() <= 6
        assert "icc_profile" not in seen.info


def test_a_clip_comes_out_upright_silent_and_no_larger_than_720_lines(tmp_path: Path) -> None:
    upload = sideways_clip(tmp_path / "phone.mov", picture(1440, 1080), frames=75, fps=60)
    facts = clean(upload, MediaKind.VIDEO, tmp_path / "out")
    assert (facts.media_type, facts.width, facts.height) == ("video/mp4", 720, 960)
    assert facts.duration_seconds == pytest.approx(1.25, abs=0.04)
    assert probe(facts.path).fps == 30
    with av.open(str(facts.path)) as container:
        assert [stream.type for stream in container.streams] == ["video"]
    shown = to_rgb(next(iter(read_planes(facts.path))))
    assert shown[480, 100, 0] > 180  # after a quarter turn to the left, the upper half is at the left
    assert shown[480, -100, 2] > 180


def sideways_clip(path: Path, frame: Image.Image, frames: int, fps: int) -> Path:
    """Write a clip whose display matrix requests a quarter turn to the left."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *frame.size, "yuv420p"
        stream.set_display_rotation(90)
        sound = container.add_stream("aac", rate=44_100)
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(frame), format="rgb24")))
        container.mux(stream.encode(None))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 44_100
        container.mux(sound.encode(silence))
        container.mux(sound.encode(None))
    return path


def test_an_unusable_clip_is_refused_with_its_code(tmp_path: Path) -> None:
    good = write_clip(tmp_path / "good.mp4", frames=40, fps=30, size=(96, 80))
    whole = good.read_bytes()
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(whole[: len(whole) // 2])
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXTINF:1,\n{good}\n#EXT-X-ENDLIST\n")
    short = write_clip(tmp_path / "short.mp4", frames=10, fps=30, size=(96, 80))
    small = write_clip(tmp_path / "small.mp4", frames=40, fps=30, size=(96, 48))
    reasons = {broken: "incomplete", playlist: "not_a_clip", short: "wrong_length", small: "too_small"}
    for upload, code in reasons.items():
        assert refused(upload, MediaKind.VIDEO, tmp_path) == code


def test_a_track_becomes_plain_flac(tmp_path: Path) -> None:
    upload = tmp_path / "song.mp3"
    with av.open(str(upload), "w", format="mp3") as container:
        container.metadata["title"] = "made at home"
        stream = container.add_stream("mp3", rate=44_100, layout="mono")
        for _ in range(60):
            frame = av.AudioFrame.from_ndarray(np.full((1, 1152), 0.1, np.float32), format="fltp", layout="mono")
            frame.sample_rate = 44_100
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    facts = clean(upload, MediaKind.AUDIO, tmp_path / "out")
    assert (facts.media_type, facts.width, facts.height) == ("audio/flac", None, None)
    assert facts.duration_seconds == pytest.approx(60 * 1152 / 44_100, abs=0.06)
    assert b"made at home" not in facts.path.read_bytes()


def track(path: Path, codec: str) -> Path:
    """Write two seconds of noise."""
    with av.open(str(path), "w") as container:
        stream = cast(av.AudioStream, container.add_stream(codec, rate=48_000, layout="stereo"))
        if path.suffix == ".mp4":  # a clip with this sound
            video = container.add_stream("libx264", rate=30)
            video.width, video.height, video.pix_fmt = 96, 80, "yuv420p"
            for _ in range(40):
                container.mux(video.encode(av.VideoFrame.from_ndarray(np.asarray(picture()), format="rgb24")))
            container.mux(video.encode(None))
        noise = np.random.default_rng(7).uniform(-0.3, 0.3, (2, 96_000)).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="stereo")
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.m4a", "alac"), ("a.flac", "flac"), ("a.ogg", "libopus"),
        ("a.webm", "libopus"), ("a.wav", "pcm_s16le"), ("a.wav", "pcm_s24le"), ("a.wav", "pcm_f32le"), ("a.mka", "ac3"),
    ],
)  # fmt: skip
def test_tracks_of_usual_codecs_are_read(tmp_path: Path, name: str, codec: str) -> None:
    facts = clean(track(tmp_path / name, codec), MediaKind.AUDIO, tmp_path / "out")
    assert facts.duration_seconds == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(("name", "codec"), [("a.wav", "adpcm_ms"), ("a.mka", "mp2")])
def test_a_track_of_an_unusual_codec_is_refused(tmp_path: Path, name: str, codec: str) -> None:
    assert refused(track(tmp_path / name, codec), MediaKind.AUDIO, tmp_path) == "unsupported_codec"


def test_other_codecs_are_not_decoded_when_a_file_is_opened(tmp_path: Path) -> None:
    """FFmpeg would decode a little of each stream, also of the sound of a clip, to find its format."""
    clip, song = track(tmp_path / "a.mp4", "ac3"), track(tmp_path / "a.mka", "mp2")
    av.logging.set_level(av.logging.ERROR)
    try:
        for path, kind, decoder in ((clip, MediaKind.VIDEO, "ac3"), (song, MediaKind.AUDIO, "mp2")):
            with av.logging.Capture() as lines:
                (tmp_path / "out").mkdir(exist_ok=True)
                with suppress(Rejected):
                    child.examine(path, kind, tmp_path / "out")
            assert any(f"Codec ({decoder}) not on whitelist" in text for _, _, text in lines)
    finally:
        av.logging.set_level(None)


def test_captions_become_plain_srt(tmp_path: Path) -> None:
    upload = tmp_path / "words.srt"
    upload.write_bytes("1\r\n00:00:01,000 --> 00:00:02,000\r\n<b>Grüße</b>\r\n".encode("cp1252"))
    facts = clean(upload, MediaKind.OTHER, tmp_path / "out")
    assert facts.path.read_text("utf-8") == "1\n00:00:01,000 --> 00:00:02,000\nGrüße\n"


@pytest.mark.parametrize(
    ("kind", "code", "content"),
    [
        (MediaKind.AUDIO, "not_a_track", b"RIFF no sound in here" * 9),
        (MediaKind.AUDIO, "not_a_track", b"#EXTM3U\n/etc/hostname\n"),
        (
            MediaKind.AUDIO,
            "wrong_length",
            b"RIFF\x24\x20\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x44\xac\0\0\x88\x58\x01\0\x02\0\x10\0data\0\x20\0\0"
            + bytes(8192),
        ),
        (MediaKind.OTHER, "not_captions", b"only text" * 20),
        (MediaKind.OTHER, "no_text", b"MZ\x90\0 a program" * 20),
        (MediaKind.OTHER, "too_long", b"1\n00:00:00,000 --> 00:00:01,000\nhi\n\n" * 2001),
        (MediaKind.OTHER, "unsupported_script", "1\n00:00:00,000 --> 00:00:01,000\nབོད\n".encode()),
        (MediaKind.OTHER, "empty", b""),
    ],
)
def test_unusable_audio_and_captions_are_refused_with_their_code(
    tmp_path: Path, kind: MediaKind, code: str, content: bytes
) -> None:
    (tmp_path / "upload").write_bytes(content)
    assert refused(tmp_path / "upload", kind, tmp_path) == code


def test_a_clip_that_ends_before_its_stated_duration_is_incomplete(tmp_path: Path) -> None:
    upload = write_clip(tmp_path / "front.mp4", frames=60, fps=30, size=(96, 80), faststart=True)
    upload.write_bytes(upload.read_bytes()[: upload.stat().st_size // 2])
    assert refused(upload, MediaKind.VIDEO, tmp_path) == "incomplete"
    assert not (tmp_path / "clean.mp4").exists()


def _recorded(
    path: Path, form: str = "webm", *, options: dict[str, str] | None = None, sound: float = 0, start: int = 0,
    times: list[int] | None = None,
) -> None:  # fmt: skip
    """Write 3 s at 30 frames per second, like other recorders, from frame `start` and with `sound` seconds of sound."""
    shown = av.VideoFrame.from_ndarray(np.asarray(picture()), format="rgb24").reformat(format="yuv420p")
    with av.open(str(path), "w", format=form, options=options or {}) as container:
        stream = container.add_stream("libvpx" if form == "webm" else "libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = shown.width, shown.height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 30)
        track = container.add_stream("libopus" if form == "webm" else "aac", rate=48_000) if sound else None
        for index in times or range(90):
            shown.pts, shown.time_base = index + start, Fraction(1, 30)
            container.mux(stream.encode(shown))
        container.mux(stream.encode(None))
        if track:
            for index in range(round(sound * 50)):
                silence = av.AudioFrame.from_ndarray(np.zeros((1, 1920), np.int16), format="s16", layout="stereo")
                silence.sample_rate, silence.pts, silence.time_base = 48_000, index * 960, Fraction(1, 48_000)
                container.mux(track.encode(silence))
            container.mux(track.encode(None))


RECORDED: dict[str, tuple[float, Callable[[Path], None]]] = {
    "no duration in its header": (3, lambda path: _recorded(path, options={"live": "1"})),
    "sound longer than the picture": (3, lambda path: _recorded(path, sound=5)),
    "beginning at two seconds": (3, lambda path: _recorded(path, start=60)),
    "in fragments": (3, lambda path: _recorded(path, "mp4", options={"movflags": "frag_keyframe+empty_moov"})),
    "longer sound in MP4": (3, lambda path: _recorded(path, "mp4", sound=5)),
    "a picture held": (5, lambda path: _recorded(path, "mp4", times=[*range(60), 149])),
    "one picture a second": (5, lambda path: _recorded(path, "mp4", times=[0, 30, 60, 90, 120])),
}


@pytest.mark.parametrize(("seconds", "make"), RECORDED.values(), ids=RECORDED.keys())
def test_valid_clips_of_any_recorder_are_accepted(tmp_path: Path, seconds: float, make: Callable[[Path], None]) -> None:
    make(tmp_path / "upload")
    facts = clean(tmp_path / "upload", MediaKind.VIDEO, tmp_path / "out")
    assert facts.duration_seconds == pytest.approx(seconds, abs=0.11)


def test_a_cut_webm_is_incomplete(tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    _recorded(upload)
    upload.write_bytes(upload.read_bytes()[: upload.stat().st_size // 2])
    assert refused(upload, MediaKind.VIDEO, tmp_path) == "incomplete"


def test_pixels_that_are_not_square_are_made_square(tmp_path: Path) -> None:
    upload = tmp_path / "upload.mp4"
    with av.open(str(upload), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 80, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(2)
        for _ in range(40):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture()), format="rgb24")))
        container.mux(stream.encode(None))
    facts = clean(upload, MediaKind.VIDEO, tmp_path / "out")
    assert (facts.width, facts.height) == (192, 80)


def test_the_child_accepts_refuses_and_times_out(tmp_path: Path) -> None:
    upload = tmp_path / "upload"
    picture().save(upload, format="PNG")
    accepted = inspect(upload, MediaKind.IMAGE, tmp_path)
    assert isinstance(accepted, CleanMedia)
    assert accepted.path == tmp_path / "clean.png"
    assert accepted.bytes == accepted.path.stat().st_size

    upload.write_text("not a picture at all")
    verdict = inspect(upload, MediaKind.IMAGE, tmp_path)
    assert isinstance(verdict, Rejected)
    assert verdict.code == "not_a_picture"

    dead = inspect(upload, MediaKind.IMAGE, tmp_path, timeout_seconds=0.01)
    assert isinstance(dead, Rejected)
    assert dead.code == "too_slow"


def test_a_kernel_that_refuses_a_limit_rejects_no_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture().save(tmp_path / "upload", format="PNG")
    monkeypatch.setattr(inspection, "_CHILD", "tests.support.refusing_kernel")
    with pytest.raises(Unconfined, match="refused a limit"):
        inspect(tmp_path / "upload", MediaKind.IMAGE, tmp_path)


def test_the_child_has_no_credentials_and_little_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setattr(inspection, "_CHILD", __name__)
    verdict = inspect(tmp_path / "upload", MediaKind.IMAGE, tmp_path)
    assert isinstance(verdict, Rejected)
    assert (verdict.code, verdict.public_message) == ("no secret", "no memory left")


if __name__ == "__main__":  # a child process that reports the secrets and the memory that it has
    _limit(5)
    try:
        taken = f"took {len(bytearray(3 * 2**30))} bytes"
    except MemoryError:
        taken = "no memory left"
    seen = "a secret" if "AWS_SECRET_ACCESS_KEY" in os.environ else "no secret"
    sys.stdout.write(json.dumps({"code": seen, "public_message": taken}))


@pytest.mark.parametrize("kind", ["wide", "free", "skip"])
def test_a_mov_may_begin_with_an_empty_box(tmp_path: Path, kind: str) -> None:
    upload = write_clip(tmp_path / "upload.mp4", frames=40, fps=30, size=(96, 80), faststart=True)
    upload.write_bytes(b"\0\0\0\x08" + kind.encode() + upload.read_bytes())
    # the offsets of the samples move by the same 8 bytes
    data = bytearray(upload.read_bytes())
    at = data.index(b"stco") + 12
    for place in range(at, at + 4 * int.from_bytes(data[at - 4 : at]), 4):
        data[place : place + 4] = (int.from_bytes(data[place : place + 4]) + 8).to_bytes(4)
    upload.write_bytes(data)
    assert clean(upload, MediaKind.VIDEO, tmp_path / "out").duration_seconds == pytest.approx(40 / 30, abs=0.05)
    upload.write_bytes(data[: len(data) // 2])
    assert refused(upload, MediaKind.VIDEO, tmp_path) == "incomplete"


def test_a_clip_of_too_many_large_frames_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = write_clip(tmp_path / "upload.mp4", frames=40, fps=30, size=(96, 80))
    monkeypatch.setattr(clips, "MAX_PIXELS", 40 * 96 * 80)
    assert clean(upload, MediaKind.VIDEO, tmp_path / "out").duration_seconds
    monkeypatch.setattr(clips, "MAX_PIXELS", 40 * 96 * 80 - 1)
    with monkeypatch.context() as patched:
        patched.setattr(clips, "read_timed", None)
        assert refused(upload, MediaKind.VIDEO, tmp_path) == "too_many_pixels"


def test_a_clip_that_grows_after_its_first_frame_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = write_clip(tmp_path / "upload.mp4", frames=40, fps=30, size=(96, 80))
    monkeypatch.setattr(clips, "MAX_PIXELS", 40 * 96 * 80 - 1)
    monkeypatch.setattr(clips, "_check", lambda _: None)  # the header declares small frames
    assert refused(upload, MediaKind.VIDEO, tmp_path) == "too_many_pixels"


def test_a_codec_of_no_camera_is_refused(tmp_path: Path) -> None:
    upload = tmp_path / "upload.mkv"
    with av.open(str(upload), "w") as container:
        stream = container.add_stream("mpeg1video", rate=30)
        stream.width, stream.height, stream.pix_fmt = 96, 80, "yuv420p"
        for _ in range(40):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture()), format="rgb24")))
        container.mux(stream.encode(None))
    assert refused(upload, MediaKind.VIDEO, tmp_path) == "unsupported_codec"


@with_models
def test_the_process_without_credentials_finds_the_matte_of_a_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_MODELS", str(MODELS))
    Image.fromarray(flower()).save(tmp_path / "upload", format="PNG")
    (tmp_path / "clean").mkdir()
    verdict = inspect(tmp_path / "upload", MediaKind.IMAGE, tmp_path / "clean")
    assert isinstance(verdict, CleanMedia)
    assert verdict.matte is not None
    matte = np.asarray(Image.open(verdict.matte))
    assert matte.shape == (360, 576)
    assert matte[180, 204] > 200
    assert matte[20, 20] < 50
