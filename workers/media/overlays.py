"""What is drawn over a film: captions and our mark, as small pictures with coverage, blended into the planes."""

import unicodedata
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from workers.media.captions import CaptionsUnsupportedScript
from workers.media.planes import Bytes, Floats, Planes, as_floats

_BLACK, _WHITE, _NEUTRAL = 16, 235, 128
_FONT = "sans"  # Rubik, which OpenCV brings along, with other scripts behind it: the same letters on every machine
_WEIGHT = 500
_CAPTION_LINES = 3
_MISSING = "?"  # what is drawn for a letter that the font does not have
_LEFTWARD = {"R", "AL", "AN"}  # classes of Unicode's bidirectional algorithm


@dataclass(frozen=True, slots=True)
class Overlay:
    """A grey picture and its coverage (0..1, height x width, even), at (left, top) of the frame, even too."""

    left: int
    top: int
    ink: Floats
    cover: Floats

    def __call__(self, planes: Planes) -> Planes:
        """The frame with it laid over; the given one is left as it is."""
        height, width = self.ink.shape
        half = as_floats(cv2.resize(self.cover, (width // 2, height // 2), interpolation=cv2.INTER_AREA))
        neutral = np.full_like(half, _NEUTRAL)
        layers = ((self.left, self.top, self.ink, self.cover), *[(self.left // 2, self.top // 2, neutral, half)] * 2)
        return Planes(*(_laid(plane, *layer) for plane, layer in zip(planes, layers, strict=True)))


def caption(text: str, width: int, height: int, bars: tuple[int, int]) -> Overlay:
    """White letters with a dark edge, low in the middle of the picture; `bars` are those left and right, above and
    below it, which letters stay out of. What is longer than three lines is cut."""
    side, foot = bars
    size = round(min(width * 0.058, height * 0.056))
    lines = _wrapped(text, size, round((width - 2 * side) * 0.86))[:_CAPTION_LINES]
    margin, step = size // 2, round(size * 1.28)
    across = max(_extent(line, size) for line in lines)
    letters = np.zeros((_even(step * len(lines) + 2 * margin), _even(across + 2 * margin), 3), np.uint8)
    for index, line in enumerate(lines):
        _write(letters, line, ((letters.shape[1] - _extent(line, size)) // 2, margin + index * step + size), size)
    white = as_floats(letters[..., 0] / 255)
    reach = max(1, round(size * 0.055))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    edge = as_floats(cv2.GaussianBlur(cv2.dilate(white, disc), (0, 0), max(0.6, reach * 0.5)))
    shade = as_floats(cv2.GaussianBlur(cv2.dilate(white, disc), (0, 0), size * 0.16))
    cover = np.maximum(white, np.maximum(edge * 0.92, shade * 0.55))
    top = height - foot - round((height - 2 * foot) * 0.055) - letters.shape[0]
    return _placed(
        letters.shape[1], (width - letters.shape[1]) // 2, top, _inked(white, as_floats(cover)), as_floats(cover)
    )


def check_drawable(text: str) -> None:
    """CaptionsUnsupportedScript if a line holds a letter that would not be drawn as it is written."""
    for line in text.split("\n"):
        for letter in line:
            if not _drawable(letter):
                raise CaptionsUnsupportedScript(letter, line)


def watermark(corner: str, width: int, height: int, bars: tuple[int, int]) -> Overlay:
    """Our mark: an open iris with the name beside it, half seen through, in a corner of the picture."""
    size = max(10, round(min(width, height) * 0.04))
    fine = 4  # drawn this much larger, then shrunk, for clean edges
    large = size * fine
    name_wide = _extent("kinora", large)
    sheet = np.zeros((_even(size * 2) * fine, _even(size * 2.5 + name_wide / fine) * fine, 3), np.uint8)
    middle = sheet.shape[0] // 2
    centre = (large, middle)
    cv2.circle(sheet, centre, round(large * 0.52), (255,) * 3, round(large * 0.11), cv2.LINE_AA)
    tip = np.array([[-0.17, -0.28], [0.32, 0], [-0.17, 0.28]]) * large + centre
    cv2.fillPoly(sheet, [np.rint(tip).astype(np.int32)], (255,) * 3, cv2.LINE_AA)
    _write(sheet, "kinora", (round(large * 1.85), middle + round(large * 0.33)), large)
    shape = sheet.shape[1] // fine, sheet.shape[0] // fine
    white = as_floats(cv2.resize(sheet[..., 0], shape, interpolation=cv2.INTER_AREA) / np.float32(255))
    shade = as_floats(cv2.GaussianBlur(white, (0, 0), size * 0.12))
    cover = np.maximum(white * 0.72, shade * 0.4)
    side, foot = (bar + size // 2 for bar in bars)
    left = side if corner.endswith("left") else width - side - shape[0]
    top = foot if corner.startswith("top") else height - foot - shape[1]
    return _placed(shape[0], left, top, _inked(as_floats(white * 0.72), as_floats(cover)), as_floats(cover))


@cache
def _drawable(letter: str) -> bool:
    """Whether the font has it, and it is not of a script that runs to the left: all are set to the right, unjoined."""
    if letter.isspace() or letter == _MISSING:
        return True
    return unicodedata.bidirectional(letter) not in _LEFTWARD and _letter(letter) != _letter(_MISSING)


def _letter(letter: str) -> bytes:
    """How it is drawn, for comparing."""
    sheet = np.zeros((48, 48, 3), np.uint8)
    _write(sheet, letter, (8, 34), 24)
    return sheet.tobytes()


def _laid(plane: Bytes, left: int, top: int, ink: Floats, cover: Floats) -> Bytes:
    rows, columns = slice(top, top + ink.shape[0]), slice(left, left + ink.shape[1])
    laid = plane.copy()
    under = as_floats(plane[rows, columns])
    laid[rows, columns] = np.rint(under + (ink - under) * cover)
    return laid


def _inked(white: Floats, cover: Floats) -> Floats:
    """The grey that, seen through `cover`, is white where the letters are and black where only their shade is."""
    return as_floats(_BLACK + (_WHITE - _BLACK) * np.divide(white, cover, out=np.zeros_like(cover), where=cover > 0))


def _placed(wide: int, left: int, top: int, ink: Floats, cover: Floats) -> Overlay:
    """Moved to an even place; what would hang over the frame's left or upper edge is cut off."""
    left, top = left & ~1, top & ~1
    across, down = max(0, -left), max(0, -top)
    return Overlay(left + across, top + down, ink[down:, across : wide - across], cover[down:, across : wide - across])


def _wrapped(text: str, size: int, most: int) -> list[str]:
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split():
            for piece in _pieces(word, size, most):
                longer = f"{line} {piece}".strip()
                if line and _extent(longer, size) > most:
                    lines.append(line)
                    line = piece
                else:
                    line = longer
        lines.append(line)
    return lines


def _pieces(word: str, size: int, most: int) -> list[str]:
    """A word too long for a line, as scripts without spaces have, in parts that fit."""
    pieces = [""]
    for letter in word:
        if pieces[-1] and _extent(pieces[-1] + letter, size) > most:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _extent(text: str, size: int) -> int:
    box = cv2.getTextSize((1, 1), text, (0, 0), cv2.FontFace(_FONT), size, _WEIGHT)
    return int(box[2])


def _write(sheet: Bytes, text: str, place: tuple[int, int], size: int) -> None:
    cv2.putText(sheet, text, place, (255, 255, 255), cv2.FontFace(_FONT), size, _WEIGHT)


def _even(length: float) -> int:
    return round(length / 2) * 2
