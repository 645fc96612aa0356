"""Text layout: a font for each letter, shaping, bidirectional order and line breaks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import groupby, pairwise
from typing import NamedTuple

import icu
import numpy as np
import uharfbuzz as hb

from workers.media.planes import Bytes

_WEIGHT, _NOTO_WEIGHT = 500, 600  # weights of Rubik and Noto that look alike
_EM = 1.065  # length of an em in sizes; capitals are three quarters of a size high
_FINE = 2**16  # font units of an em
_SPACES = re.compile(r"[ \t]+")  # other spaces stay, because some of them forbid a line break
_INVISIBLE = frozenset("\u00ad\u034f\u061c\u200c\u200d\u200e\u200f\u2060")  # control the shape and order of letters
_COMMON = {"Zyyy", "Zinh", "Zzzz"}  # ICU's names for characters of any script: spaces, digits, punctuation
_SCRIPTS = (  # scripts of Noto Sans; the font without a name has those of Europe
    *("", "Arabic", "Armenian", "Bengali", "Devanagari", "Ethiopic", "Georgian", "Gujarati", "Gurmukhi", "Hebrew"),
    *("Kannada", "Khmer", "Lao", "Malayalam", "Myanmar", "Oriya", "Sinhala", "Tamil", "Telugu", "Thai", "Symbols"),
)


class _Face(NamedTuple):
    """A font with `_FINE` units per em, and the code points that it has."""

    font: hb.Font
    letters: hb.Set

    def has(self, text: str) -> bool:
        return all(ord(letter) in self.letters or letter in _INVISIBLE for letter in text)


class _Run(NamedTuple):
    """Letters of one font and direction. An odd bidi level runs to the left. `place` counts from the left."""

    text: str
    face: _Face
    level: int
    place: int


@dataclass(frozen=True, slots=True)
class Line:
    """Glyphs with their positions, right of the line's start and above its base line. All lengths are in sizes."""

    glyphs: tuple[tuple[hb.Font, int, float, float], ...]
    width: float
    rise: float  # height of the ink above the base line
    fall: float  # depth of the ink below the base line

    def draw(self, sheet: Bytes, place: tuple[float, float], size: float) -> None:
        """Add the letters' coverage (0..255) to the sheet. `place` is the start of the base line, in pixels."""
        height, width = sheet.shape
        left, base = place
        pen, scale = hb.RasterDraw(), size * _EM / _FINE
        pen.extents = hb.RasterExtents(0, 0, width, height, width)
        for font, glyph, x, y in self.glyphs:
            pen.transform = (scale, 0, 0, scale, left + x * size, height - base + y * size)
            pen.draw_glyph(font, glyph)
        drawn = np.frombuffer(pen.render().buffer, np.uint8).reshape(height, width)
        np.maximum(sheet, drawn[::-1], out=sheet)  # HarfBuzz returns the lowest row first


class Lettering:
    """The layout of one text, such as all captions of a film. Each script has one font; Han has its language's forms.

    Letters that no font has are drawn as boxes. `missing` finds them.
    """

    def __init__(self, text: str) -> None:
        self._language = _language(text)
        self._breaks = icu.BreakIterator.createLineInstance(icu.Locale.forLanguageTag(f"{self._language}-u-lw-phrase"))
        scripts: dict[str, str] = {}
        for cluster in sorted(set(_clusters(text))):
            scripts[_script(cluster)] = scripts.get(_script(cluster), "") + cluster
        found = {script: _face_with(letters) for script, letters in scripts.items() if script not in _COMMON}
        self._faces = {script: face for script, face in found.items() if face}

    def lines(self, text: str, most: float) -> Iterator[Line]:
        """Yield the text in lines of at most the width `most`, in sizes. Newlines also break lines."""
        for paragraph in text.split("\n"):
            leftward = bool(paragraph) and icu.Bidi.getBaseDirection(paragraph) == icu.UBiDiDirection.RTL
            line = ""
            for piece in self._pieces(_SPACES.sub(" ", paragraph).strip(), most):
                if line and self.line(line + piece, leftward=leftward).width > most:
                    yield self.line(line, leftward=leftward)
                    line = ""
                line += piece
            yield self.line(line, leftward=leftward)

    def line(self, text: str, *, leftward: bool = False) -> Line:
        """Return the layout of one line. `leftward` means that its paragraph runs from right to left."""
        glyphs, ink, x = [], [0.0], 0.0
        for run in self._runs(text.strip(), leftward=leftward):
            buffer = self._shaped(run)
            for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
                at = (x + place.x_offset * _EM / _FINE, place.y_offset * _EM / _FINE)
                glyphs.append((run.face.font, info.codepoint, *at))
                box = run.face.font.get_glyph_extents(info.codepoint)
                ink += [at[1] + reach * _EM / _FINE for reach in (box.y_bearing, box.y_bearing + box.height)]
                x += place.x_advance * _EM / _FINE
        return Line(tuple(glyphs), x, max(ink), -min(ink))

    def _pieces(self, paragraph: str, most: float) -> Iterator[str]:
        """Yield the unbreakable pieces, each with the spaces after it. Break a piece that is longer than a line."""
        for word in _cut(paragraph, self._breaks):
            piece = ""
            for cluster in [word] if self.line(word).width <= most else _clusters(word):
                if piece and self.line(piece + cluster).width > most:
                    yield piece
                    piece = ""
                piece += cluster
            yield piece

    def _runs(self, text: str, *, leftward: bool) -> list[_Run]:
        """Return the line's runs, from left to right."""
        bidi, letters, start = icu.Bidi(), [], 0
        bidi.setPara(icu.UnicodeString(text), int(leftward))
        for cluster, face in self._with_faces(text):
            letters.append(_Run(cluster, face, bidi.getLevelAt(start), bidi.getVisualIndex(start)))
            start += len(cluster.encode("utf-16-le")) // 2  # ICU counts in UTF-16 code units
        # Each word is a separate run, because Rubik, shaped over spaces, puts some words too close.
        alike = groupby(letters, lambda one: (one.level, id(one.face), one.text.isspace()))
        runs = [_joined(list(run)) for _, run in alike]
        return sorted(runs, key=lambda run: run.place)

    def _with_faces(self, text: str) -> Iterator[tuple[str, _Face]]:
        """Yield the letters with their fonts. A letter without a script has its word's font, or the previous word's."""
        lead = self._first_face(text)
        for word in _cut(text, self._breaks):
            lead = self._first_face(word) or lead
            for cluster in _clusters(word):
                face = self._faces.get(_script(cluster), lead)
                yield cluster, face if face and face.has(cluster) else _face_of(cluster) or _faces()[0]

    def _first_face(self, text: str) -> _Face | None:
        return next((face for cluster in _clusters(text) if (face := self._faces.get(_script(cluster)))), None)

    def _shaped(self, run: _Run) -> hb.Buffer:
        buffer = hb.Buffer()
        buffer.add_str(run.text)
        buffer.direction = "rtl" if run.level % 2 else "ltr"
        buffer.language = self._language
        buffer.guess_segment_properties()
        hb.shape(run.face.font, buffer)
        return buffer


def missing(text: str) -> str | None:
    """Return the first letter, with its marks, that no font has, or None."""
    return next((cluster for cluster in _clusters(_SPACES.sub(" ", text)) if _face_of(cluster) is None), None)


@cache
def _faces() -> tuple[_Face, ...]:
    """Return all fonts. If several have a letter, the first is used."""
    rubik, noto, cjk = files("fontpkg_rubik"), files("manimgx_fonts"), files("manimgx_fonts_cjk")
    scripts = [noto / f"NotoSans{script}[wght].ttf" for script in _SCRIPTS]
    others = [*scripts, cjk / "NotoSansCJK-VF.otf.ttc", noto / "NotoEmoji[wght].ttf"]
    return _face(rubik / "files" / "Rubik[wght].ttf", _WEIGHT), *[_face(path, _NOTO_WEIGHT) for path in others]


def _face(path: Traversable, weight: int) -> _Face:
    face = hb.Face(hb.Blob.from_file_path(str(path)))
    font = hb.Font(face)
    font.scale = (_FINE, _FINE)
    font.set_variations({"wght": weight})
    return _Face(font, face.unicodes)


def _joined(runs: list[_Run]) -> _Run:
    return runs[0]._replace(text="".join(run.text for run in runs), place=min(run.place for run in runs))


def _face_with(letters: str) -> _Face | None:
    return next((face for face in _faces() if face.has(letters)), None)


@lru_cache(maxsize=2**15)
def _face_of(cluster: str) -> _Face | None:
    return _face_with(cluster)


@lru_cache(maxsize=2**15)
def _script(cluster: str) -> str:
    return str(icu.Script.getScript(cluster[0]).getShortName())


def _language(text: str) -> str:
    """Return the language whose forms Han has (Japanese, Korean, traditional or simplified Chinese).

    Kana or Hangul in the text decide it. Without them, Han letters that are all in Big5, but not all in GB 2312, are
    traditional. A text without Han has the language "und".
    """
    scripts = {_script(letter) for letter in text}
    if scripts & {"Hira", "Kana"}:
        return "ja"
    if "Hang" in scripts:
        return "ko"
    han = "".join(letter for letter in text if _script(letter) == "Hani")
    if not han:
        return "und"
    return "zh-hant" if not _encodes(han, "gb2312") and _encodes(han, "big5") else "zh-hans"


def _encodes(text: str, charset: str) -> bool:
    return text == text.encode(charset, "ignore").decode(charset)


def _clusters(text: str) -> list[str]:
    """Return the letters, each with its marks."""
    return _cut(text, icu.BreakIterator.createCharacterInstance(icu.Locale.getRoot()))


def _cut(text: str, breaks: icu.BreakIterator) -> list[str]:
    breaks.setText(text)
    coded = text.encode("utf-16-le")
    return [coded[2 * start : 2 * end].decode("utf-16-le") for start, end in pairwise([0, *breaks])]
