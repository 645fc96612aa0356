"""Captions in SRT, WebVTT or SBV. Reading is lenient, like in players; writing is strict SRT."""

import html
import math
import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

from workers.media.charsets import decoded
from workers.media.unreadable import Unreadable

MOST_BYTES = 512 * 1024  # maximum size of a file
MOST_CUES = 2000
MOST_LETTERS = 1000  # maximum length of a caption in code points
_MOST_MARKS = 30  # maximum number of marks on a letter: the limit of the stream-safe text format (UAX 15, section 13)
_MOST_QUOTED = 60  # maximum length of a line quoted in an error, in code points

_TIME = (
    r"(-?)[ \t]*(?:(\d{1,3})[ \t]*[:：][ \t]*)?(\d{1,2})[ \t]*[:：][ \t]*(\d{1,2})"
    r"(?:[ \t]*[,.;，．][ \t]*(\d{1,6})|:(\d{3}))?"
)
_ARROW = r"[ \t]*(?:(?:-{1,3}|[–—])[ \t]?>|→|,)[ \t]*"  # the comma is SBV's
_TIMES = re.compile(  # a line of times; the groups of an unreadable one are None
    rf"^[ \t]*(?:(?:\d+[ \t]+)?{_TIME}{_ARROW}{_TIME}(?![\d:])|-?\d+[ \t]*:[^\n]*-->)", re.MULTILINE
)
_BLANK = re.compile(r"\n[ \t]*\n")
_NEXT_NUMBER = re.compile(r"(?<=\n)[ \t]*\d+[ \t]*\n[ \t]*\Z")  # the number of the next caption, before its times
_NAME = re.compile(r"(?<=\n\n)[^\n]+\n\Z")  # WebVTT's name of the next caption, before its times
_NOT_CUES = re.compile(r"^(?:NOTE|STYLE|REGION)\b")  # WebVTT's other blocks
_BREAK = re.compile(r"<br */?>|\\N|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", re.IGNORECASE)
_MARKUP = re.compile(
    r"</?(?:[biusqcv]|em|strong|font|span|lang|ruby|rt)(?:[ .][^<>]*)?>|<[\d:.]+>|\{\\[^{}]*\}", re.IGNORECASE
)
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufe00-\ufe0f\ufeff\u180b-\u180e\U000e0100-\U000e01ef]"
)


_UNREADABLE = "captions_unreadable", "This file has no captions in SRT or WebVTT."
_TOO_LONG = (
    "captions_too_long",
    f"A file has at most {MOST_CUES} captions of {MOST_LETTERS} letters, and {MOST_BYTES // 1024} KB.",
)
_TOO_MANY_MARKS = "captions_too_many_marks", f"A letter of a caption has at most {_MOST_MARKS} marks."


def unsupported_script(line: str) -> Unreadable:
    """Return the error for a caption line with a letter that no font has."""
    quoted = line if len(line) <= _MOST_QUOTED else line[: _MOST_QUOTED - 1] + "…"
    return Unreadable("captions_unsupported_script", f"The fonts do not have all letters of this caption: “{quoted}”.")


class Cue(NamedTuple):
    """A caption that is visible from `start` until before `end`, in seconds. Newlines separate its lines."""

    start: float
    end: float
    text: str


class CaptionFile(NamedTuple):
    """The captions of a file in the order of their start, and the differences between the captions and the file.

    `dropped_cues` counts captions with times that are unreadable, negative or reversed. `ignored_lines` counts lines
    of text that belong to no caption. `replaced_letters` counts letters that are invalid in the file's encoding.
    """

    cues: list[Cue]
    encoding: str
    dropped_cues: int = 0
    ignored_lines: int = 0
    replaced_letters: int = 0


def read(path: Path, *, is_clean: bool = False) -> CaptionFile:
    """Read a file. Markup is removed without effect. Raise Unreadable `captions_...` if it cannot be used.

    `is_clean` means that `write` wrote the file: what looks like markup is text.
    """
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable(*_TOO_LONG)
    text, encoding, replaced = decoded(path.read_bytes())
    if any(len(marks) > _MOST_MARKS for marks in _runs_of_marks(text)):
        raise Unreadable(*_TOO_MANY_MARKS)
    text = unicodedata.normalize("NFC", text)  # the font has composed letters, not their parts
    is_web = text.startswith("WEBVTT")
    if not is_clean:
        text = _BREAK.sub("\n", text)
    times = list(_TIMES.finditer(text))
    cues: list[Cue] = []
    dropped = ignored = 0
    for here, body in zip(times, _bodies(text, times, is_web=is_web), strict=True):
        shown, *others = _BLANK.split(body, maxsplit=1)
        ignored += sum(_lines_ignored(rest, is_web=is_web) for rest in others)
        lines = _shown(shown.partition("\n")[2], is_web=is_web, is_clean=is_clean)
        numbers = here.groups()
        start, end = _seconds(numbers[:6]), _seconds(numbers[6:])
        if not lines:
            continue
        if not end > max(0.0, start):  # NaN too
            dropped += 1
        else:
            cues.append(Cue(max(0.0, start), end, lines))
    if not cues:
        raise Unreadable(*_UNREADABLE)
    if len(cues) > MOST_CUES or max(len(cue.text) for cue in cues) > MOST_LETTERS:
        raise Unreadable(*_TOO_LONG)
    in_order = sorted(cues, key=lambda cue: cue.start)  # captions with one start stay in the order of the file
    return CaptionFile(in_order, encoding, dropped, ignored, replaced)


def write(path: Path, cues: list[Cue]) -> None:
    """Write the captions as strict SRT: numbered, UTF-8, without markup."""
    blocks = [
        f"{number}\n{_clock(cue.start)} --> {_clock(cue.end)}\n{cue.text}\n" for number, cue in enumerate(cues, 1)
    ]
    path.write_text("\n".join(blocks), encoding="utf-8", newline="\n")


def _bodies(text: str, times: list[re.Match[str]], *, is_web: bool) -> Iterator[str]:
    """Yield the text after each times, without the number or the WebVTT name of the next caption."""
    for here, there in pairwise(times):
        body = text[here.end() : there.start()]
        yield (_NAME if is_web else _NEXT_NUMBER).sub("", body)
    yield from (text[last.end() :] for last in times[-1:])


def _shown(text: str, *, is_web: bool, is_clean: bool) -> str:
    """Return the caption's lines without markup and control characters. WebVTT has the entities of HTML."""
    if not is_clean:
        text = _MARKUP.sub("", text)
    if is_web:
        text = html.unescape(text)
    lines = (_CONTROL.sub("", line).strip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


def _lines_ignored(rest: str, *, is_web: bool) -> int:
    """Return the number of lines after a caption's blank line. WebVTT's comments and styles are not text."""
    blocks = (block for block in _BLANK.split(rest) if not (is_web and _NOT_CUES.match(block.strip())))
    return sum(bool(line.strip()) for block in blocks for line in block.split("\n"))


def _runs_of_marks(text: str) -> Iterator[str]:
    for is_mark, run in groupby(text, lambda letter: unicodedata.category(letter)[0] == "M"):
        if is_mark:
            yield "".join(run)


def _seconds(parts: tuple[str | None, ...]) -> float:
    """Return the seconds of a time's sign, hours, minutes, seconds and fraction after a point or after a colon.

    Return NaN for unreadable times.
    """
    sign, hours, minutes, seconds, point, colon = parts
    if minutes is None or seconds is None:
        return math.nan
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return (-1 if sign else 1) * (whole + float(f"0.{int(point or colon or 0):0{len(point or colon or '0')}}"))


def _clock(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{thousandths:03}"
