"""How fast the warp alone is: a picture without edges of near things, moved at 1080p; no encoder."""

from time import perf_counter

import cv2
import numpy as np

from shared.camera.catalogue import default_moves
from workers.media.planes import as_bytes
from workers.media.shoot import Shot

_WIDTH, _HEIGHT, _FPS = 1920, 1080, 24


def warp_fps(frames: int = 120, preset: str = "orbit-left") -> float:
    """1080p frames a second of the single-map path: the map met on the coarse grid, resized, planes remapped."""
    noise = np.random.default_rng(1).integers(0, 256, (_HEIGHT // 8, _WIDTH // 8, 3), np.uint8)
    picture = as_bytes(cv2.resize(noise, (_WIDTH * 6 // 5, _HEIGHT * 6 // 5), interpolation=cv2.INTER_CUBIC))
    nearness = np.linspace(0, 1, 270, dtype=np.float32)[:, None] * np.ones((1, 480), np.float32)
    move = default_moves()[preset].move
    poses = [move.sample(i / (frames - 1)) for i in range(frames)]
    shot = Shot(picture, nearness, _WIDTH, _HEIGHT, _FPS)
    shot.prepare(poses)
    began = perf_counter()
    for _ in shot.film(poses):
        pass
    return frames / (perf_counter() - began)
