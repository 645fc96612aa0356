"""The encoding of a text file that does not declare one.

ICU's detector recognises most code pages. It reports a guess for any bytes, so a guess counts only if its letters are
in the script of its language.
"""

import codecs
import unicodedata
from typing import NamedTuple

import icu

from workers.media.unreadable import Unreadable

_MOST_INVALID = 0.1  # maximum share of invalid letters among the letters beyond ASCII
_LEAST_CONFIDENCE = 20  # minimum confidence of ICU's guess, of 100
_FEWEST_THAI = 10  # minimum number of letters; fewer can be another language
_LEAST_IN_SCRIPT = 0.9  # minimum share of the language's script among the letters beyond ASCII
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip  # the longer of two marks with the same beginning is first
_SUPERSETS = {  # ICU's names, and the Windows code pages that add letters to them
    "ISO-8859-1": "cp1252", "ISO-8859-7": "cp1253", "ISO-8859-8": "cp1255", "ISO-8859-8-I": "cp1255",
    "ISO-8859-9": "cp1254", "EUC-KR": "cp949", "Shift_JIS": "cp932", "Big5": "cp950",
}  # fmt: skip
_SCRIPTS = {
    "ru": {"Cyrl"}, "el": {"Grek"}, "ar": {"Arab"}, "he": {"Hebr"},
    "zh": {"Hani"}, "ja": {"Hani", "Hira", "Kana"}, "ko": {"Hang", "Hani"},
}  # fmt: skip
_UNKNOWN = "captions_unknown_encoding", "The encoding of this file is not certain. Save the captions in UTF-8."
_NO_TEXT = "captions_no_text", "This file is not text. Save the captions as SRT in UTF-8."


class Decoded(NamedTuple):
    """A text in NFC with `\\n` as its only line end, Python's name of its encoding, and its number of invalid letters.

    An invalid letter is U+FFFD in the text.
    """

    text: str
    encoding: str
    invalid: int


def decoded(data: bytes) -> Decoded:
    """Return the text. Raise Unreadable `captions_no_text` or, if no encoding fits, `captions_unknown_encoding`."""
    found = _found(data)
    text = found.text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    if "\0" in text:
        raise Unreadable(*_NO_TEXT)
    return found._replace(text=text)


def _found(data: bytes) -> Decoded:
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return _in(data, encoding)
    if b"\0" in data:
        return _wide(data)
    read = _in(data, "utf-8")
    if _is_credible(read):
        return read
    foreign = b"\n".join(line for line in data.splitlines() if not line.isascii())
    guesses = [
        (one.getName(), one.getLanguage(), one.getConfidence()) for one in icu.CharsetDetector(foreign).detectAll()
    ]
    for name, language, confidence in guesses:
        if confidence >= _LEAST_CONFIDENCE:
            read = _in(data, _SUPERSETS.get(name, name))
            if _is_credible(read) and _is_in(read.text, _SCRIPTS.get(language, {"Latn"})):
                return read
    letters = [letter for letter in _in(foreign, "cp1252").text if letter.isalpha()]
    if 2 * sum(letter.isascii() for letter in letters) > len(letters):  # too short for ICU: "Grüße"
        return _in(data, "cp1252")
    thai = _in(data, "cp874")  # ICU has no model of Thai
    if len(letters) >= _FEWEST_THAI and _is_credible(thai) and _is_in(thai.text, {"Thai"}):
        return thai
    raise Unreadable(*_UNKNOWN)


def _wide(data: bytes) -> Decoded:
    """Decode UTF-16 or UTF-32 without a byte order mark."""
    guess = icu.CharsetDetector(data).detect()
    if guess.getName().startswith("UTF-") and guess.getConfidence() > 2 * _LEAST_CONFIDENCE:
        return _in(data, guess.getName())
    raise Unreadable(*_NO_TEXT)


def _in(data: bytes, encoding: str) -> Decoded:
    text = data.decode(encoding, "replace")
    return Decoded(text, codecs.lookup(encoding).name.removesuffix("-sig"), text.count("\ufffd"))


def _is_credible(read: Decoded) -> bool:
    """Return whether the invalid letters are few enough for a damaged file in this encoding."""
    if not read.invalid:
        return True
    return read.invalid <= _MOST_INVALID * sum(not letter.isascii() for letter in read.text)


def _is_in(text: str, scripts: set[str]) -> bool:
    foreign = [letter for letter in text if not letter.isascii() and _counts(letter)]
    own = sum(icu.Script.getScript(letter).getShortName() in scripts for letter in foreign)
    return own >= _LEAST_IN_SCRIPT * len(foreign)


def _counts(letter: str) -> bool:
    """Return whether a character counts: a letter, or a symbol of a wrong code page ("´ص¤")."""
    return letter.isalpha() or (letter < "\u0100" and unicodedata.category(letter)[0] in "SN")
