"""`python -m tools.previews`: film every preset; write previews, thumbnails, path pictures and a contact sheet."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console

from shared.camera.catalogue import DefaultMove, default_moves
from shared.camera.lowerings import inverse_distance
from workers.media.planes import Bytes, to_rgb
from workers.motion.projection import Frame, rays
from workers.painter.painting import Painting, paint
from workers.painter.reading import read
from workers.renderer.motif import Motif
from workers.renderer.photograph import filming
from workers.renderer.shoot import Shot

FOLDER = Path("docs/gallery/presets")
SHEET = Path("docs/gallery/presets.jpg")

_WIDTH, _HEIGHT, _SECONDS, _FPS = 320, 180, 2.0, 12
_SUPERSAMPLING = 2  # frames are drawn larger by this factor and reduced, for smooth edges
_PROMPTS = (
    "a lighthouse on a cliff at dusk",
    "a city street in neon rain at night",
    "a pine forest path at golden hour",
    "a castle in a green valley at golden hour",
    "a sailing boat on the sea at sunset",
    "a lone tree in a meadow with flowers",
)
_MAX_BYTES = 60_000  # target size of a preview


def main() -> None:
    """Write all pictures into docs/gallery."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    strips = []
    for number, preset in enumerate(default_moves().values()):
        painting = _painting(number % len(_PROMPTS))
        shot, frames = film(preset, painting)
        _save_preview(frames, FOLDER / f"{preset.id}.webp")
        last = frames[-1 if preset.move.keyframes[0].pose() != preset.move.keyframes[-1].pose() else len(frames) // 4]
        last.save(FOLDER / f"{preset.id}.jpg", quality=72, optimize=True)
        draw_path(preset, shot).save(FOLDER / f"{preset.id}.png", optimize=True)
        strips.append((preset.name, [frames[0], frames[len(frames) // 2], frames[-1]]))
    contact_sheet(strips).save(SHEET, quality=78, optimize=True, progressive=True)
    total = sum(path.stat().st_size for path in (*FOLDER.iterdir(), SHEET))
    Console().print(f"{len(strips)} presets, {total / 1e6:.1f} MB in {FOLDER} and {SHEET}")


@cache
def _painting(number: int) -> Painting:
    prompt = _PROMPTS[number]
    return paint(read(prompt, None, 7), round(1.2 * _SUPERSAMPLING * _WIDTH), round(1.2 * _SUPERSAMPLING * _HEIGHT))


def film(preset: DefaultMove, painting: Painting) -> tuple[Shot, list[Image.Image]]:
    """Return the shot and the frames, `_WIDTH` x `_HEIGHT`, of the preset on a painting in `_SECONDS`."""
    count = round(_SECONDS * _FPS)
    poses = [preset.move.sample(i / (count - 1)) for i in range(count)]
    nearness = np.asarray(painting.nearness, np.float32) / np.float32(65535)
    size = _SUPERSAMPLING * _WIDTH, _SUPERSAMPLING * _HEIGHT
    motif = Motif(painting.rgb, nearness, painting.focal_point, painting.scenery)
    (shot,), poses, _ = filming([motif], poses, size, _FPS, preset.move.shutter)
    shot.prepare(poses)
    return shot, [_small(to_rgb(planes)) for planes in shot.film(poses)]


def _small(rgb: Bytes) -> Image.Image:
    return Image.fromarray(np.asarray(cv2.resize(rgb, (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA), np.uint8))


def _save_preview(frames: Sequence[Image.Image], path: Path) -> None:
    """Write an animated WebP that ends with a pause of 0.5 s, in the best quality with at most `_MAX_BYTES` bytes.

    The lowest quality is written even if it is larger.
    """
    durations = [round(1000 / _FPS)] * (len(frames) - 1) + [500]
    for quality in (60, 50, 40, 30, 20, 10):
        frames[0].save(
            path, save_all=True, append_images=frames[1:], duration=durations, loop=0, quality=quality, method=4
        )
        if path.stat().st_size <= _MAX_BYTES:
            return


def draw_path(preset: DefaultMove, shot: Shot) -> Image.Image:
    """Return a picture of the move: the frame at six moments, from pale to bright, and the path of its middle.

    The lines show the path on the far distance (blue), on the middle distance (white) and on the nearest (orange).
    """
    scale, width, height = 4, 160, 90
    frame = Frame.of(width, height)
    image = Image.new("RGB", (width * scale, height * scale), "#151a22")
    draw = ImageDraw.Draw(image)

    def seen(t: float, nearness: float, x: Sequence[float], y: Sequence[float]) -> list[tuple[float, float]]:
        view = shot.view(preset.move.sample(t), t * _SECONDS)
        points = rays(
            view,
            shot.cover,
            np.array(x, np.float32) / np.float32(frame.unit),
            np.array(y, np.float32) / np.float32(frame.unit),
        )
        at_x, at_y = points.at(np.float32(inverse_distance(nearness)))
        shrink = 0.94 * scale * frame.unit
        return [
            (float(px) * shrink + width * scale / 2, float(py) * shrink + height * scale / 2)
            for px, py in zip(at_x, at_y, strict=True)
        ]

    draw.rectangle(
        [(0.03 * width * scale, 0.03 * height * scale), (0.97 * width * scale, 0.97 * height * scale)],
        outline="#39424f",
        width=2,
    )
    half_x, half_y = width / 2, height / 2
    moments = 6
    for i in range(moments):
        t = i / (moments - 1)
        tone = tuple(round(low + (high - low) * t) for low, high in zip((70, 84, 104), (255, 214, 120), strict=True))
        corners = seen(t, 0.5, (-half_x, half_x, half_x, -half_x), (-half_y, -half_y, half_y, half_y))
        draw.line([*corners, corners[0]], fill=tone, width=5 if i in (0, moments - 1) else 2, joint="curve")
    for nearness, colour in ((0.0, "#5aa9ff"), (1.0, "#ff8a4c"), (0.5, "#ffffff")):
        trace = [seen(i / 60, nearness, (0.0,), (0.0,))[0] for i in range(61)]
        draw.line(trace, fill=colour, width=4, joint="curve")
        x, y = trace[-1]
        draw.ellipse([x - 7, y - 7, x + 7, y + 7], fill=colour)
    return image.resize((width * 2, height * 2), Image.Resampling.LANCZOS).quantize(64, dither=Image.Dither.NONE)


def contact_sheet(strips: Sequence[tuple[str, Sequence[Image.Image]]]) -> Image.Image:
    """Return a sheet with three moments of each preset under its name, in four columns."""
    columns, margin, title = 4, 14, 26
    width, height = 128, 72
    cell_width, cell_height = 3 * width + margin, height + title + margin
    rows = -(-len(strips) // columns)
    sheet = Image.new("RGB", (columns * cell_width + margin, rows * cell_height + margin), "#10141b")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(15)
    for i, (name, frames) in enumerate(strips):
        left, top = margin + i % columns * cell_width, margin + i // columns * cell_height
        draw.text((left, top + 2), name, fill="#e8ecf2", font=font)
        for j, frame in enumerate(frames):
            sheet.paste(frame.resize((width - 1, height), Image.Resampling.LANCZOS), (left + j * width, top + title))
    return sheet


if __name__ == "__main__":
    main()
