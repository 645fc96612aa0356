"""The layers of a provider become a scenery that shows the creator's picture, or are refused."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from local.imitation.pictures import layer_of
from shared.stages.failures import StageFailure
from workers.media.cut_layers import scenery_of, whole_nearness
from workers.media.planes import Bytes, Floats, as_bytes

WIDTH, HEIGHT = 320, 180
RAMP: Floats = np.broadcast_to(np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None], (HEIGHT, WIDTH)).copy()


@pytest.fixture
def picture() -> Bytes:
    noise = np.random.default_rng(3).integers(0, 255, (HEIGHT // 10, WIDTH // 10, 3)).astype(np.uint8)
    return as_bytes(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC))


def written(folder: Path, *layers: bytes) -> list[Path]:
    paths = [folder / f"layer{number}.png" for number in range(len(layers))]
    for path, content in zip(paths, layers, strict=True):
        path.write_bytes(content)
    return paths


def cut(picture: Bytes) -> list[bytes]:
    return [layer_of(picture, number) for number in range(3)]


def png(pixels: Bytes) -> bytes:
    return bytes(cv2.imencode(".png", pixels)[1])


def pixels_of(content: bytes) -> Bytes:
    return as_bytes(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED))


def half_size(content: bytes) -> bytes:
    pixels = pixels_of(content)
    return png(as_bytes(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)))


def brighter(content: bytes) -> bytes:
    pixels = pixels_of(content)
    pixels[..., :3] = np.clip(pixels[..., :3].astype(np.int16) + 25, 0, 255)
    return png(as_bytes(pixels))


@pytest.mark.parametrize("made", [lambda layer: layer, half_size, brighter], ids=["exact", "half size", "brighter"])
def test_the_first_view_is_the_creators_picture_whatever_the_colours_of_the_layers(
    tmp_path: Path, picture: Bytes, made: Callable[[bytes], bytes]
) -> None:
    layers = [made(layer) for layer in cut(picture)]
    scenery = scenery_of(picture, RAMP, written(tmp_path, *layers), measured=True)
    apart = np.abs(scenery.picture().astype(np.int16) - picture)
    assert len(scenery.flats) == 2
    assert np.median(apart) == 0
    assert (apart > 12).mean() < 0.06, "only soft edges differ"


def test_a_measured_depth_places_the_layers_and_their_order_holds(tmp_path: Path, picture: Bytes) -> None:
    upside_down = np.ascontiguousarray(RAMP[::-1])  # the depth says that the foreground is the farthest
    far, near = scenery_of(picture, upside_down, written(tmp_path, *cut(picture)), measured=True).flats
    assert 0 < far.nearness < near.nearness <= 1
    subject, foreground = scenery_of(picture, RAMP, written(tmp_path, *cut(picture)), measured=True).flats
    assert subject.nearness == pytest.approx(0.55, abs=0.1)
    assert foreground.nearness == pytest.approx(0.9, abs=0.05)


def test_a_guessed_depth_is_flattened_and_only_the_order_places_the_layers(tmp_path: Path, picture: Bytes) -> None:
    scenery = scenery_of(picture, RAMP, written(tmp_path, *cut(picture)), measured=False)
    assert [flat.nearness for flat in scenery.flats] == pytest.approx([0.45, 0.75])
    assert np.ptp(scenery.nearness) < 0.31
    assert whole_nearness(scenery)[-1].min() == np.float32(0.75)


def test_layers_that_do_not_show_the_picture_are_refused(tmp_path: Path, picture: Bytes) -> None:
    front, subject, background = cut(picture)
    opaque = png(np.ascontiguousarray(picture[..., ::-1]))
    unusable = {
        "1 layers": [background],
        "17 layers": [front] * 16 + [background],
        "the background has holes": [background, subject],
        "differ from the picture": [png(as_bytes(255 - picture)), background],
        "another shape": [png(as_bytes(np.zeros((180, 180, 4)))), background],
        "not a colour picture": [b"\x89PNG\r\n\x1a\n", background],
        "no object": [png(as_bytes(np.zeros((180, 320, 4)))), opaque],
    }
    for reason, layers in unusable.items():
        with pytest.raises(StageFailure, match=reason) as failed:
            scenery_of(picture, RAMP, written(tmp_path, *layers), measured=True)
        assert (failed.value.code, failed.value.retryable) == ("layers_unusable", False)
