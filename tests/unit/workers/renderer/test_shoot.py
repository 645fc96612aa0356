"""Frames of the 2.5D camera, measured on a far wall with a near post in front of it."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from shared.camera.catalogue import default_moves
from shared.camera.move import Pose
from workers.media.planes import Bytes, Floats, Planes, as_floats, from_rgb, to_rgb
from workers.motion.projection import Frame
from workers.renderer.layers import decompose
from workers.renderer.shoot import Shot, shoot

WIDTH, HEIGHT = 320, 180
BLACK, FAR_DOT, NEAR_DOT = (0, 0, 0), (255, 40, 40), (40, 40, 255)


def scene() -> tuple[Bytes, Floats]:
    """Return a far red dot at the upper left and a near blue dot at the lower right, at the frame's size."""
    picture = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    nearness = np.zeros((HEIGHT, WIDTH), np.float32)
    picture[40:60, 90:110] = FAR_DOT
    nearness[100:140, 190:230] = 1
    picture[110:130, 200:220] = NEAR_DOT
    return picture, nearness


def dots(planes: Planes) -> tuple[float, float, float, float]:
    """Return far x, far y, near x and near y of the dots in pixels from the frame's centre, y downwards."""
    rgb = to_rgb(planes).astype(int)
    places: list[float] = []
    for one, other in ((0, 2), (2, 0)):
        rows, columns = np.nonzero(rgb[..., one] - rgb[..., other] > 60)
        places += [columns.mean() - (WIDTH - 1) / 2, rows.mean() - (HEIGHT - 1) / 2]
    return places[0], places[1], places[2], places[3]


def shift(**axes: float) -> tuple[float, float, float, float]:
    """Return the movement of the dots in pixels from the still pose to the given pose, at one base zoom."""
    shot = Shot(*scene(), WIDTH, HEIGHT, 24)
    shot.prepare([Pose(), Pose(**axes)])
    before, after = dots(shot.frame(Pose())), dots(shot.frame(Pose(**axes)))
    return tuple(b - a for a, b in zip(before, after, strict=True))  # type: ignore[return-value]  # four of them, each a float


def test_truck_right_moves_near_things_left_and_more_than_far_ones() -> None:
    far_x, far_y, near_x, near_y = shift(truck=0.5)
    assert near_x < 4 * far_x < 0
    assert abs(far_y) < 0.5 > abs(near_y)


def test_pedestal_up_moves_near_things_down_and_more_than_far_ones() -> None:
    far_x, far_y, near_x, near_y = shift(pedestal=0.5)
    assert near_y > 4 * far_y > 0
    assert abs(far_x) < 0.5 > abs(near_x)


def test_dolly_forward_moves_near_things_outwards_more_than_far_ones() -> None:
    far_x, _, near_x, near_y = shift(dolly=0.5)
    assert near_x > 5
    assert near_y > 2
    assert -3 < far_x < 0


@pytest.mark.parametrize(("axis", "horizontal", "sign"), [("pan", True, -1), ("tilt", False, 1)])
def test_turning_moves_near_and_far_equally_against_the_turn(axis: str, horizontal: bool, sign: int) -> None:
    far_x, far_y, near_x, near_y = shift(**{axis: 0.5})
    far, near = (far_x, near_x) if horizontal else (far_y, near_y)
    assert sign * far > 5
    assert near == pytest.approx(far, rel=0.15)


def test_roll_clockwise_turns_the_picture_anticlockwise() -> None:
    _, far_y, _, near_y = shift(roll=1)
    assert far_y > 5  # left of the centre sinks
    assert near_y < -5  # right of the centre rises


def test_zoom_moves_near_and_far_equally_outwards() -> None:
    far_x, far_y, near_x, near_y = shift(zoom=1.25)
    before = dots(Shot(*scene(), WIDTH, HEIGHT, 24).frame(Pose()))
    for moved, at in zip((far_x, far_y, near_x, near_y), before, strict=True):
        assert moved == pytest.approx(at / 4, abs=1)


def test_focus_blurs_objects_at_other_distances() -> None:
    def sharpness(focus: float | None) -> tuple[float, float]:
        _, nearness = scene()
        chequers = (np.indices(nearness.shape).sum(0) // 2 % 2 * 200 + 20).astype(np.uint8)
        y = Shot(np.dstack([chequers] * 3), nearness, WIDTH, HEIGHT, 24).frame(Pose(focus=focus)).y
        return float(y[110:130, 200:220].std()), float(y[20:60, 20:60].std())

    near, far = sharpness(None)
    assert sharpness(1)[0] == pytest.approx(near, rel=0.1)
    assert sharpness(1)[1] < 0.2 * far
    assert sharpness(0)[0] < 0.2 * near
    assert sharpness(0)[1] == pytest.approx(far, rel=0.1)


@pytest.mark.parametrize(("axes", "streaked"), [({"pan": 1}, 1), ({"tilt": 1}, 0)])
def test_fast_moves_streak_along_their_direction_while_the_shutter_is_open(
    axes: dict[str, float], streaked: int
) -> None:
    picture = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
    picture[80:100, 150:170] = 235

    def size(shutter: float) -> tuple[int, int]:
        """Return the number of rows and columns that are not black."""
        shot = Shot(picture, np.zeros((HEIGHT, WIDTH), np.float32), WIDTH, HEIGHT, 24, shutter=shutter)
        shot.prepare([Pose(), Pose(**axes)])
        lit = shot.frame(Pose(), following=Pose(**axes)).y > 40
        return int(lit.any(axis=1).sum()), int(lit.any(axis=0).sum())

    sharp, smeared, more = size(0), size(1), size(2)
    assert smeared[streaked] > sharp[streaked] + 10
    assert more[streaked] > smeared[streaked] + 10
    assert abs(smeared[1 - streaked] - sharp[1 - streaked]) <= 2, "the streak is not wider"


def test_a_slow_move_does_not_streak() -> None:
    picture, nearness = scene()
    shot = Shot(picture, nearness, WIDTH, HEIGHT, 24, shutter=0.5)
    shot.prepare([Pose(), Pose(pan=0.02)])
    still, slow = shot.frame(Pose()), shot.frame(Pose(), following=Pose(pan=0.02))
    assert np.array_equal(still.y, slow.y)


def test_static_gives_the_same_bytes_in_every_frame() -> None:
    move = default_moves()["static"].move
    frames = list(shoot(*scene(), [move.sample(i / 9) for i in range(10)], width=WIDTH, height=HEIGHT, fps=24))
    assert all(np.array_equal(a, b) for one, other in pairwise(frames) for a, b in zip(one, other, strict=True))


def test_the_rim_of_an_object_has_no_colour_of_the_backdrop() -> None:
    """A grey disc is in front of white. In the picture its rim is a mixture of both."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    # The fraction of each pixel that the disc covers.
    share = np.clip((30 - np.hypot(rows - 90, columns - 160)) / 3 + 0.5, 0, 1)
    picture = np.repeat(np.rint(share * 128 + (1 - share) * 255).astype(np.uint8)[..., None], 3, 2)
    near = cv2.resize((share > 0.5).astype(np.float32), (WIDTH // 2, HEIGHT // 2), interpolation=cv2.INTER_AREA)
    layers = decompose(picture, as_floats(0.1 + 0.9 * near), gap=20)
    assert layers.back is not None
    cover = layers.cover[..., None] / 255
    rim = (layers.cover > 12) & (layers.cover < 243)
    assert rim.sum() > 2 * np.pi * 30
    assert np.all(np.abs(layers.own[rim].astype(int) - 128) < 16), "the rim has the colour of the disc"
    assert np.abs(layers.own * cover + layers.back * (1 - cover) - picture).max() < 32, "the composite is the picture"


def test_a_still_camera_shows_the_picture_itself() -> None:
    picture, nearness = scene()
    shown, expected = Shot(picture, nearness, WIDTH, HEIGHT, 24).frame(Pose()), from_rgb(picture)
    assert all(np.abs(a.astype(int) - b).max() <= 1 for a, b in zip(shown, expected, strict=True))


def test_same_input_gives_same_bytes() -> None:
    move = default_moves()["fpv-drone"].move
    poses = [move.sample(t / 3) for t in range(4)]
    one, other = (list(shoot(*scene(), poses, width=WIDTH, height=HEIGHT, fps=24)) for _ in range(2))
    assert all(np.array_equal(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x, y, strict=True))


def test_a_near_object_uncovers_the_colour_of_the_backdrop() -> None:
    """The wall is grey on both sides of the post. The uncovered gap must not contain the post's blue."""
    picture, nearness = np.full((HEIGHT, WIDTH, 3), 128, np.uint8), np.zeros((HEIGHT, WIDTH), np.float32)
    picture[:, 140:180], nearness[:, 140:180] = NEAR_DOT, 1
    shot = Shot(picture, nearness, WIDTH, HEIGHT, 24)
    shot.prepare([Pose(), Pose(truck=1)])
    row = to_rgb(shot.frame(Pose(truck=1)))[HEIGHT // 2].astype(int)
    blue = np.flatnonzero(row[:, 2] - row[:, 0] > 60)
    assert 35 * shot.cover <= blue.max() - blue.min() <= 50 * shot.cover
    assert np.abs(row[blue.max() + 5 :] - 128).max() < 12


@pytest.mark.parametrize("size", [(160, 90), (90, 160), (120, 120)], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("preset", default_moves())
def test_every_preset_stays_within_the_picture(preset: str, size: tuple[int, int]) -> None:
    """The picture has a thin blue rim. Blue inside the frame means that the frame extends beyond the picture."""
    width, height = size
    picture = np.full((2 * height, 2 * width, 3), 128, np.uint8)
    picture[:3] = picture[-3:] = picture[:, :3] = picture[:, -3:] = NEAR_DOT
    nearness = np.linspace(0, 1, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    move = default_moves()[preset].move
    for planes in shoot(picture, nearness, [move.sample(i / 8) for i in range(9)], width=width, height=height, fps=12):
        assert planes.u[2:-2, 2:-2].max() < 150


@pytest.mark.parametrize(
    ("bump", "axes", "cell"),
    [(0.0, {"truck": 0.5}, 8), (1.0, {"pan": 1.0}, 8), (0.3, {"truck": 0.5}, 4)],
    ids=["a slope", "no parallax", "a bump"],
)
def test_wide_cells_match_narrow_ones_and_bent_maps_have_narrow_ones(
    bump: float, axes: dict[str, float], cell: int
) -> None:
    """A bump of 8 pixels needs narrow grid cells. A slope, and a move without parallax, do not need them."""
    noise = np.random.default_rng(5).integers(0, 256, (HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    picture = np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    hill = np.exp(-((x - WIDTH / 2) ** 2 + (y - HEIGHT / 2) ** 2) / np.float32(2 * 8**2))
    nearness = as_floats((0.6 * y / HEIGHT + bump * hill).clip(0, 1))
    shot = Shot(picture, nearness, WIDTH, HEIGHT, 24)
    pose = Pose(**axes)
    chosen = shot.prepare([Pose(), pose])
    assert chosen.cell == cell
    view = shot.view(pose, 0)
    narrow, wide = (chosen.draw(view, Frame.of(WIDTH, HEIGHT, side), shot.cover) for side in (4, 8))
    apart = max(np.abs(a.astype(int) - b).max() for a, b in zip(wide, narrow, strict=True))
    assert apart <= 3 if cell == 8 else apart > 10


def test_tiny_frames_have_narrow_cells() -> None:
    """In a tiny frame the lens distortion within 8 pixels is visible."""
    shot = Shot(*scene(), 64, 36, 24)
    assert [shot.prepare([Pose()]).cell, Shot(*scene(), WIDTH, HEIGHT, 24).prepare([Pose()]).cell] == [4, 8]
