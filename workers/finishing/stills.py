"""The stills of a film: poster, thumbnail, a moving preview, and sprites for scrubbing."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from workers.finishing import gif
from workers.media.planes import Bytes, Planes, as_bytes, to_rgb

_THUMBNAIL_WIDTH = 480
_PREVIEW_SIDE, _PREVIEW_FPS, _PREVIEW_SECONDS = 240, 12, 3
_GIF_SIDE = 180
_SPRITE_SIDE, _MOST_SPRITES, _SPRITES_A_ROW = 90, 60, 10


class Poster:
    """The frame with the most fine detail and contrast. Frames in the middle of the film have more weight.

    Frames are bare: captions, bars and a watermark have more detail than any picture.
    """

    def __init__(self, frames: int, fps: float) -> None:
        self._frames, self._every = max(1, frames), max(1, round(fps / 4))
        self._seen, self._score = 0, -1.0
        self._best: Planes | None = None

    def consider(self, planes: Planes) -> None:
        """Score one frame per quarter of a second, and copy the best one."""
        at, self._seen = self._seen, self._seen + 1
        if at % self._every:
            return
        rows, columns = planes.y.shape
        small = cv2.resize(planes.y, (max(16, columns * 240 // rows), 240), interpolation=cv2.INTER_AREA)
        detail = float(cv2.Laplacian(small, cv2.CV_16S).std())
        middle = 1 - abs(2 * at / self._frames - 1)
        score = detail * float(np.std(small)) * (0.7 + 0.3 * middle)
        if score > self._score:
            self._score, self._best = score, Planes(*(plane.copy() for plane in planes))

    def save(self, folder: Path, dressed: Callable[[Planes], Planes]) -> tuple[Path, Path]:
        """Write `poster.jpg` at full size and `thumbnail.jpg`. Raise ValueError if no frame was considered.

        `dressed` adds to the chosen frame what every still of the film has.
        """
        if self._best is None:
            raise ValueError("no frame to take a still from")
        picture = Image.fromarray(to_rgb(dressed(self._best)))
        poster, thumbnail = folder / "poster.jpg", folder / "thumbnail.jpg"
        picture.save(poster, quality=90, progressive=True, optimize=True)
        high = max(1, round(picture.height * _THUMBNAIL_WIDTH / picture.width))
        picture.resize((_THUMBNAIL_WIDTH, high), Image.Resampling.LANCZOS).save(thumbnail, quality=85, progressive=True)
        return poster, thumbnail


class LastFrame:
    """The film's last frame, from which another film can go on."""

    def __init__(self) -> None:
        self._newest: Planes | None = None

    def consider(self, planes: Planes) -> None:
        self._newest = planes

    def save(self, folder: Path) -> Path:
        """Write `last-frame.png`. Raise ValueError if no frame was considered."""
        if self._newest is None:
            raise ValueError("no frame to save")
        path = folder / "last-frame.png"
        Image.fromarray(to_rgb(self._newest)).save(path, compress_level=3)
        return path


class Preview:
    """The film's first 3 seconds, scaled down, at 12 frames per second."""

    def __init__(self, fps: float) -> None:
        self._fps, self._seen = fps, 0
        self._frames: list[Bytes] = []

    def consider(self, planes: Planes) -> None:
        at, self._seen = self._seen, self._seen + 1
        due = len(self._frames) / _PREVIEW_FPS
        if due < _PREVIEW_SECONDS and at / self._fps >= due - 1e-9:
            self._frames.append(to_rgb(_shrunk(planes, _PREVIEW_SIDE)))

    def save_webp(self, folder: Path) -> Path:
        path = folder / "preview.webp"
        first, *rest = (Image.fromarray(frame) for frame in self._frames)
        first.save(path, save_all=True, append_images=rest, duration=self._milliseconds, loop=0, quality=60, method=1)
        return path

    def save_gif(self, folder: Path) -> Path:
        """Write a smaller GIF."""
        path = folder / "preview.gif"
        high, wide = self._frames[0].shape[:2]
        shrink = min(1.0, _GIF_SIDE / min(high, wide))
        size = round(wide * shrink), round(high * shrink)
        smaller = [as_bytes(cv2.resize(frame, size, interpolation=cv2.INTER_AREA)) for frame in self._frames]
        gif.write(path, smaller, Fraction(min(self._fps, _PREVIEW_FPS)).limit_denominator(1001))
        return path

    @property
    def _milliseconds(self) -> int:
        return round(1000 / min(self._fps, _PREVIEW_FPS))


class Sprites:
    """Small frames at equal steps of time, for scrubbing."""

    def __init__(self, frames: int, fps: float) -> None:
        seconds = max(frames, 1) / fps
        self._step = max(0.25, ceil(4 * seconds / _MOST_SPRITES) / 4)  # seconds
        self._fps, self._seen = fps, 0
        self._tiles: list[Bytes] = []

    def consider(self, planes: Planes) -> None:
        at, self._seen = self._seen, self._seen + 1
        if len(self._tiles) < _MOST_SPRITES and at / self._fps >= len(self._tiles) * self._step - 1e-9:
            self._tiles.append(to_rgb(_shrunk(planes, _SPRITE_SIDE)))

    def save(self, folder: Path) -> tuple[Path, Path]:
        """Write the sheet, `sprites.jpg`, and its WebVTT, whose cues name parts of the sheet as Media Fragments."""
        sheet, track = folder / "sprites.jpg", folder / "sprites.vtt"
        high, wide = self._tiles[0].shape[:2]
        across = min(_SPRITES_A_ROW, len(self._tiles))
        canvas = np.zeros((high * ceil(len(self._tiles) / across), wide * across, 3), np.uint8)
        cues = ["WEBVTT", ""]
        for index, tile in enumerate(self._tiles):
            x, y = wide * (index % across), high * (index // across)
            canvas[y : y + high, x : x + wide] = tile
            last = index == len(self._tiles) - 1
            end = self._seen / self._fps if last else (index + 1) * self._step
            cues += [f"{_clock(index * self._step)} --> {_clock(end)}", f"{sheet.name}#xywh={x},{y},{wide},{high}", ""]
        Image.fromarray(canvas).save(sheet, quality=80)
        track.write_text("\n".join(cues), encoding="utf-8", newline="\n")
        return sheet, track


def _shrunk(planes: Planes, short_side: int) -> Planes:
    rows, columns = planes.y.shape
    shrink = min(1.0, short_side / min(rows, columns))
    half = max(1, round(columns * shrink / 2)), max(1, round(rows * shrink / 2))
    sizes = (2 * half[0], 2 * half[1]), half, half
    return Planes(
        *(as_bytes(cv2.resize(plane, size, interpolation=cv2.INTER_AREA)) for plane, size in
          zip(planes, sizes, strict=True))
    )  # fmt: skip


def _clock(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    whole = thousandths // 1000
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{thousandths % 1000:03}"
