"""The peer: moviepy with the same effect, run in an environment of its own (it pins an old Pillow).

`python moviepy_parallax.py PICTURE DEPTH OUT FRAMES CRF` prints the seconds that the film took.
"""

import sys
from time import perf_counter

import cv2
import numpy as np
from moviepy import VideoClip

WIDTH, HEIGHT, FPS = 1920, 1080, 24


def main(picture_path: str, depth_path: str, out: str, frames: int, crf: str) -> float:
    began = perf_counter()
    picture = cv2.cvtColor(np.asarray(cv2.imread(picture_path)), cv2.COLOR_BGR2RGB)
    depth = np.asarray(cv2.imread(depth_path, cv2.IMREAD_UNCHANGED)).astype(np.float32) / 65535
    nearness = cv2.resize(depth, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    across, down = picture.shape[1] / WIDTH, picture.shape[0] / HEIGHT

    def frame(seconds: float) -> np.ndarray:
        shift = np.float32(60 * (seconds * FPS / frames - 0.5)) * nearness
        return cv2.remap(
            picture,
            (columns + shift) * np.float32(across),
            rows * np.float32(down),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )

    clip = VideoClip(frame, duration=frames / FPS)
    parameters = ["-crf", crf, "-pix_fmt", "yuv420p"]
    clip.write_videofile(out, fps=FPS, codec="libx264", preset="veryfast", ffmpeg_params=parameters, logger=None)
    return perf_counter() - began


if __name__ == "__main__":
    print(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]))
