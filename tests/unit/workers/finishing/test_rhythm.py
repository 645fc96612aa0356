"""Changes of time: interpolated frames and loops."""

from fractions import Fraction

import cv2
import numpy as np
import pytest

from tests.support.clips import textured
from tests.unit.workers.media.test_codecs import moving_frames
from workers.finishing.rhythm import Interpolation, looped
from workers.media.planes import Planes, as_bytes, from_rgb

SCENE = textured(900, 420)


def view(place: float) -> Planes:
    """Return the frame at time `place`, in frames, of a pan of 7 pixels per frame over a still scene."""
    shift = np.array([[1, 0, -100 - 7 * place], [0, 1, -60]], np.float64)
    return from_rgb(as_bytes(cv2.warpAffine(SCENE, shift, (320, 180), flags=cv2.INTER_CUBIC)))


def grey(level: int) -> Planes:
    half = np.full((45, 80), 128, np.uint8)
    return Planes(np.full((90, 160), level, np.uint8), half, half)


def test_an_interpolated_frame_follows_the_motion_and_is_not_a_mixture() -> None:
    drawn = list(Interpolation(Fraction(24), 48)(view(index) for index in range(5)))
    assert len(drawn) == 10
    for index, planes in enumerate(drawn[1:8:2]):
        mixture = cv2.addWeighted(view(index).y, 0.5, view(index + 1).y, 0.5, 0)
        truth = view(index + 0.5).y[:, 16:-16]
        assert cv2.PSNR(planes.y[:, 16:-16], truth) > cv2.PSNR(as_bytes(mixture)[:, 16:-16], truth) + 8
    assert (drawn[4].y == view(2).y).all()


@pytest.mark.parametrize(("fps", "target"), [(24, 48), (24, 60), (25, 60), (30, 48)])
def test_a_film_lasts_as_long_at_another_rate(fps: int, target: int) -> None:
    drawn = list(Interpolation(Fraction(fps), target)(moving_frames(fps // 2)))
    assert len(drawn) == pytest.approx(target / 2, abs=1)


def test_a_cut_is_not_interpolated() -> None:
    one, other = (from_rgb(textured(320, 180, seed)) for seed in (1, 2))
    interpolation = Interpolation(Fraction(24), 60)
    drawn = list(interpolation(iter([one, one, other, other])))
    assert interpolation.cuts == 1
    assert {one.y.tobytes(), other.y.tobytes()} >= {planes.y.tobytes() for planes in drawn[3:5]}


def test_the_end_of_a_loop_runs_into_its_start() -> None:
    film = [grey(40 + 5 * index) for index in range(30)]
    round_trip = [int(planes.y[0, 0]) for planes in looped(iter(film), 6)]
    assert len(round_trip) == 24
    assert round_trip[0] == 40 + 5 * 6
    steps = np.diff([*round_trip, round_trip[0]])
    assert abs(steps[-1]) < 8, "the loop restarts without a jump"
    assert np.abs(steps).max() < 140 / 2


def test_a_film_shorter_than_its_loop_is_refused() -> None:
    with pytest.raises(ValueError, match="a loop over 6 frames"):
        list(looped(iter([grey(9)] * 10), 6))
