"""Frame sizes: every film has a size that phones play."""

from typing import get_args

import pytest

from shared.stages.failures import StageFailure
from shared.stages.frames import AspectRatio, Resolution, frame_size
from shared.stages.operations import OPERATIONS, final_size, parse

# Level 5.2 of H.264 (ITU-T H.264, table A-1): the highest level that phones play.
MACROBLOCKS, MACROBLOCKS_PER_SECOND, LONGEST_MACROBLOCKS = 36_864, 2_073_600, (8 * 36_864) ** 0.5
FASTEST_FPS = 60


@pytest.mark.parametrize("resolution", Resolution)
@pytest.mark.parametrize("ratio", get_args(AspectRatio))
def test_every_film_is_h264_of_a_level_that_phones_play(ratio: AspectRatio, resolution: Resolution) -> None:
    sizes = [frame_size(ratio, resolution.short_side)]
    for factor in OPERATIONS["upscale"].choices:
        try:
            sizes.append(final_size(*sizes[0], parse([f"upscale:{factor}"])))
        except StageFailure:
            continue
    for width, height in sizes:
        across, down = -(-width // 16), -(-height // 16)
        assert across * down <= MACROBLOCKS
        assert across * down * FASTEST_FPS <= MACROBLOCKS_PER_SECOND
        assert max(across, down) <= LONGEST_MACROBLOCKS


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        ("16:9", Resolution.ULTRA_HD, (3840, 2160)), ("9:16", Resolution.ULTRA_HD, (2160, 3840)),
        ("21:9", Resolution.ULTRA_HD, (3840, 1646)), ("21:9", Resolution.FULL_HD, (2520, 1080)),
        ("4:5", Resolution.HD, (720, 900)),
    ],
)  # fmt: skip
def test_a_resolution_names_the_short_side_within_4k(
    ratio: AspectRatio, resolution: Resolution, size: tuple[int, int]
) -> None:
    assert frame_size(ratio, resolution.short_side) == size
