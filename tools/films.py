"""`python -m tools.films`: make the films of the landing page, and their posters."""

import json
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from shared.camera.catalogue import default_moves
from workers.media.codecs import ClipWriter, Encoding
from workers.media.planes import to_rgb
from workers.painter.painting import paint
from workers.painter.reading import read
from workers.renderer.motif import Motif
from workers.renderer.path import camera_path
from workers.renderer.photograph import filming

LIST = Path("web/src/features/landing/films.json")
FOLDER = Path("web/public/films")

_SECONDS, _FPS, _SEED = 4, 24, 7
_MARGIN = 1.2  # the painting's size, as a multiple of the frame's
_ENCODING = Encoding(preset="slow", crf=27, keyframe_seconds=_SECONDS, movflags="+faststart")


def main() -> None:
    """Write each film of `LIST` as MP4 into `FOLDER`, and its first frame in each of its poster's widths as WebP."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for film in json.loads(LIST.read_text()):
        size = film["width"], film["height"]
        painting = paint(read(film["prompt"], None, _SEED), *(round(_MARGIN * side) for side in size))
        nearness = np.asarray(painting.nearness, np.float32) / np.float32(65535)
        motif = Motif(painting.rgb, nearness, painting.focal_point, painting.scenery)
        move = default_moves()[film["preset"]].move
        poses = camera_path(move, _SECONDS * _FPS, _FPS, loop=True)
        (shot,), poses, _ = filming([motif], poses, size, _FPS, move.shutter)
        shot.prepare(poses)
        path = FOLDER / f"{film['name']}.mp4"
        with ClipWriter(path, *size, _FPS, _ENCODING) as writer:
            for planes in shot.film(poses):
                if not writer.frames:
                    posters = _posters(Image.fromarray(to_rgb(planes)), film["name"], film["posters"])
                writer.write(planes)
        for file in (path, *posters):
            Console().print(f"{file}: {file.stat().st_size / 1e3:.0f} kB")


def _posters(frame: Image.Image, name: str, widths: list[int]) -> list[Path]:
    files = [FOLDER / f"{name}-{width}.webp" for width in widths]
    for width, file in zip(widths, files, strict=True):
        height = round(frame.height * width / frame.width)
        frame.resize((width, height), Image.Resampling.LANCZOS).save(file, quality=76, method=6)
    return files


if __name__ == "__main__":
    main()
