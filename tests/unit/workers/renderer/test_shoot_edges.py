"""Edges in the hardest case: a near disc in front of a striped wall, at the ends of dolly zooms and orbits."""

import cv2
import numpy as np
import pytest

from shared.camera.catalogue import default_moves
from workers.media.planes import Bytes, as_bytes, as_floats
from workers.media.scenery import Flat, Scenery
from workers.renderer.shoot import Shot

WIDTH, HEIGHT = 640, 360
DISC, DARK, LIGHT = 40, 140, 220  # grey levels; the disc is darker than the wall
RADIUS = 70


def stage(*, in_parts: bool) -> Shot:
    """Return a shot of a near disc and a far wall. Without `in_parts`, the hidden part of the wall is estimated."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    wall = np.where((columns // 16) % 2 == 0, DARK, LIGHT).astype(np.uint8)[..., None].repeat(3, axis=2)
    share = np.clip(RADIUS - np.hypot(rows - HEIGHT / 2, columns - WIDTH / 2) + 0.5, 0, 1)
    cover = np.rint(255 * share).astype(np.uint8)
    disc = np.dstack([np.full((HEIGHT, WIDTH, 3), DISC, np.uint8), cover])
    top, left = HEIGHT // 2 - RADIUS - 2, WIDTH // 2 - RADIUS - 2
    cut = np.ascontiguousarray(disc[top : HEIGHT - top, left : WIDTH - left])
    scenery = Scenery(wall, np.zeros((HEIGHT, WIDTH), np.float32), (Flat(left, top, as_bytes(cut), 1.0),))
    nearness = as_floats((share > 0.5).astype(np.float32))
    return Shot(scenery.picture(), nearness, WIDTH, HEIGHT, 24, scenery=scenery if in_parts else None)


def levels(grey: int) -> int:
    return round(16 + 219 / 255 * grey)


def around(mask: Bytes, pixels: int) -> Bytes:
    return as_bytes(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * pixels + 1, 2 * pixels + 1))))


@pytest.mark.parametrize(("in_parts", "rim_pixels", "strays"), [(True, 2, 0), (False, 4, 5)], ids=["in parts", "whole"])
@pytest.mark.parametrize("end", [0.0, 1.0])
@pytest.mark.parametrize("preset", ["dolly-zoom-in", "orbit-left", "orbit-right"])
def test_every_pixel_is_of_the_disc_or_the_wall_except_a_thin_rim(
    preset: str, end: float, in_parts: bool, rim_pixels: int, strays: int
) -> None:
    """A single picture has edges from a coarser depth map: its rim is wider and a few pixels stray."""
    move = default_moves()[preset].move
    shot = stage(in_parts=in_parts)
    shot.prepare([move.sample(i / 8) for i in range(9)])
    y = shot.frame(move.sample(end)).y
    disc = as_bytes((y < levels(DISC) + 12).astype(np.uint8))
    wall = as_bytes((y > levels(DARK) - 12).astype(np.uint8))
    assert y.min() > levels(DISC) - 6
    assert y.max() < levels(LIGHT) + 6
    neither = (disc == 0) & (wall == 0)
    rim = (around(disc, rim_pixels) > 0) & (around(wall, rim_pixels) > 0)
    assert (neither & ~rim).sum() <= strays, "mixed pixels are only at the edge of disc and wall"
    whole = as_bytes(np.pad(disc, 1))
    pieces = cv2.connectedComponentsWithStats(whole)[2][1:]
    assert len(pieces) == 1, "the disc is one piece"
    high, wide, area = int(pieces[0][3]), int(pieces[0][2]), int(pieces[0][4])
    assert abs(high - wide) <= 0.05 * high
    assert area == pytest.approx(np.pi * high * wide / 4, rel=0.03), "the disc is round"
