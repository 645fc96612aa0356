"""Pictures of any kind are decoded correctly or refused with their own code."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from shared.stages.failures import StageFailure
from tests.unit.workers.test_verification import display_p3, picture, png_header
from workers.media import pictures
from workers.media.depth import read_depth
from workers.renderer.motif import motif_of
from workers.renderer.window import Window

RED = (220, 30, 30)
Maker = Callable[[Path], object]


def _turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate 90 degrees clockwise
    picture().transpose(Image.Transpose.ROTATE_90).save(path, "JPEG", exif=exif, quality=95)


def _clear_below(path: Path) -> None:
    """Write a picture with green in its fully transparent lower half."""
    pixels = np.dstack([np.asarray(picture()), np.full((80, 96), 255, np.uint8)])
    pixels[40:] = 0, 255, 0, 0
    Image.fromarray(pixels).save(path, "PNG")


def _cut(path: Path) -> None:
    picture().save(path, "PNG")
    path.write_bytes(path.read_bytes()[:150])


RIGHT: dict[str, tuple[tuple[int, int, int], Maker]] = {
    "turned": ((30, 30, 220), _turned),
    "alpha": ((255, 255, 255), _clear_below),
    "CMYK": ((30, 30, 220), lambda path: picture().convert("CMYK").save(path, "JPEG", quality=98)),
    "animated": (
        (30, 30, 220),
        lambda path: picture().save(
            path, "WEBP", save_all=True, append_images=[Image.new("RGB", (96, 80))], lossless=True
        ),
    ),
    "16 bits": (
        (30, 30, 220),
        lambda path: path.write_bytes(
            cv2.imencode(".png", np.asarray(picture())[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
        ),
    ),
    "palette": ((30, 30, 220), lambda path: picture().quantize(8).save(path, "PNG")),
    "Display P3": (
        (31, 31, 228),
        lambda path: picture().save(path, "JPEG", quality=98, icc_profile=display_p3()),
    ),
}


@pytest.mark.parametrize(("below", "make"), RIGHT.values(), ids=RIGHT.keys())
def test_an_unusual_picture_is_decoded_correctly(tmp_path: Path, below: tuple[int, int, int], make: Maker) -> None:
    make(tmp_path / "picture")
    rgb = pictures.read(tmp_path / "picture")
    assert rgb.shape == (80, 96, 3)
    assert np.abs(rgb[70, 40].astype(int) - below).max() < 12
    assert rgb[10, 40, 0] > 200


REFUSED: dict[str, tuple[str, Maker]] = {
    "empty": ("picture_unreadable", lambda path: path.write_bytes(b"")),
    "PPM": ("picture_unreadable", lambda path: picture().save(path, "PPM")),
    "cut": ("picture_damaged", _cut),
    "1x1": ("picture_too_small", lambda path: picture(1, 1).save(path, "PNG")),
    "20,000 wide": ("picture_too_large", lambda path: picture(20_000, 20).save(path, "PNG")),
    "50,000 x 50,000": ("picture_too_large", lambda path: path.write_bytes(png_header(50_000, 50_000))),
}


@pytest.mark.parametrize(("code", "make"), REFUSED.values(), ids=REFUSED.keys())
def test_an_unusable_picture_fails_with_its_own_code(tmp_path: Path, code: str, make: Maker) -> None:
    make(tmp_path / "picture")
    with pytest.raises(StageFailure) as failure:
        pictures.read(tmp_path / "picture")
    assert (failure.value.code, failure.value.retryable) == (code, False)
    assert failure.value.public_message.endswith(".")


@pytest.mark.parametrize("content", [b"", png_header(2_000_000, 40), png_header(40_000, 40_000)])
def test_an_undecodable_depth_map_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "depth.png").write_bytes(content)
    with pytest.raises(ValueError, match="picture"):
        read_depth(tmp_path / "depth.png")


@pytest.mark.parametrize(
    ("size", "frame", "focal_point", "window_size", "moved"),
    [
        ((1600, 900), (320, 180), (0.2, 0.5), (1600, 900), (0.2, 0.5)),
        ((8192, 200), (1920, 1080), (0.5, 0.5), (1067, 200), (0.5, 0.5)),
        ((8192, 200), (1920, 1080), (0.01, 0.5), (1067, 200), (0.0768, 0.5)),
        ((600, 8000), (1920, 1080), (0.5, 1.0), (600, 1012), (0.5, 1.0)),
    ],
)
def test_a_long_picture_is_cut_to_three_frames_around_its_focal_point(
    size: tuple[int, int], frame: tuple[int, int], focal_point: tuple[float, float], window_size: tuple[int, int],
    moved: tuple[float, float],
) -> None:  # fmt: skip
    window = Window(*size, frame, focal_point)
    assert ((window.wide, window.high), window.whole) == (window_size, window_size == size)
    assert window.focal_point == pytest.approx(moved, abs=1e-3)


def test_picture_and_depth_stay_aligned_in_the_window(tmp_path: Path) -> None:
    """The picture is ten times as wide as high and shows a red post that is near."""
    pixels, depth = np.zeros((100, 1000, 3), np.uint8), np.zeros((50, 500), np.uint16)
    pixels[:, 780:800], depth[:, 390:400] = RED, 65535
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    cv2.imwrite(str(tmp_path / "depth.png"), depth)
    motif = motif_of(
        tmp_path / "picture.png", (160, 90), depth=tmp_path / "depth.png", scenery=None, focal_point=(0.79, 0.5)
    )
    assert motif.picture.shape == (100, 533, 3)
    post = round(motif.focal_point[0] * 533)
    assert (motif.picture[50, post] == RED).all()
    assert motif.nearness[25, round(motif.focal_point[0] * motif.nearness.shape[1]) - 1] == 1
