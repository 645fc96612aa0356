from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clients.python.kinora.errors import KinoraError
from clients.python.kinora.sources import content_of


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_array_of_numpy_becomes_a_png_with_the_same_pixels(channels: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (7, 5, channels), dtype=np.uint8)
    content = content_of(pixels)
    assert (content.media_type, content.kind) == ("image/png", "IMAGE")
    assert isinstance(content.data, bytes)
    assert np.array_equal(np.asarray(Image.open(BytesIO(content.data))).reshape(pixels.shape), pixels)


def test_an_array_of_floats_is_refused() -> None:
    with pytest.raises(KinoraError, match="uint8"):
        content_of(np.zeros((4, 4, 3)))


def test_a_picture_of_pil_becomes_a_png() -> None:
    content = content_of(Image.new("RGB", (4, 3), "red"))
    with content.open() as file:
        assert Image.open(file).size == (4, 3)


def test_a_path_is_read_when_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "clip.MP4"
    path.write_bytes(b"12345")
    content = content_of(str(path))
    assert (content.name, content.media_type, content.kind, content.size) == ("clip.MP4", "video/mp4", "VIDEO", 5)


def test_bytes_and_open_files_have_the_type_that_they_show() -> None:
    wave = b"RIFF\0\0\0\0WAVEfmt "
    assert (content_of(wave).kind, content_of(wave).name) == ("AUDIO", "upload.wav")
    assert content_of(BytesIO(wave)).media_type == "audio/wav"
    assert content_of(b"1\n00:00:00", name="words.srt").kind == "OTHER"


@pytest.mark.parametrize("source", [b"nothing known", "missing.jpg"])
def test_an_unknown_file_is_refused(source: bytes | str) -> None:
    with pytest.raises(KinoraError):
        content_of(source)
