"""Orientation, transparency and HDR of clips."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from workers.media.codecs import read_planes
from workers.media.planes import to_rgb
from workers.media.probe import probe

COLORS = {"red": (200, 30, 30), "green": (30, 160, 30), "blue": (30, 30, 200), "white": (220, 220, 220)}
WIDTH, HEIGHT = 96, 64


def corners() -> NDArray[np.uint8]:
    """Return a picture with red, green, blue and white quarters, from the upper left one on, by rows."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for number, color in enumerate(COLORS.values()):
        row, column = divmod(number, 2)
        pixels[row * 32 :, column * 48 :][:32, :48] = color
    return pixels


def seen(rgb: NDArray[np.uint8]) -> list[str]:
    height, width = rgb.shape[:2]
    points = [(height // 4, width // 4), (height // 4, -width // 4), (-height // 4, width // 4),
              (-height // 4, -width // 4)]  # fmt: skip
    return [min(COLORS, key=lambda name: np.abs(rgb[at].astype(int) - COLORS[name]).sum()) for at in points]


def write(path: Path, frame: VideoFrame, codec: str = "libx264", pixels: str = "yuv420p", **options: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=24, options=options))
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, pixels
        for name in ("color_trc", "color_primaries", "colorspace"):
            setattr(stream.codec_context, name, getattr(frame, name))
        for index in range(30):
            frame.pts, frame.time_base = index, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def with_matrix(path: Path, a: float, b: float, c: float, d: float) -> Path:
    write(path, VideoFrame.from_ndarray(corners(), format="rgb24").reformat(format="yuv420p"))
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    rows = (round(65536 * one) for one in (a, b, c, d))
    a_, b_, c_, d_ = rows
    data[at : at + 36] = struct.pack(">9i", a_, b_, 0, c_, d_, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


UNIT = 1 / 65536
MATRICES = {
    "upright": ((1, 0, 0, 1), "red green blue white"),
    "half a turn": ((-1, 0, 0, -1), "white blue green red"),
    "a quarter to the right": ((0, 1, -1, 0), "blue red white green"),
    "a quarter to the left": ((0, -1, 1, 0), "green white red blue"),
    "mirrored": ((-1, 0, 0, 1), "green red white blue"),
    "upside down": ((1, 0, 0, -1), "blue white red green"),
    "transposed": ((0, 1, 1, 0), "red blue green white"),
    "transposed and turned": ((0, -1, -1, 0), "white green blue red"),
    "nearly a quarter": ((UNIT, 1, -1, 2 * UNIT), "blue red white green"),
    "nearly half a turn": ((-1, UNIT, -UNIT, -1), "white blue green red"),
    "a degree": ((0.9998, 0.0175, -0.0175, 0.9998), "red green blue white"),
    "zeros": ((0, 0, 0, 0), "red green blue white"),
}


@pytest.mark.parametrize(("matrix", "quarters"), MATRICES.values(), ids=MATRICES)
def test_every_display_matrix_is_applied(
    tmp_path: Path, matrix: tuple[float, float, float, float], quarters: str
) -> None:
    path = with_matrix(tmp_path / "clip.mp4", *matrix)
    shown = to_rgb(next(iter(read_planes(path))))
    assert seen(shown) == quarters.split()
    facts = probe(path)
    assert (facts.height, facts.width) == shown.shape[:2]


@pytest.mark.parametrize("codec", ["libvpx-vp9", "libvpx"])
def test_hidden_colors_of_a_transparent_webm_are_black(tmp_path: Path, codec: str) -> None:
    rgba = np.full((HEIGHT, WIDTH, 4), 200, np.uint8)
    rgba[..., 3] = 0
    rgba[:, 48:, 3] = 255
    frame = VideoFrame.from_ndarray(rgba, format="rgba").reformat(format="yuva420p")
    path = write(tmp_path / "clip.webm", frame, codec, "yuva420p", **{"auto-alt-ref": "0"})
    films = list(read_planes(path))
    assert len(films) == 30
    shown = to_rgb(films[9])
    assert shown[:, :40].max() < 20
    assert shown[:, 56:].min() > 180


def hdr_frame(transfer: int, level: float) -> VideoFrame:
    """Return a 10-bit frame of one grey in BT.2020."""
    frame = VideoFrame(WIDTH, HEIGHT, "yuv420p10le")
    for plane, value in zip(frame.planes, (64 + 876 * level, 512, 512), strict=True):
        plane.update(np.full(plane.buffer_size // 2, round(value), np.uint16).tobytes())
    frame.color_trc, frame.color_primaries, frame.colorspace = transfer, 9, 9
    return frame


@pytest.mark.parametrize(
    ("transfer", "level", "shown"),
    [
        (16, 0.0, 0), (16, 0.58, 225), (16, 0.75, 253), (16, 1.0, 255),  # PQ: black, 203 nits, 1000 nits, 10000 nits
        (18, 0.0, 0), (18, 0.75, 225), (18, 1.0, 253),  # HLG: black, 203 nits, 1000 nits
    ],
)  # fmt: skip
def test_hdr_is_mapped_to_the_range_of_sdr(tmp_path: Path, transfer: int, level: float, shown: int) -> None:
    path = write(tmp_path / "clip.mkv", hdr_frame(transfer, level), "ffv1", "yuv420p10le")
    rgb = to_rgb(next(iter(read_planes(path)))).astype(int)
    assert np.ptp(rgb[32, 48]) <= 3, "grey stays grey"
    assert rgb[32, 48].mean() == pytest.approx(shown, abs=5)
