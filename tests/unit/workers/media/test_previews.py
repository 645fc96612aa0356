"""Previews: small, and marked as films of the FREE plan are."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.support.marks import is_marked
from workers.media.codecs import ClipWriter, read_planes
from workers.media.planes import Bytes, as_bytes, from_rgb, to_rgb
from workers.media.previews import MOST_SIDE, of_result, small_jpeg, small_jpeg_of
from workers.media.probe import probe
from workers.media.unreadable import Unreadable

SIZES = [(1280, 720), (720, 1280), (854, 480), (2560, 640), (640, 2560)]  # width, height


def dark(width: int, height: int) -> Bytes:
    return np.full((height, width, 3), 20, np.uint8)


def decoded(jpeg: bytes) -> Bytes:
    return as_bytes(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_preview_is_small_and_marked(tmp_path: Path, width: int, height: int) -> None:
    picture = dark(width, height)
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), picture)
    drawn, media_type = of_result(path, "image/png", tmp_path)
    assert media_type == "image/jpeg"
    for jpeg in (small_jpeg(from_rgb(picture)), small_jpeg_of(picture), drawn.read_bytes()):
        seen = decoded(jpeg)
        assert max(seen.shape[:2]) <= MOST_SIDE
        assert is_marked(seen)
    assert not is_marked(picture)


@pytest.mark.parametrize(("width", "height"), SIZES[:2])
def test_the_preview_of_a_clip_is_its_first_three_seconds(tmp_path: Path, width: int, height: int) -> None:
    clip = tmp_path / "clip.mp4"
    with ClipWriter(clip, width, height, 24) as writer:
        for _ in range(4 * 24):
            writer.write(from_rgb(dark(width, height)))
    drawn, media_type = of_result(clip, "video/mp4", tmp_path)
    facts = probe(drawn)
    assert media_type == "video/mp4"
    assert (max(facts.width, facts.height), float(facts.fps), facts.duration_seconds) == (MOST_SIDE, 12, 3)
    assert all(is_marked(to_rgb(planes)) for planes in read_planes(drawn))


def test_the_preview_of_a_short_slow_clip_has_its_frames(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    with ClipWriter(clip, 640, 360, 10) as writer:
        for _ in range(5):
            writer.write(from_rgb(dark(640, 360)))
    facts = probe(of_result(clip, "video/mp4", tmp_path)[0])
    assert (facts.frames, float(facts.fps), facts.duration_seconds) == (5, 10, 0.5)


def test_an_unreadable_result_has_no_preview(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"x")
    for media_type in ("image/png", "video/mp4"):
        with pytest.raises(Unreadable):
            of_result(path, media_type, tmp_path)


def test_the_placeholder_is_a_small_marked_picture() -> None:
    from workers.runtime.attempt import PLACEHOLDER  # noqa: PLC0415  # only this test needs the runtime

    seen = decoded(PLACEHOLDER.path.read_bytes())
    assert max(seen.shape[:2]) <= MOST_SIDE
    assert seen[-40:, -120:].max() > 180
    assert seen[:40].max() < 140
