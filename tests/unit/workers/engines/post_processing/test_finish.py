"""Finishing a film: operations, stabilisation and outputs."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from shared.stages import operations
from shared.stages.requests import PostProcessingJob
from shared.stages.stages import STAGES, Role, Stage
from tests.unit.workers.media.test_codecs import write_clip
from tests.unit.workers.motion.test_camera_path import HEIGHT, WIDTH, filmed, straight
from workers.engines.contract import StageResult, Stopped, Workspace
from workers.engines.post_processing.finish import Finish
from workers.finishing.treatments import Denoise, Vignette
from workers.media.codecs import ClipWriter, read_planes
from workers.media.looks import LOOKS, Grade
from workers.media.planes import Planes, from_rgb, to_rgb
from workers.media.probe import probe
from workers.motion import camera_path


def finish(
    clip: Path,
    folder: Path,
    *requested: str,
    size: tuple[int, int] = (160, 90),
    progress: Callable[[float], None] = lambda _: None,
    audio: Path | None = None,
    captions: Path | None = None,
    subject_place: tuple[float, float, float, float] | None = None,
) -> StageResult:
    folder.mkdir(exist_ok=True)
    request = PostProcessingJob(
        job_id="job_1",
        user_id="usr_1",
        video_url="s3://media/clip.mp4",
        operations=requested,
        width=size[0],
        height=size[1],
        seed=5,
        audio_url=str(audio) if audio else None,
        captions_url=str(captions) if captions else None,
        subject_place=subject_place,
    )
    fetch = {"s3://media/clip.mp4": clip}
    return Finish().run(request, Workspace(folder, lambda url: fetch.get(url, Path(url)), progress))


def made(result: StageResult) -> dict[Role, Path]:
    return {output.role: output.path for output in result.outputs}


def test_the_stage_makes_all_outputs_and_they_match(tmp_path: Path) -> None:
    reported: list[float] = []
    clip = write_clip(tmp_path / "clip.mp4", frames=30, fps=24)
    result = finish(clip, tmp_path / "work", "grade:noir", size=(641, 361), progress=reported.append)

    files = made(result)
    assert set(files) == STAGES[Stage.POST_PROCESSING].produces | {Role.PICTURE}
    film = probe(files[Role.VIDEO])
    assert (film.width, film.height, film.frames, float(film.fps)) == (640, 360, 30, 24)
    assert probe(files[Role.STREAM]).frames in (0, 30)
    assert "stream.mp4" in files[Role.PLAYLIST].read_text()
    with Image.open(files[Role.POSTER]) as poster, Image.open(files[Role.THUMBNAIL]) as thumbnail:
        assert (poster.size, thumbnail.size) == ((640, 360), (480, 270))
        assert np.ptp(np.asarray(poster), axis=2).max() < 12  # noir has no colour
    assert (result.metrics["frames"], result.metrics["operations"]) == (30, ["grade:noir"])
    assert len(reported) == 30
    assert reported == sorted(reported)
    assert reported[-1] == 1


def test_the_last_frame_has_no_treatments(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=12, fps=24)
    requested = ("grade:noir", "vignette", "grain", "letterbox", "watermark", "fade")
    treated = made(finish(clip, tmp_path / "treated", *requested, size=(320, 180)))
    plain = made(finish(clip, tmp_path / "plain", size=(320, 180)))
    assert treated[Role.PICTURE].read_bytes() == plain[Role.PICTURE].read_bytes()
    *_, newest = read_planes(plain[Role.VIDEO])
    with Image.open(plain[Role.PICTURE]) as picture:
        assert np.abs(np.asarray(picture).astype(int) - to_rgb(newest)).mean() < 6


def test_same_seed_gives_same_bytes(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=12, fps=24)
    films = [
        made(finish(clip, tmp_path / name, "grain", size=(320, 180)))[Role.VIDEO].read_bytes()
        for name in ("one", "two")
    ]
    assert films[0] == films[1]


def test_another_aspect_ratio_is_cropped_and_not_stretched(tmp_path: Path) -> None:
    ring = np.zeros((180, 320, 3), np.uint8)
    cv2.circle(ring, (160, 90), 50, (255, 255, 255), -1)
    with ClipWriter(tmp_path / "ring.mp4", 320, 180, 24) as writer:
        writer.write(from_rgb(ring))
    film = made(finish(tmp_path / "ring.mp4", tmp_path / "work", size=(180, 320)))[Role.VIDEO]
    lit = next(iter(read_planes(film))).y > 128
    high, wide = np.ptp(np.nonzero(lit.any(1))[0]), np.ptp(np.nonzero(lit.any(0))[0])
    assert high == pytest.approx(wide, abs=5)
    assert wide == pytest.approx(100 * 320 / 180, abs=4)


def test_stabilising_removes_the_shake_of_the_film(tmp_path: Path) -> None:
    shake = np.random.default_rng(6).normal(0, 0.006, (2, 45))
    path = straight(np.linspace(0, 0.15, 45) + shake[0] + 1j * shake[1])
    grey = np.full((HEIGHT // 2, WIDTH // 2), 128, np.uint8)
    with ClipWriter(tmp_path / "shaky.mp4", WIDTH, HEIGHT, 30) as writer:
        for luma in filmed(path):
            writer.write(Planes(luma, grey, grey))
    result = finish(tmp_path / "shaky.mp4", tmp_path / "work", "stabilise", size=(480, 270))

    film = read_planes(made(result)[Role.VIDEO])
    measured = camera_path.accumulate(camera_path.estimate(camera_path.tracked(film)))
    assert measured.jitter() < path.jitter() / 10
    assert measured.dx[-1] == pytest.approx(0.15, abs=0.05)
    assert 1 < float(str(result.metrics["crop"])) <= 1.12


def test_all_operations_can_be_combined(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=24, fps=24, size=(320, 180))
    (tmp_path / "a.srt").write_text("1\n00:00:00,200 --> 00:00:00,700\nhello there\n")
    everything = tuple(operations.OPERATIONS)
    result = finish(clip, tmp_path / "work", *everything, size=(320, 180), captions=tmp_path / "a.srt")
    film = list(read_planes(made(result)[Role.VIDEO]))
    assert film[0].y.shape == (360, 640)
    assert len(film) == result.metrics["frames"] == round((24 - 8) * 60 / 24)
    assert (film[0].y[:180] < 30).all(), "the film fades in"
    assert result.metrics["operations"] == [str(one) for one in operations.parse(everything).values()]
    assert {"jitterBefore", "crop", "cuts"} <= set(result.metrics)


def test_captions_are_visible_in_their_time_only(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=48, fps=24, size=(320, 180))
    (tmp_path / "a.srt").write_text("1\n00:00:01,000 --> 00:00:01,500\nhello there\n")
    plain, lettered = (
        list(read_planes(made(finish(clip, tmp_path / name, size=(320, 180), captions=captions))[Role.VIDEO]))
        for name, captions in (("plain", None), ("lettered", tmp_path / "a.srt"))
    )
    visible = [np.abs(a.y[120:].astype(int) - b.y[120:]).max() > 60 for a, b in zip(plain, lettered, strict=True)]
    assert [index for index, on in enumerate(visible) if on] == list(range(24, 36))


def test_captions_with_a_common_time_or_of_a_moment_are_all_visible_and_counted(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=24, fps=24, size=(320, 180))
    times = ["00.000 --> 00:00:00.500", "00.250 --> 00:00:00.500", "00.700 --> 00:00:00.701", "05.000 --> 00:00:06.000"]
    (tmp_path / "a.srt").write_text("\n".join(f"00:00:{time}\na\nb\nc\n" for time in times))
    result = finish(clip, tmp_path / "work", size=(320, 180), captions=tmp_path / "a.srt")
    white = [int((planes.y > 225).any(axis=1).sum()) for planes in read_planes(made(result)[Role.VIDEO])]
    assert white[8] > 1.6 * white[2] > 0, "six lines and three lines"
    assert [index for index, rows in enumerate(white) if rows > white[-1]] == [*range(12), 17]
    assert (result.metrics["captions"], result.metrics["captionsAfterEnd"]) == (3, 1)


def test_a_stopped_run_leaves_no_film(tmp_path: Path) -> None:
    def stop(_: float) -> None:
        raise Stopped

    with pytest.raises(Stopped):
        finish(write_clip(tmp_path / "clip.mp4", frames=9, fps=24), tmp_path / "work", progress=stop)
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_keeps_greys_in_order_and_black_and_white_neutral(name: str) -> None:
    greys = np.repeat(np.arange(256, dtype=np.uint8), 2 * 3).reshape(1, 512, 3).repeat(2, 0)
    graded = Grade.of(LOOKS[name])(from_rgb(greys))
    assert (np.diff(graded.y[0].astype(int)) >= 0).all()
    for end in (0, -1):
        assert abs(int(graded.u[0, end]) - 128) <= 1
        assert abs(int(graded.v[0, end]) - 128) <= 1


def test_denoising_reduces_noise_and_keeps_motion() -> None:
    random = np.random.default_rng(8)
    half = np.full((45, 80), 128, np.uint8)
    denoise = Denoise(1.0)
    noisy = [(100 + random.normal(0, 3, (90, 160))).astype(np.uint8) for _ in range(12)]
    calm = [denoise(Planes(y, half, half)).y for y in noisy][-1]
    assert calm.std() < noisy[-1].std() / 2
    cut = denoise(Planes(np.full((90, 160), 200, np.uint8), half, half)).y
    assert np.abs(cut.astype(int) - 200).max() <= 1


def test_a_vignette_darkens_the_corners_and_not_the_middle() -> None:
    grey = from_rgb(np.full((90, 160, 3), 180, np.uint8))
    dark = to_rgb(Vignette.of(160, 90, 0.75)(grey)).astype(int)
    assert np.abs(dark[45, 80] - 180).max() <= 2
    assert 80 < dark[0, 0].mean() < 130
    assert np.ptp(dark[0, 0]) <= 3


def test_interpolation_to_a_lower_rate_is_not_reported(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", frames=30, fps=60)
    result = finish(clip, tmp_path / "work", "interpolate:48", "sharpen")
    assert (result.metrics["operations"], result.metrics["fps"]) == (["sharpen:medium"], 60)
