"""Overlays of a film: captions and the watermark, as small pictures with coverage, blended into the planes."""

from dataclasses import dataclass, replace
from math import ceil

import cv2
import numpy as np

from workers.media import lettering
from workers.media.captions import unsupported_script
from workers.media.lettering import Lettering, Line
from workers.media.planes import Bytes, Floats, Planes, as_floats
from workers.media.unreadable import Unreadable

_BLACK, _WHITE, _NEUTRAL = 16, 235, 128
_MOST_COVERED = 0.55  # maximum share of the picture's height that a caption covers
_EASY = 0.6  # letters of this share of the usual size are easy to read
_SHRINKS = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4)  # sizes of letters, as shares of the usual size
_RISE, _STEP = 1.0, 1.28  # minimum height above a base line and minimum line spacing, in sizes; tall letters need more
_TOO_CROWDED = (
    "captions_too_crowded",
    "Too many letters are shown at one time. Shorten the captions, or show them for longer.",
)
_GAP = 0.1  # minimum space between the ink of adjacent lines, in sizes


@dataclass(frozen=True, slots=True)
class Overlay:
    """A grey picture and its coverage (0..1, height x width), at (left, top) of the frame. All four are even."""

    left: int
    top: int
    ink: Floats
    cover: Floats

    def __call__(self, planes: Planes) -> Planes:
        """Return the frame with the overlay. The input frame does not change."""
        height, width = self.ink.shape
        half = as_floats(cv2.resize(self.cover, (width // 2, height // 2), interpolation=cv2.INTER_AREA))
        neutral = np.full_like(half, _NEUTRAL)
        layers = ((self.left, self.top, self.ink, self.cover), *[(self.left // 2, self.top // 2, neutral, half)] * 2)
        return Planes(*(_blended(plane, *layer) for plane, layer in zip(planes, layers, strict=True)))


@dataclass(frozen=True, slots=True)
class CaptionPage:
    """Lines that are drawn together, white with a dark edge, centred near the bottom of the picture.

    `size` is the size of the letters, `frame` (width, height), and `bars` the widths of the side bars and of the bars
    above and below, all in pixels. Letters stay outside the bars.
    """

    lines: tuple[Line, ...]
    size: int
    frame: tuple[int, int]
    bars: tuple[int, int]

    @property
    def step(self) -> int:
        """The line spacing in pixels."""
        return round(self.size * max(_STEP, max(line.rise + line.fall for line in self.lines) + _GAP))

    def drawn(self) -> Overlay:
        """Return the picture of the lines."""
        (width, height), (_, foot), size = self.frame, self.bars, self.size
        rise, across = max(line.rise for line in self.lines), max(line.width for line in self.lines)
        margin = size // 2
        sheet = np.zeros((_even(self.step * len(self.lines) + 2 * margin), _even(across * size + 2 * margin)), np.uint8)
        for index, line in enumerate(self.lines):
            place = (sheet.shape[1] - line.width * size) / 2, margin + index * self.step + max(_RISE, rise) * size
            line.draw(sheet, place, size)
        white = as_floats(sheet / 255)
        reach = max(1, round(size * 0.055))
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        edge = as_floats(cv2.GaussianBlur(cv2.dilate(white, disc), (0, 0), max(0.6, reach * 0.5)))
        shade = as_floats(cv2.GaussianBlur(cv2.dilate(white, disc), (0, 0), size * 0.16))
        cover = np.maximum(white, np.maximum(edge * 0.92, shade * 0.55))
        top = height - foot - round((height - 2 * foot) * 0.055) - sheet.shape[0]
        return _placed((width - sheet.shape[1]) // 2, top, _inked(white, as_floats(cover)), as_floats(cover))


def caption(
    text: str, letters: Lettering, frame: tuple[int, int], bars: tuple[int, int], *, most_pages: int = 1
) -> list[CaptionPage]:
    """Return the pages that show the whole text one after another, usually one.

    A long text gets smaller letters. If they would be hard to read, it gets up to `most_pages` pages. Raise Unreadable
    `captions_too_crowded` if the text does not fit.
    """
    (width, height), (side, foot) = frame, bars
    full = min(width * 0.058, height * 0.056)
    for shrink in _SHRINKS:
        size = max(2, round(full * shrink))
        page = CaptionPage(tuple(letters.lines(text, (width - 2 * side) * 0.86 / size)), size, frame, bars)
        on_each = max(1, int(((height - 2 * foot) * _MOST_COVERED - size) / page.step))
        pages = ceil(len(page.lines) / on_each)
        if pages <= (most_pages if shrink <= _EASY else 1):
            on_each = ceil(len(page.lines) / pages)
            return [
                replace(page, lines=page.lines[first : first + on_each]) for first in range(0, len(page.lines), on_each)
            ]
    raise Unreadable(*_TOO_CROWDED)


def check_drawable(text: str) -> None:
    """Raise Unreadable `captions_unsupported_script` if a line has a letter that no font has."""
    for line in text.split("\n"):
        if lettering.missing(line):
            raise unsupported_script(line)


def watermark(corner: str, width: int, height: int, bars: tuple[int, int]) -> Overlay:
    """Return Kinora's watermark: an open iris and the name, half transparent, in a corner of the picture."""
    size = max(10, round(min(width, height) * 0.04))
    fine = 4  # factor of oversampling, for smooth edges
    large = size * fine
    name = Lettering("kinora").line("kinora")
    sheet = np.zeros((_even(size * 2) * fine, _even(size * (2.5 + name.width)) * fine), np.uint8)
    middle = sheet.shape[0] // 2
    centre = (large, middle)
    cv2.circle(sheet, centre, round(large * 0.52), 255, round(large * 0.11), cv2.LINE_AA)
    tip = np.array([[-0.17, -0.28], [0.32, 0], [-0.17, 0.28]]) * large + centre
    cv2.fillPoly(sheet, [np.rint(tip).astype(np.int32)], 255, cv2.LINE_AA)
    name.draw(sheet, (large * 1.85, middle + large * 0.33), large)
    shape = sheet.shape[1] // fine, sheet.shape[0] // fine
    white = as_floats(cv2.resize(sheet, shape, interpolation=cv2.INTER_AREA) / np.float32(255))
    shade = as_floats(cv2.GaussianBlur(white, (0, 0), size * 0.12))
    cover = np.maximum(white * 0.72, shade * 0.4)
    side, foot = (bar + size // 2 for bar in bars)
    left = side if corner.endswith("left") else width - side - shape[0]
    top = foot if corner.startswith("top") else height - foot - shape[1]
    return _placed(left, top, _inked(as_floats(white * 0.72), as_floats(cover)), as_floats(cover))


def _blended(plane: Bytes, left: int, top: int, ink: Floats, cover: Floats) -> Bytes:
    rows, columns = slice(top, top + ink.shape[0]), slice(left, left + ink.shape[1])
    blended = plane.copy()
    under = as_floats(plane[rows, columns])
    blended[rows, columns] = np.rint(under + (ink - under) * cover)
    return blended


def _inked(white: Floats, cover: Floats) -> Floats:
    """Return the ink that, blended with `cover`, is white on the letters and black where only their shade is."""
    return as_floats(_BLACK + (_WHITE - _BLACK) * np.divide(white, cover, out=np.zeros_like(cover), where=cover > 0))


def _placed(left: int, top: int, ink: Floats, cover: Floats) -> Overlay:
    """Return the overlay at an even position. The part beyond the frame's left or upper edge is cut off."""
    left, top = left & ~1, top & ~1
    across, down = max(0, -left), max(0, -top)
    inside = slice(down, None), slice(across, ink.shape[1] - across)
    return Overlay(left + across, top + down, ink[inside], cover[inside])


def _even(length: float) -> int:
    return round(length / 2) * 2
