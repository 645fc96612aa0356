"""Operations on one frame: bars, fades and grain."""

import pytest

from shared.stages.operations import parse
from tests.support.clips import grey
from workers.finishing.treatments import Fade, Letterbox, bars, shift, treatment


def test_bars_leave_the_requested_ratio() -> None:
    side, foot = bars(2.39, 1920, 1080)
    assert side == 0
    assert 1920 / (1080 - 2 * foot) == pytest.approx(2.39, abs=0.01)
    assert bars(1.85, 2560, 1080)[1] == 0
    boxed = Letterbox(0, 24)(grey(200))
    assert (boxed.y[:24] == 16).all()
    assert (boxed.y[24:-24] == 200).all()
    assert boxed.y.shape == (180, 320)


@pytest.mark.parametrize(
    ("first", "last", "moved"),
    [
        (0.4, 0.6, 0),  # between the bars
        (0.05, 0.2, -130),  # the subject and 4 % of space are above the upper bar's edge: to the end of the bar
        (0.12, 0.3, -54),
        (0.7, 0.9, 76),
        (0.0, 0.8, -108),  # longer than the space between the bars: centred
    ],
)
def test_the_picture_moves_below_the_bars_until_they_do_not_cover_its_subject(
    first: float, last: float, moved: int
) -> None:
    assert shift(140, 1080, first, last) == pytest.approx(moved, abs=1)


def test_bars_show_the_part_of_the_picture_that_the_subject_is_in() -> None:
    picture = grey(50)
    picture.y[4:12] = 200
    boxed = Letterbox(0, 24, down=-22)(picture)
    assert (boxed.y[:24] == 16).all()
    assert (boxed.y[-24:] == 16).all()
    assert (boxed.y[26:34] == 200).all()
    assert boxed.y.shape == (180, 320)


def test_a_fade_begins_and_ends_in_black_and_leaves_the_middle_alone() -> None:
    fade = Fade("both", 6, 30)
    light = [int(fade(grey(200)).y[0, 0]) for _ in range(30)]
    assert (light[0], light[-1]) == (16, 16)
    assert set(light[6:24]) == {200}
    assert light[:7] == sorted(light[:7])
    assert int(Fade("out", 6, 30)(grey(200)).y[0, 0]) == 200


def test_grain_follows_from_the_seed() -> None:
    [grain] = parse(["grain:strong"]).values()
    one, same, other = (treatment(grain, 320, 180, seed)(grey(100)).y for seed in (1, 1, 2))
    assert (one == same).all()
    assert (one != other).any()
