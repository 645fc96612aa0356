"""Frames of a moving camera over scenery: a near post in front of a wall, both painted completely."""

from pathlib import Path
from zipfile import ZipFile

import cv2
import numpy as np
import pytest

from shared.camera.move import Pose
from workers.media.planes import Bytes, Floats, Planes, from_rgb, to_rgb
from workers.media.scenery import Flat, Scenery
from workers.renderer.shoot import Shot

WIDTH, HEIGHT = 320, 180
GREY, BLUE, RED = (128, 128, 128), (40, 40, 255), (255, 40, 40)


def stage() -> Scenery:
    """Return a grey wall with a red window that is hidden by a blue post."""
    wall = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    wall[60:100, 150:170] = RED
    post = np.full((140, 40, 4), (*BLUE, 255), np.uint8)
    return Scenery(wall, np.zeros((HEIGHT, WIDTH), np.float32), (Flat(140, 40, post, 1.0),))


def nearness() -> Floats:
    near = np.zeros((HEIGHT, WIDTH), np.float32)
    near[40:, 140:180] = 1
    return near


def shot(scenery: Scenery | None = None) -> Shot:
    scenery = scenery or stage()
    return Shot(scenery.picture(), nearness(), WIDTH, HEIGHT, 24, scenery=scenery)


def rendered(made: Shot, *poses: Pose) -> list[Bytes]:
    made.prepare(poses)
    return [to_rgb(made.frame(pose)) for pose in poses]


def like(rgb: Bytes, colour: tuple[int, int, int], within: int = 30) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.asarray(np.abs(rgb.astype(int) - colour).max(axis=2) < within)


def test_a_still_camera_shows_the_whole_picture() -> None:
    shown, expected = shot().frame(Pose()), from_rgb(stage().picture())
    assert all(np.abs(a.astype(int) - b).max() <= 2 for a, b in zip(shown, expected, strict=True))


def test_a_flat_uncovers_the_painted_backdrop() -> None:
    still, moved = rendered(shot(), Pose(), Pose(truck=1))
    assert not like(still, RED).any()
    assert like(moved, RED).sum() > 300, "the window behind the post"


def test_a_flat_moves_as_an_object_of_its_nearness() -> None:
    """The post has the same place as a flat and as a near part of a single picture with depth."""
    poses = (Pose(), Pose(truck=0.6, pedestal=0.4, dolly=0.5), Pose(pan=0.7, tilt=-0.5, roll=0.8), Pose(zoom=1.3))
    whole = Shot(stage().picture(), nearness(), WIDTH, HEIGHT, 24)
    for one, other in zip(rendered(shot(), *poses), rendered(whole, *poses), strict=True):
        places = [np.argwhere(like(rgb, BLUE, 60)).mean(axis=0) for rgb in (one, other)]
        assert places[0] == pytest.approx(places[1], abs=1.6), "the rim is estimated in the single picture"


def test_the_edge_of_a_flat_is_blended_and_at_most_two_pixels_wide() -> None:
    made, pose = shot(), Pose(truck=-1, roll=0.5)
    made.prepare([pose])
    below_the_window = made.frame(pose).y[120:].astype(int)
    wall, post = (int(from_rgb(np.full((2, 2, 3), colour, np.uint8)).y[0, 0]) for colour in (GREY, BLUE))
    share = (below_the_window - wall) / (post - wall)
    assert share.min() > -0.02
    assert share.max() < 1.02
    rim = (share > 0.05) & (share < 0.95)
    assert 0 < rim.sum(axis=1).max() <= 4, "two edges"


@pytest.mark.parametrize("pose", [Pose(fisheye=1, truck=1), Pose(roll=1, dolly=1), Pose(pan=1, tilt=1)])
def test_a_flat_at_the_border_reaches_beyond_the_frame(pose: Pose) -> None:
    """A blue ledge covers the whole lower border: every pixel below its upper edge is blue."""
    wall = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    ledge = np.full((60, WIDTH, 4), (*BLUE, 255), np.uint8)
    scenery = Scenery(wall, np.zeros((HEIGHT, WIDTH), np.float32), (Flat(0, HEIGHT - 60, ledge, 0.9),))
    near = np.zeros((HEIGHT, WIDTH), np.float32)
    near[-60:] = 0.9
    made = Shot(scenery.picture(), near, WIDTH, HEIGHT, 24, scenery=scenery)
    (rgb,) = rendered(made, pose)
    blue = like(rgb, BLUE, 60)
    assert blue.any()
    assert np.array_equal(np.logical_or.accumulate(blue, axis=0)[4:], blue[4:] | np.roll(blue, 2, axis=0)[4:])


def test_focus_blurs_a_flat_that_is_not_in_focus() -> None:
    def edge(focus: float) -> float:
        made, pose = shot(), Pose(focus=focus)
        made.prepare([pose])
        return float(np.abs(np.diff(made.frame(pose).y[100].astype(int))).max())

    assert edge(1) > 60
    assert edge(0) < 25


def test_the_depth_of_a_flat_is_at_the_pixels_of_the_flat() -> None:
    made = shot()
    made.prepare([Pose(), Pose(truck=1)])
    for pose in (Pose(), Pose(truck=1)):
        near, blue = made.nearness(pose) > 0.9, like(to_rgb(made.frame(pose)), BLUE, 60)
        assert (near ^ blue).sum() < 300
        assert near.sum() > 4000


def test_a_flat_that_left_the_frame_is_not_drawn() -> None:
    scenery = stage()
    aside = scenery._replace(flats=(Flat(2, 2, scenery.flats[0].rgba[:20, :20].copy(), 1.0),))
    made = Shot(aside.picture(), np.zeros((HEIGHT, WIDTH), np.float32), WIDTH, HEIGHT, 24, scenery=aside)
    (rgb,) = rendered(made, Pose(zoom=3))
    assert not like(rgb, BLUE, 60).any()


@pytest.mark.parametrize("picture", [1.0, 0.5, 3.0])
def test_a_flat_has_the_same_place_in_pictures_of_any_size(picture: float) -> None:
    def sized(plane: Bytes) -> Bytes:
        size = round(plane.shape[1] * picture), round(plane.shape[0] * picture)
        return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST), np.uint8)

    one = stage()
    (flat,) = one.flats
    moved = flat._replace(left=round(140 * picture), top=round(40 * picture), rgba=sized(flat.rgba))
    scaled = Scenery(sized(one.backdrop), one.nearness, (moved,))
    made = Shot(scaled.picture(), nearness(), WIDTH, HEIGHT, 24, scenery=scaled)
    (rgb,) = rendered(made, Pose())
    rows, columns = np.nonzero(like(rgb, BLUE, 60))
    assert (columns.mean(), rows.mean()) == pytest.approx((159.5, 109.5), abs=1)


def test_scenery_is_read_as_it_was_written(tmp_path: Path) -> None:
    one = stage()
    other = Scenery.load(one.save(tmp_path))
    assert np.array_equal(one.backdrop, other.backdrop)
    assert np.abs(one.nearness - other.nearness).max() < 1e-4
    assert [flat[:2] for flat in other.flats] == [(140, 40)]
    assert np.array_equal(one.flats[0].rgba, other.flats[0].rgba)


def _without(path: Path, missing: str) -> None:
    with ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist() if name != missing}
    with ZipFile(path, "w") as file:
        for name, part in parts.items():
            file.writestr(name, part)


@pytest.mark.parametrize("missing", ["backdrop.png", "depth.png", "flat0.png", "scenery.json"])
def test_incomplete_scenery_is_refused(tmp_path: Path, missing: str) -> None:
    path = stage().save(tmp_path)
    _without(path, missing)
    with pytest.raises(ValueError, match="scenery"):
        Scenery.load(path)


@pytest.mark.parametrize("content", [b"", b"PK not really", b"\x89PNG\r\n"])
def test_scenery_that_is_not_an_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "scenery.zip").write_bytes(content)
    with pytest.raises(ValueError, match="scenery"):
        Scenery.load(tmp_path / "scenery.zip")


def test_frames_are_planes_that_an_encoder_accepts() -> None:
    planes = shot().frame(Pose(truck=0.3))
    assert isinstance(planes, Planes)
    assert [plane.shape for plane in planes] == [(HEIGHT, WIDTH), (HEIGHT // 2, WIDTH // 2), (HEIGHT // 2, WIDTH // 2)]
