"""Benchmark of the warp alone at 1080p, without an encoder.

The picture has smooth depth, like a picture whose depth is estimated. The peer is the lower bound: `cv2.remap` of the
same planes with maps that are already calculated.
"""

import cv2
import numpy as np

from bench.measure import Measure, faster, interleaved
from shared.camera.catalogue import default_moves
from workers.media.planes import Planes, as_bytes, from_rgb
from workers.renderer.shoot import Shot, drawn

_WIDTH, _HEIGHT, _FPS, _FRAMES = 1920, 1080, 24, 120
_PRESET = "orbit-left"


def warp() -> Measure:
    """Return 1080p frames per second: map on the coarse grid, refinement, lookup of three planes."""
    noise = np.random.default_rng(1).integers(0, 256, (_HEIGHT // 8, _WIDTH // 8, 3), np.uint8)
    picture = as_bytes(cv2.resize(noise, (_WIDTH * 6 // 5, _HEIGHT * 6 // 5), interpolation=cv2.INTER_CUBIC))
    nearness = np.linspace(0, 1, 270, dtype=np.float32)[:, None] * np.ones((1, 480), np.float32)
    move = default_moves()[_PRESET].move
    poses = [move.sample(i / (_FRAMES - 1)) for i in range(_FRAMES)]
    shot = Shot(picture, nearness, _WIDTH, _HEIGHT, _FPS)
    shot.prepare(poses)
    planes = from_rgb(picture)
    columns, rows = np.meshgrid(np.arange(_WIDTH, dtype=np.float32), np.arange(_HEIGHT, dtype=np.float32))
    large = columns * 1.1, rows * 1.1
    small = columns[: _HEIGHT // 2, : _WIDTH // 2] * 1.1, rows[: _HEIGHT // 2, : _WIDTH // 2] * 1.1

    def floor(_frame: int) -> Planes:
        y, u, v = (
            as_bytes(cv2.remap(plane, x, y, cv2.INTER_LINEAR))
            for plane, (x, y) in zip(planes, (large, small, small), strict=True)
        )
        return Planes(y, u, v)

    def ours() -> None:
        for _ in shot.film(poses):
            pass

    def theirs() -> None:
        for _ in drawn(floor, _FRAMES):
            pass

    seconds = interleaved({"ours": ours, "floor": theirs})
    return faster("warp_1080p_fps", seconds["ours"], seconds["floor"], "cv2.remap, maps ready", frames=_FRAMES)
