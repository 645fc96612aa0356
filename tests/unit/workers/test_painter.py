"""Painted scenes: outlines, reflections and positions of objects."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from shared.vocabulary.words import COLOURED, SHOWN, VOCABULARY, Accent, Meaning, Palette, Place
from tests.support.variants import few_quick
from workers.painter import shores, terrain
from workers.painter.canvas import Camera, Canvas, Cutout, colour
from workers.painter.finish import FinishedCanvas
from workers.painter.land import Land, Setting, paint_land
from workers.painter.light import light_of
from workers.painter.noise import Field, as_field
from workers.painter.painting import Painting, paint
from workers.painter.props import flower_paint, frame
from workers.painter.reading import read
from workers.painter.sketch import Sketch
from workers.painter.water import paint_water


def _stage(prompt: str, width: int = 160, height: int = 90, seed: int = 3) -> Setting:
    reading = read(prompt, None, seed)
    return Setting(Canvas.blank(Camera(width, height, height * 0.5, 1.4)), light_of(reading), reading)


def test_a_crest_covers_the_share_of_a_pixel_that_it_reaches_into() -> None:
    canvas = Canvas.blank(Camera(2, 2, 0.5))
    z = as_field(np.array([[50, 50], [5, 5]]))
    crest = as_field(np.array([[0.75, 0.25], [0, 0]]))
    hits = terrain.Hits(z, crest, np.full((2, 2), fill_value=True), z, z, z)
    terrain.lay_ground(canvas, hits, as_field(np.stack([np.zeros((2, 3)), np.ones((2, 3))])))
    np.testing.assert_allclose(canvas.rgb[0, :, 0], [0.75, 0.25])
    np.testing.assert_allclose(canvas.inverse[0], [1 / 5, 1 / 50])  # a pixel has the distance of its larger share


@pytest.mark.parametrize("apart", [False, True])
def test_water_mirrors_a_post_at_its_foot_and_a_far_object_at_the_horizon(*, apart: bool) -> None:
    camera = Camera(120, 200, 60, 1.4)
    canvas = Canvas.blank(camera)
    rows = np.arange(200, dtype=np.float32)[:, None]
    canvas.inverse[:] = np.clip((rows - camera.horizon) / (camera.focal * camera.eye), 0, None)
    canvas.water[61:] = 1
    foot = 100
    near, red, green = (foot - camera.horizon) / (camera.focal * camera.eye), [9, 0, 0], [0, 9, 0]
    size = foot - 90, 20
    post = Cutout(20, 90, as_field(np.broadcast_to(red, (*size, 3))), as_field(np.ones(size)), near)
    if apart:
        canvas.standing.append(post)
    else:
        canvas.lay(*post)
    canvas.rgb[40:50, 80:100] = green  # in the sky, at infinite distance
    paint_water(canvas, light_of(read("lake at noon", None, 1)), 1, chop=0.0, body=colour("000000"))
    ripple = 3
    of_post, of_sky = canvas.rgb[:, 30, 0] > 3, canvas.rgb[:, 90, 1] > 3
    assert of_post[foot + ripple : 110 - ripple].all()
    assert not of_post[110 + ripple :].any()
    assert of_sky[70 + ripple : 80 - ripple].all()
    assert not of_sky[80 + ripple :].any()


@pytest.mark.parametrize(
    ("spots", "chosen"),
    [([(0.4, 9.0), (-0.4, 9.0), (-0.2, 7.0)], (-0.4, 9.0)), ([(0.4, 9.0), (0.5, 8.0)], (0.5, 8.0))],
)
def test_a_boat_floats_on_the_first_water_without_shore_in_front(
    spots: Sequence[tuple[float, float]], chosen: tuple[float, float]
) -> None:
    stage = _stage("coast with a boat")

    def dry_on_the_right(x: Field, z: Field) -> Field:
        return as_field(np.where((x > 0) & (z < 6), 0.5, -0.3))

    stage.fan = terrain.fan_of(stage.camera, dry_on_the_right, stage.light, 60)
    x, z = stage.open_water(spots)
    assert (x / stage.half_width(z), z) == pytest.approx(chosen)


@pytest.mark.parametrize(("prompt", "shines"), [("a coast at night", True), ("a castle on a coast at night", False)])
def test_only_a_lighthouse_throws_a_beam(prompt: str, shines: bool) -> None:
    stage = _stage(prompt)
    paint_land(stage, shores.coast(stage))
    assert (stage.lamp is not None) is shines


@pytest.mark.parametrize("seed", range(4))
def test_the_moon_is_within_a_wide_picture(seed: int) -> None:
    rgb = paint(read("a full moon over the desert at night, clear", None, seed), 320, 120).rgb.astype(int)
    bright = rgb.min(axis=2) > 215
    assert bright.sum() > 20
    assert not bright[0].any()


def test_a_framing_object_is_in_front_of_rising_ground() -> None:
    stage = _stage("meadow")
    post = Sketch(20, 40)
    post.box(-0.2, 0, 0.2, 1, 1)

    def high(x: Field, z: Field) -> Field:
        return as_field(np.full_like(x + z, 0.9))

    def black(fan: terrain.Fan) -> Field:
        return as_field(np.zeros((*fan.x.shape, 3)))

    def front() -> None:
        frame(stage, post.sprite(), ("ffffff", "ffffff"), 0.0, 0.5)

    paint_land(stage, Land(high, black, front=front))
    assert stage.canvas.rgb[80, 80].min() > 0.2


def test_flowers_have_the_colour_that_the_words_name() -> None:
    for seed in range(4):
        assert flower_paint(read("a violet meadow with flowers", None, seed)) == ("352056", "9a6cd8")
    assert len({flower_paint(read("a meadow with flowers", None, seed)) for seed in range(20)}) > 2


def test_the_light_of_a_lighthouse_is_an_object_at_the_distance_of_its_lamp() -> None:
    painting = paint(read("a lighthouse on a cliff at dusk", None, 11), 320, 180)
    assert painting.scenery
    column, row = (round(at * size) for at, size in zip(painting.focal_point, (320, 180), strict=True))
    tower = painting.nearness[row + 4, column] / 65535
    (light,) = (
        flat for flat in painting.scenery.flats if flat.left < column - 60 < column < flat.left + flat.rgba.shape[1]
    )
    assert light.nearness == pytest.approx(tower, abs=0.02)
    sky = painting.scenery.backdrop[row - 2, [column - 12, column + 12]].astype(int)
    shown = painting.rgb[row - 2, [column - 12, column + 12]].astype(int)
    assert (shown - sky).mean() > 8, "the halo is not in the backdrop"


def test_each_asteroid_is_a_flat() -> None:
    painting = paint(read("a ringed planet and asteroids", None, 8), 320, 180)
    assert painting.scenery
    assert len(painting.scenery.flats) > 20
    assert np.abs(painting.scenery.backdrop.astype(int) - painting.rgb).max() > 60


@pytest.mark.parametrize(
    ("prompt", "seed"),
    [
        ("a lighthouse on a cliff at dusk", 11),
        ("a red boat on a lake at noon", 7),
        ("a man in the desert", 3),
        ("a planet", 8),
    ],
)
def test_the_subject_is_a_flat_and_the_backdrop_continues_behind_it(prompt: str, seed: int) -> None:
    painting = paint(read(prompt, None, seed), 320, 180)
    assert painting.scenery
    column, row = (round(at * size) for at, size in zip(painting.focal_point, (320, 180), strict=True))
    nearness = painting.nearness[row, column] / 65535
    behind = painting.scenery.backdrop.astype(int)[row, column]
    assert painting.scenery.nearness[row, column] < nearness - 0.01
    assert np.abs(behind - painting.rgb[row, column]).max() > 8
    assert any(
        flat.nearness == pytest.approx(nearness, abs=0.001)
        and 0 <= row - flat.top < flat.rgba.shape[0]
        and 0 <= column - flat.left < flat.rgba.shape[1]
        and flat.rgba[row - flat.top, column - flat.left, 3] > 127
        for flat in painting.scenery.flats
    )


def test_cars_are_flats_at_their_own_distances() -> None:
    painting = paint(read("a street at night", None, 2), 320, 180)
    assert painting.scenery
    on_the_road = {round(flat.nearness, 3) for flat in painting.scenery.flats if flat.top > 90}
    assert len(on_the_road) > 3


@pytest.mark.parametrize("prompt", ["a lake in the snow", "a lake, oil", "a lake, watercolour", "a lake, poster"])
def test_an_object_is_finished_as_in_a_whole_picture(prompt: str) -> None:
    stage = _stage(prompt, 320, 180)
    paint_land(stage, shores.lake(stage))
    behind = stage.canvas.behind
    assert behind is not None
    size = 60, 80
    green = as_field(np.broadcast_to([0.2, 0.5, 0.3], (*size, 3)))
    cutout = Cutout(100, 40, green, as_field(np.ones(size)), 0.3)
    sheet = behind.copy()
    sheet.lay(*cutout)
    whole = FinishedCanvas(sheet, sheet, stage.light, stage.reading).picture[cutout.place].astype(int)
    part = FinishedCanvas(behind, behind, stage.light, stage.reading).flat(cutout, 0.5).rgba
    assert (part[..., 3] == 255).all()
    assert np.abs(part[..., :3] - whole).mean() < 3


def test_the_light_around_a_lamp_moves_with_the_lamp_and_ends_softly() -> None:
    canvas = Canvas.blank(Camera(320, 180, 90, 1.4))
    canvas.rgb[:] = 0.05
    lamp = Cutout(150, 80, as_field(np.full((8, 8, 3), 6)), as_field(np.ones((8, 8))), 0.3)
    flat = FinishedCanvas(canvas, canvas, light_of(reading := read("a lake at night", None, 1)), reading).flat(
        lamp, 0.5
    )
    cover = flat.rgba[84 - flat.top, :, 3].astype(int)
    assert 20 < cover[148 - flat.left] < 255
    assert cover[0] < 20


def test_trees_do_not_hide_the_subject() -> None:
    """The castle of this seed stands behind a grove. Its pixels have one distance."""
    painting = paint(read("a castle in a green valley", None, 7), 320, 180)
    column, row = round(painting.focal_point[0] * 320), round(painting.focal_point[1] * 180)
    around = painting.nearness[row - 12 : row + 12, column - 14 : column + 14]
    assert np.bincount(around[around > 0]).max() > 300


def test_a_thing_has_the_colour_of_the_prompt_and_the_sky_does_not() -> None:
    painting = paint(read("a red boat on a lake at noon", None, 7), 320, 180)
    column, row = round(painting.focal_point[0] * 320), round(painting.focal_point[1] * 180)
    red, green, blue = painting.rgb[row - 4 : row, column - 2 : column + 3].reshape(-1, 3).mean(axis=0)
    assert red > 1.5 * max(green, blue)
    red, green, blue = painting.rgb[:20].reshape(-1, 3).mean(axis=0)
    assert blue > red


_USUAL = {
    (Place.ARCTIC, Accent.SNOWY),
    (Place.CANYON, Accent.RIVER),
    (Place.COAST, Accent.LIGHTHOUSE),
    (Place.ISLAND, Accent.PALM),
    (Place.SKYLINE, Accent.BOAT),
    *((place, Accent.TREE) for place in (Place.MOUNTAINS, Place.VALLEY, Place.MEADOW, Place.FOREST)),
}  # painted also in pictures whose prompt does not name them
_IN_THE_SKY = {Accent.MOON, Accent.STARS, Accent.AURORA, Accent.BIRDS}
_SHOWN = sorted(
    {(place, thing) for place, things in SHOWN.items() for thing in things - _IN_THE_SKY if place is not Place.SPACE}
    - _USUAL,
    key=lambda pair: (pair != (Place.SEA, Accent.FIGURE), pair),
)


def test_a_red_moon_is_red_and_the_night_is_not() -> None:
    painting = paint(read("a red moon over the sea at night, clear", None, 1), 320, 180)
    red, _, blue = painting.rgb[:90].reshape(-1, 3).astype(int).T
    assert (red > 2 * blue).sum() > 40, "the moon"
    assert np.median(blue - red) > 10, "the sky"


@pytest.mark.parametrize(("place", "thing"), few_quick(_SHOWN, 1))
def test_each_thing_that_a_place_can_show_is_painted(place: Place, thing: Accent) -> None:
    without = replace(read("night", None, 3), place=place, accents=frozenset({Accent.STARS}))
    painted = replace(without, accents=without.accents | {thing})
    assert (paint(painted, 160, 90).rgb != paint(without, 160, 90).rgb).any()


@pytest.mark.slow
@pytest.mark.parametrize("thing", sorted(COLOURED))
def test_each_thing_that_can_have_a_colour_is_painted_in_it(thing: Meaning) -> None:
    word = VOCABULARY[thing].split(", ")[0]
    reading = read(f"{word} in a meadow" if thing is Accent.FIGURE else word, None, 3)  # a figure has no home

    def painted(palette: Palette) -> Painting:
        return paint(replace(reading, words=replace(reading.words, colours={thing: palette})), 160, 90)

    assert (painted(Palette.RED).rgb != painted(Palette.BLUE).rgb).any()
