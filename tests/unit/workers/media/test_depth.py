from pathlib import Path

import cv2
import numpy as np
import pytest

from shared.camera.move import Pose
from workers.media.depth import estimate, ground_is_certain, read_depth
from workers.media.planes import Bytes, as_floats, from_rgb, to_rgb
from workers.renderer.shoot import Shot


def landscape() -> Bytes:
    """Return a picture of blue sky, a grey ridge, textured green ground and a red object in the middle."""
    noise = np.random.default_rng(1).integers(-20, 20, (360, 640, 1))
    picture = np.zeros((360, 640, 3), int)
    picture[:160] = (120, 170, 235)
    picture[160:220] = np.array((120, 130, 140)) + noise[160:220] // 3
    picture[220:] = np.array((60, 120, 50)) + noise[220:]
    picture[130:300, 290:350] = np.array((200, 40, 40)) + noise[130:300, 290:350]
    return picture.clip(0, 255).astype(np.uint8)


def test_the_sky_is_far_the_ground_comes_nearer_and_the_subject_stands_out() -> None:
    nearness = cv2.resize(estimate(landscape()), (640, 360))
    sky, ridge, ground = nearness[20:120].mean(), nearness[175:205, :200].mean(), nearness[330:].mean()
    assert sky < 0.08 < ridge < 0.5 < ground
    assert nearness[175:205, 300:340].mean() > ridge + 0.1


def test_cables_do_not_divide_the_sky() -> None:
    picture = landscape()
    picture[130:300, 290:350] = picture[130:300, 200:260]
    assert ground_is_certain(picture)
    for x in (0, 330):
        cv2.line(picture, (x, -20), (x + 310, 230), (60, 60, 70), 9)
    cv2.line(picture, (-20, 90), (660, 60), (60, 60, 70), 9)
    nearness = cv2.resize(estimate(picture), (640, 360))
    assert nearness[:120].max() < 0.15
    assert nearness[330:].mean() > 0.8
    assert ground_is_certain(picture)


def test_a_dark_thing_beside_the_sky_is_not_sky() -> None:
    picture = landscape()
    cv2.rectangle(picture, (200, 60), (440, 330), (25, 25, 25), -1)
    assert cv2.resize(estimate(picture), (640, 360))[100:150, 260:380].mean() > 0.15


def test_the_ground_begins_where_trees_end() -> None:
    rng = np.random.default_rng(3)
    picture = cv2.GaussianBlur(rng.integers(70, 160, (360, 640, 3)).astype(np.uint8), (0, 0), 1)
    for x in range(20, 640, 50):
        cv2.rectangle(picture, (x, 0), (x + 14, 220 + x % 40), (25, 20, 15), -1)
    rough = (picture + rng.integers(0, 40, picture.shape)).clip(0, 255).astype(np.uint8)  # bark is not smooth as sky
    nearness = cv2.resize(estimate(rough), (640, 360))
    trunks = nearness[:, 27::50]
    assert np.ptp(trunks[20:180].mean(axis=1)) < 0.2
    assert trunks[340:].mean() > trunks[180].mean() + 0.5


def test_estimated_depth_changes_where_the_colour_does() -> None:
    nearness = cv2.resize(estimate(landscape()), (640, 360))
    steps = np.abs(np.diff(nearness[170:210, 240:400].mean(axis=0)))
    assert {int(steps[:80].argmax()), int(steps[80:].argmax()) + 80} <= {*range(44, 56), *range(104, 116)}


@pytest.mark.parametrize("picture", [np.zeros((9, 7, 3), np.uint8), np.full((50, 2000, 3), 255, np.uint8)])
def test_any_picture_has_a_depth(picture: Bytes) -> None:
    nearness = estimate(picture)
    assert nearness.dtype == np.float32
    assert np.isfinite(nearness).all()
    assert 0 <= nearness.min() <= nearness.max() <= 1


def test_depth_pictures_are_16_bit_and_grey(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    cv2.imwrite(str(good), np.array([[0, 65535], [32768, 13107]], np.uint16))
    cv2.imwrite(str(bad), np.zeros((4, 4), np.uint8))
    assert read_depth(good).ravel() == pytest.approx([0, 1, 0.5, 0.2], abs=1e-4)
    with pytest.raises(ValueError, match="16-bit"):
        read_depth(bad)


def test_the_conversion_to_planes_and_back_keeps_the_colours() -> None:
    colours = np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (90, 140, 200)], np.uint8)
    picture = np.repeat(np.repeat(colours[None], 4, axis=0), 4, axis=1)
    planes = from_rgb(picture)
    assert (planes.y[0, 0], planes.u[0, 0], planes.v[0, 0]) == (63, 102, 240)
    assert np.abs(to_rgb(planes)[1, 1::4].astype(int) - picture[1, 1::4]).max() <= 2
    with pytest.raises(ValueError, match="even"):
        from_rgb(picture[:, :5])


def test_an_estimated_depth_has_no_edge_that_needs_two_layers() -> None:
    picture = landscape()
    estimated = Shot(picture, estimate(picture), 640, 360, 24)
    known = Shot(picture, as_floats((picture[..., 0] > 150).astype(np.float32)), 640, 360, 24)
    path = [Pose(), Pose(truck=0.6, dolly=0.5)]
    decomposed = [scene.back is not scene.front for scene in (shot.prepare(path) for shot in (estimated, known))]
    assert decomposed == [False, True]
