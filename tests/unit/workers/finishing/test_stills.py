"""The stills of a film."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from workers.finishing.stills import Preview
from workers.media.planes import from_rgb


def test_a_gif_shows_smooth_colours_without_steps(tmp_path: Path) -> None:
    """Its palette has 256 colours. Dither mixes the others from them, so the mean of a small area is right."""
    across, down = np.meshgrid(np.linspace(0, 1, 320), np.linspace(0, 1, 180))
    sky = np.stack([40 + 200 * across, 60 + 150 * down, 220 - 150 * across], axis=2).astype(np.uint8)
    preview = Preview(24)
    for shift in range(24):
        preview.consider(from_rgb(np.roll(sky, shift, axis=0)))
    with Image.open(preview.save_gif(tmp_path)) as gif:
        gif.seek(4)
        shown = np.asarray(gif.convert("RGB"))
    wanted = np.roll(sky, 8, axis=0)
    apart = cv2.blur(shown.astype(np.float32), (9, 9)) - cv2.blur(wanted.astype(np.float32), (9, 9))
    inner = np.abs(apart)[20:-20, 20:-20]
    assert np.percentile(inner, 99) < 2.5
    assert len(np.unique(shown.reshape(-1, 3), axis=0)) > 128
