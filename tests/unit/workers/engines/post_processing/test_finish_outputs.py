"""The outputs beside the film match the film."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from shared.stages.stages import STAGES, Role, Stage
from tests.support.variants import few_quick
from tests.unit.workers.engines.post_processing.test_finish import finish, made
from tests.unit.workers.finishing.test_soundtrack import pieces, tone
from tests.unit.workers.media.test_codecs import write_clip
from workers.media import sound
from workers.media.boxes import boxes
from workers.media.codecs import read_planes
from workers.media.loudness import integrated
from workers.media.planes import to_rgb
from workers.media.probe import probe


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", frames=50, fps=24, size=(320, 180))


def test_optional_outputs_are_made_on_request_only(clip: Path, tmp_path: Path) -> None:
    spec = STAGES[Stage.POST_PROCESSING]
    assert set(made(finish(clip, tmp_path / "plain"))) == spec.produces | {Role.PICTURE}
    assert set(made(finish(clip, tmp_path / "more", "av1", "gif"))) == spec.produces | spec.on_request


def test_av1_shows_the_same_film_and_starts_at_once(clip: Path, tmp_path: Path) -> None:
    files = made(finish(clip, tmp_path / "work", "av1", "grade:noir", size=(320, 180)))
    with av.open(str(files[Role.AV1])) as container:
        assert container.streams.video[0].codec_context.name in {"libdav1d", "av1"}
    kinds = [box.kind for box in boxes(files[Role.AV1])]
    assert kinds.index("moov") < kinds.index("mdat")
    h264, av1 = (list(read_planes(files[role])) for role in (Role.VIDEO, Role.AV1))
    assert len(h264) == len(av1) == 50
    assert max(float(np.abs(a.y.astype(int) - b.y).mean()) for a, b in zip(h264, av1, strict=True)) < 4


@pytest.mark.parametrize(("role", "options"), [(Role.PREVIEW, ()), (Role.GIF, ("gif",))])
def test_the_preview_has_the_speed_of_the_film(
    clip: Path, tmp_path: Path, role: Role, options: tuple[str, ...]
) -> None:
    path = made(finish(clip, tmp_path / "work", *options, size=(640, 360)))[role]
    with Image.open(path) as moving:
        assert getattr(moving, "n_frames", 1) == 25
        assert min(moving.size) in {180, 240}
        durations = []
        for index in range(25):
            moving.seek(index)
            moving.load()
            durations.append(moving.info["duration"])
        assert np.mean(durations[:24]) == pytest.approx(1000 / 12, abs=4)
        assert np.ptp(durations) <= 10, "the unit of a GIF, in ms"


def test_the_poster_has_the_films_bars_and_watermark_but_no_caption_and_no_fade(clip: Path, tmp_path: Path) -> None:
    srt = tmp_path / "a.srt"
    srt.write_text("1\n00:00:00,000 --> 00:00:03,000\nA CAPTION WITH MANY SHARP LETTERS\n")
    options = ("letterbox:2.39", "watermark:top-left")
    plain, lettered = (
        np.asarray(
            Image.open(made(finish(clip, tmp_path / name, *all_options, size=(640, 360), captions=captions))[role])
        )
        for name, captions, all_options in (("plain", None, options), ("lettered", srt, (*options, "fade")))
        for role in [Role.POSTER]
    )
    assert np.array_equal(plain, lettered)
    assert plain[:40].max() < 16
    bare = np.asarray(Image.open(made(finish(clip, tmp_path / "bare", size=(640, 360)))[Role.POSTER])).astype(int)
    inside = np.abs(plain.astype(int) - bare)[60:300].max(axis=2)
    assert inside[:60, :200].max() > 40, "the watermark"
    assert inside[100:].mean() < 2, "the same frame"


def test_letterbox_bars_do_not_cover_a_subject_at_the_top(clip: Path, tmp_path: Path) -> None:
    whole, boxed = (
        next(
            iter(
                read_planes(
                    made(finish(clip, tmp_path / name, *options, size=(640, 360), subject_place=place))[Role.VIDEO]
                )
            )
        )
        for name, options, place in (("whole", (), None), ("boxed", ("letterbox:2.39",), (0.4, 0.0, 0.6, 0.15)))
    )
    foot = (360 - round(640 / 2.39)) // 2
    assert boxed.y[: foot - 2].max() < 20
    assert np.abs(boxed.y[foot + 2 : foot + 60].astype(int) - whole.y[2:60]).mean() < 4, "the top of the picture"


def test_each_sprite_is_the_frame_of_its_time(clip: Path, tmp_path: Path) -> None:
    files = made(finish(clip, tmp_path / "work", size=(320, 180)))
    film = [to_rgb(planes) for planes in read_planes(files[Role.VIDEO])]
    sheet = np.asarray(Image.open(files[Role.SPRITES]))
    lines = files[Role.SCRUBBING].read_text().split("\n\n")
    assert lines[0] == "WEBVTT"
    cues = [line.splitlines() for line in lines[1:] if line.strip()]
    assert len(cues) == 9
    for index, (times, part) in enumerate(cues):
        name, _, place = part.partition("#xywh=")
        x, y, wide, high = map(int, place.split(","))
        assert (name, wide, high) == ("sprites.jpg", 160, 90)
        assert times.startswith(f"00:00:0{index // 4}.{index % 4 * 250:03} --> ")
        tile = sheet[y : y + high, x : x + wide].astype(int)
        nearest = min(range(50), key=lambda at: float(np.abs(film[at][::2, ::2] - tile).mean()))
        assert nearest == pytest.approx(index * 6, abs=1)
    assert cues[-1][0].endswith("00:00:02.083")


def test_sound_is_in_the_film_in_av1_and_in_the_stream(clip: Path, tmp_path: Path) -> None:
    sound.write(tmp_path / "track.flac", pieces(tone((5, -30))))
    result = finish(clip, tmp_path / "work", "av1", audio=tmp_path / "track.flac")
    files = made(result)
    for role in (Role.VIDEO, Role.AV1, Role.STREAM):
        decoded = np.concatenate(list(sound.read(files[role])), axis=1)
        assert decoded.shape[1] / sound.RATE == pytest.approx(50 / 24, abs=0.05)
        assert integrated(pieces(decoded)) == pytest.approx(-14, abs=0.6)
    assert probe(files[Role.VIDEO]).frames == 50
    assert result.metrics["lufs"] == pytest.approx(-14, abs=0.6)
    with av.open(str(files[Role.PLAYLIST])) as container:
        assert {stream.type for stream in container.streams} == {"video", "audio"}
        assert sum(1 for _ in container.decode(video=0)) == 50
    kinds = [box.kind for box in boxes(files[Role.VIDEO])]
    assert kinds.index("moov") < kinds.index("mdat")


@pytest.mark.parametrize(
    ("size", "tier"),
    few_quick([((1280, 720), "720p"), ((1920, 1080), "1080p"), ((2560, 1440), "1440p"), ((3840, 2160), "4k")], 1),
)
def test_every_tier_is_delivered_in_its_size(tmp_path: Path, size: tuple[int, int], tier: str) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=3, fps=24, size=(320, 180))
    facts = probe(made(finish(clip, tmp_path / tier, size=size))[Role.VIDEO])
    assert (facts.width, facts.height, facts.frames) == (*size, 3)
