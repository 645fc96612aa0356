"""The peer: the same effect in moviepy, run in an environment of its own because moviepy pins an old Pillow.

`python moviepy_parallax.py PICTURE DEPTH PATH OUT CRF` prints the seconds that the film took. DEPTH is a 16-bit map of
nearness. PATH is JSON: `far`, the inverse distance of the farthest point, and for each frame the picture's `column`,
`row` and `slope` (columns per inverse distance) at the frame's corner, and `scale`.

The code is what a careful user of moviepy, NumPy and OpenCV would write. Near things form a layer with soft edges. The
hidden background is inpainted once. For each frame both layers are displaced by their depth.
"""

import json
import sys
from pathlib import Path
from time import perf_counter

import cv2
import numpy as np
from moviepy import VideoClip

Layer = tuple[np.ndarray, np.ndarray, np.ndarray]  # picture, inverse distance, opacity
WIDTH, HEIGHT, FPS = 1920, 1080, 24
CLIFF = 0.05  # difference of inverse distance that is an edge
REACH = 161  # pixels within which that difference counts; more than the largest displacement
TURNS = 4  # iterations until the displacement is stable


def main(picture_path: str, depth_path: str, path_path: str, out: str, crf: str) -> float:
    began = perf_counter()
    picture = cv2.cvtColor(np.asarray(cv2.imread(picture_path)), cv2.COLOR_BGR2RGB)
    nearness = np.asarray(cv2.imread(depth_path, cv2.IMREAD_UNCHANGED)).astype(np.float32) / 65535
    path = json.loads(Path(path_path).read_text())
    far = np.float32(path["far"])
    front, behind = layers(picture, far + (1 - far) * nearness)
    columns = np.arange(WIDTH, dtype=np.float32)[None, :]
    rows = np.arange(HEIGHT, dtype=np.float32)[:, None]
    frames = path["frames"]

    def frame(seconds: float) -> np.ndarray:
        at = frames[min(round(seconds * FPS), len(frames) - 1)]
        x = np.broadcast_to(columns * at["scale"] + at["column"], (HEIGHT, WIDTH)).astype(np.float32)
        y = np.broadcast_to(rows * at["scale"] + at["row"], (HEIGHT, WIDTH)).astype(np.float32)
        slope = np.float32(at["slope"])
        background, _ = displaced(behind, x, y, slope)
        thing, cover = displaced(front, x, y, slope)
        return cv2.blendLinear(thing, background, cover, 1 - cover)

    clip = VideoClip(frame, duration=len(frames) / FPS)
    parameters = ["-crf", crf, "-pix_fmt", "yuv420p"]
    clip.write_videofile(out, fps=FPS, codec="libx264", preset="veryfast", ffmpeg_params=parameters, logger=None)
    return perf_counter() - began


def layers(picture: np.ndarray, depth: np.ndarray) -> tuple[Layer, Layer]:
    """Return the near layer and the background layer."""
    window = np.ones((REACH, REACH), np.uint8)
    floor = cv2.erode(depth, window)
    standing = (depth - floor > CLIFF).astype(np.uint8)
    hidden = cv2.dilate(standing, np.ones((5, 5), np.uint8))
    full = picture.shape[1::-1]
    small = (full[0] // 4, full[1] // 4)
    hole = (cv2.resize(hidden.astype(np.float32), small, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    painted = cv2.inpaint(cv2.resize(picture, small, interpolation=cv2.INTER_AREA), hole, 5, cv2.INPAINT_TELEA)
    patch = cv2.resize(hidden.astype(np.float32), full)
    background = cv2.blendLinear(cv2.resize(painted, full), picture, patch, 1 - patch)
    outside = cv2.dilate(np.where(standing, depth, 0), window)
    thing_depth = np.where(standing, depth, np.maximum(outside, depth))
    solid = cv2.GaussianBlur(standing.astype(np.float32), (0, 0), 0.8)
    grown = (cv2.resize(each.astype(np.float32), full) for each in (thing_depth, np.where(hidden, floor, depth), solid))
    thing_depth, background_depth, solid = grown
    return (picture, thing_depth, solid), (background, background_depth, solid)


def displaced(layer: Layer, x: np.ndarray, y: np.ndarray, slope: np.float32) -> tuple[np.ndarray, np.ndarray]:
    """Return a layer as the camera sees it, and its opacity."""
    picture, depth, solid = layer
    near = np.full_like(x, 0.5)
    for _ in range(TURNS):
        near = cv2.remap(depth, x + slope * near, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    at = x + slope * near
    seen = cv2.remap(picture, at, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    return seen, cv2.remap(solid, at, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


if __name__ == "__main__":
    print(main(*sys.argv[1:6]))
