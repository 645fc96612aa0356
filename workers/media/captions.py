"""Captions in SRT: read leniently, as players do, and written in the one strict way."""

import re
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from workers.media.unreadable import Unreadable

MOST_BYTES = 512 * 1024
MOST_CUES = 2000
_MOST_LETTERS = 400  # of one caption
_MOST_QUOTED = 60  # of one that is refused

_TIMES = re.compile(
    r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})\s*-->\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
)
_BLANK = re.compile(r"\n[ \t]*\n")
_UNBROKEN = re.compile(r"(?<=\n)[ \t]*\d+[ \t]*\n[ \t]*\Z")  # the next one's number, before its times
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufe00-\ufe0f\ufeff\u180b-\u180e\U000e0100-\U000e01ef]"
)


_UNREADABLE = "captions_unreadable", "There is not one caption in SRT in this file."
_NO_TEXT = "captions_no_text", "These captions are no text: save them as SRT in UTF-8."
_TOO_LONG = (
    "captions_too_long",
    f"These are too many captions: at most {MOST_CUES}, in a file of {MOST_BYTES // 1024} KB.",
)


def unsupported_script(line: str) -> Unreadable:
    """Return the error for a line of a caption with a letter that no font has."""
    shown = line if len(line) <= _MOST_QUOTED else line[: _MOST_QUOTED - 1] + "…"
    return Unreadable("captions_unsupported_script", f"The letters of this caption cannot be drawn: “{shown}”.")


class Cue(NamedTuple):
    """What is shown from `start` until `end`, in seconds; lines are divided by newlines."""

    start: float
    end: float
    text: str


def read(path: Path) -> list[Cue]:
    """The captions in the order of their times; raises Unreadable `captions_...`.

    Text is UTF-8, or else UTF-16 with its mark, or Windows-1252. Markup is left out: what it would do is not drawn.
    """
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable(*_TOO_LONG)
    text = _text(path)
    times = list(_TIMES.finditer(text))
    bodies = [text[here.end() : there.start()] for here, there in pairwise(times)]
    bodies = [*(_UNBROKEN.sub("", body) for body in bodies), *(text[last.end() :] for last in times[-1:])]
    cues = [cue for each, body in zip(times, bodies, strict=True) if (cue := _cue(each, body))]
    if not cues:
        raise Unreadable(*_UNREADABLE)
    if len(cues) > MOST_CUES:
        raise Unreadable(*_TOO_LONG)
    return sorted(cues)


def write(path: Path, cues: list[Cue]) -> None:
    """SRT as it should be: numbered, UTF-8, without markup."""
    blocks = [
        f"{number}\n{_clock(cue.start)} --> {_clock(cue.end)}\n{cue.text}\n" for number, cue in enumerate(cues, 1)
    ]
    path.write_text("\n".join(blocks), encoding="utf-8", newline="\n")


def shown_at(cues: list[Cue], seconds: float) -> str:
    """The text of all captions that are on at that time."""
    return "\n".join(cue.text for cue in cues if cue.start <= seconds < cue.end)


def _text(path: Path) -> str:
    data = path.read_bytes()
    marked = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break  # UTF-16 without its mark, or no text at all
        return unicodedata.normalize("NFC", text)  # the font has whole letters, not their parts
    raise Unreadable(*_NO_TEXT)


def _cue(times: re.Match[str], body: str) -> Cue | None:
    """`body` is what follows the times: the text, up to a blank line if there is one; a blank one first is no text."""
    numbers = [int((part or "0").ljust(3, "0") if index % 4 == 3 else part or 0) for index, part in
               enumerate(times.groups())]  # fmt: skip
    start, end = (h * 3600 + m * 60 + s + ms / 1000 for h, m, s, ms in (numbers[:4], numbers[4:]))
    text = _BLANK.split(body, maxsplit=1)[0].partition("\n")[2]
    lines = (_CONTROL.sub("", _MARKUP.sub("", line)).strip() for line in text.split("\n"))
    shown = "\n".join(line for line in lines if line)[:_MOST_LETTERS].rstrip()
    return Cue(start, end, shown) if shown and end > start else None


def _clock(seconds: float) -> str:
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02},{thousandths:03}"
