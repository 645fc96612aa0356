"""Captions in SRT. Reading is lenient, like in players; writing is strict."""

import re
import unicodedata
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from workers.media.unreadable import Unreadable

MOST_BYTES = 512 * 1024  # maximum size of a file
MOST_CUES = 2000
_MOST_LETTERS = 400  # maximum length of a caption in code points; the rest is cut off
_MOST_QUOTED = 60  # maximum length of a line quoted in an error, in code points

_TIMES = re.compile(
    r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})\s*-->\s*(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
)
_BLANK = re.compile(r"\n[ \t]*\n")
_NEXT_NUMBER = re.compile(r"(?<=\n)[ \t]*\d+[ \t]*\n[ \t]*\Z")  # the number of the next caption, before its times
_MARKUP = re.compile(r"<[^<>]*>|\{\\[^{}]*\}")
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufe00-\ufe0f\ufeff\u180b-\u180e\U000e0100-\U000e01ef]"
)


_UNREADABLE = "captions_unreadable", "This file has no captions in SRT."
_NO_TEXT = "captions_no_text", "This file is not text. Save the captions as SRT in UTF-8."
_TOO_LONG = (
    "captions_too_long",
    f"A file has at most {MOST_CUES} captions and {MOST_BYTES // 1024} KB.",
)


def unsupported_script(line: str) -> Unreadable:
    """Return the error for a caption line with a letter that no font has."""
    quoted = line if len(line) <= _MOST_QUOTED else line[: _MOST_QUOTED - 1] + "…"
    return Unreadable("captions_unsupported_script", f"The fonts do not have all letters of this caption: “{quoted}”.")


class Cue(NamedTuple):
    """A caption that is visible from `start` until before `end`, in seconds. Newlines separate its lines."""

    start: float
    end: float
    text: str


def read(path: Path) -> list[Cue]:
    """Return the captions in the order of their times. Raise Unreadable `captions_...` if the file cannot be used.

    The encoding is UTF-16 with a byte order mark, else UTF-8, else Windows-1252. Markup is removed without effect.
    """
    if path.stat().st_size > MOST_BYTES:
        raise Unreadable(*_TOO_LONG)
    text = _text(path)
    times = list(_TIMES.finditer(text))
    bodies = [text[here.end() : there.start()] for here, there in pairwise(times)]
    bodies = [*(_NEXT_NUMBER.sub("", body) for body in bodies), *(text[last.end() :] for last in times[-1:])]
    cues = [cue for each, body in zip(times, bodies, strict=True) if (cue := _cue(each, body))]
    if not cues:
        raise Unreadable(*_UNREADABLE)
    if len(cues) > MOST_CUES:
        raise Unreadable(*_TOO_LONG)
    return sorted(cues)


def write(path: Path, cues: list[Cue]) -> None:
    """Write the captions as strict SRT: numbered, UTF-8, without markup."""
    blocks = [
        f"{number}\n{_clock(cue.start)} --> {_clock(cue.end)}\n{cue.text}\n" for number, cue in enumerate(cues, 1)
    ]
    path.write_text("\n".join(blocks), encoding="utf-8", newline="\n")


def shown_at(cues: list[Cue], seconds: float) -> str:
    """Return the text of all captions that are visible at a time, separated by newlines."""
    return "\n".join(cue.text for cue in cues if cue.start <= seconds < cue.end)


def _text(path: Path) -> str:
    data = path.read_bytes()
    has_byte_order_mark = data[:2] in {b"\xff\xfe", b"\xfe\xff"}
    for encoding in ("utf-16",) if has_byte_order_mark else ("utf-8-sig", "cp1252"):
        try:
            text = data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break  # UTF-16 without a byte order mark, or a binary file
        return unicodedata.normalize("NFC", text)  # the font has composed letters, not their parts
    raise Unreadable(*_NO_TEXT)


def _cue(times: re.Match[str], body: str) -> Cue | None:
    """Return the caption with these times, or None if it has no text or no duration.

    `body` is the text after the times. The caption ends at the first blank line. If that is the first line, there is
    no text.
    """
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
