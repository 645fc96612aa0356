"""The vocabulary in other languages: words of German, Spanish, French, Chinese and Japanese by their meanings. Pure.

A file of `translations/` has the words of one language. Accents and case do not matter. Words with the same stem are
one word. Chinese and Japanese have no stems.
"""

import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from shared.vocabulary.words import Accent, Meaning, Mood, Palette, Place, Style, Time, Weather

AXES: Mapping[str, type[StrEnum]] = {
    "place": Place,
    "time": Time,
    "weather": Weather,
    "mood": Mood,
    "palette": Palette,
    "style": Style,
    "accents": Accent,
}
LATIN = ("de", "es", "fr")
UNSPACED = ("zh", "ja")
_FOLDER = Path(__file__).with_name("translations")
_SHORTEST_STEM = 3  # letters
_SHORTEST_TAIL = 4  # letters of the last part of a compound
_LONGEST_COMPOUND = 40  # letters; the time grows with the square


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language. Keys of `lexicon` are phrases of stems, separated by spaces."""

    lexicon: Mapping[str, tuple[Meaning, ...]]
    function: frozenset[str]  # folded words that have no meaning of their own, and negations
    negations: frozenset[str]  # folded words; the phrase after one is not painted
    negations_after: tuple[str, ...]  # words; the phrase before one is not painted
    endings: tuple[str, ...]
    tails: frozenset[str]  # last parts of compounds that have no meaning of their own
    compounds: bool
    noun_first: bool  # colours follow their nouns

    def stem(self, word: str) -> str:
        """Return the folded word without its first ending that leaves at least three letters."""
        plain = folded(word)
        for ending in self.endings:
            if plain.endswith(ending) and len(plain) - len(ending) >= _SHORTEST_STEM:
                return plain.removesuffix(ending)
        return plain

    def meanings(self, words: list[str]) -> tuple[Meaning, ...]:
        """Return the meanings of a phrase, or () if it is not in the lexicon."""
        return self.lexicon.get(" ".join(map(self.stem, words)), ())

    def compound(self, word: str) -> tuple[tuple[Meaning, ...], str | None]:
        """Return the meanings of a compound of two words, and the only part of it that is known, or None if both are.

        The last part comes first, because it is the thing itself. The longest last part is used.
        """
        plain = folded(word) if self.compounds and len(word) <= _LONGEST_COMPOUND else ""
        for cut in range(_SHORTEST_STEM, len(plain) - _SHORTEST_TAIL + 1):
            head, tail = plain[:cut], plain[cut:]
            last, first = self.meanings([tail]), self._first_part(head)
            if last:
                return (*last, *first), None if first else tail
            if first and tail in self.tails:
                return first, head
        return (), None

    def _first_part(self, head: str) -> tuple[Meaning, ...]:
        links = (head, *(head.removesuffix(link) for link in ("s", "n", "en", "es") if head.endswith(link)))
        return next((found for link in links if (found := self.meanings([link]))), ())


def folded(word: str) -> str:
    """Return the word in lower case without accents."""
    apart = unicodedata.normalize("NFKD", word.lower().replace("ß", "ss").replace("œ", "oe"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


@cache
def language(code: str) -> Language:
    """Return the language of `LATIN` or `UNSPACED` with this code."""
    data, spaced = contents(code), code in LATIN
    listed = {name: tuple(str(data.get(name, "")).split()) for name in ("endings", "tails", "negations", "function")}
    negations, function = (
        frozenset(map(folded, listed[name]) if spaced else listed[name]) for name in ("negations", "function")
    )
    empty = Language(
        {}, function | negations, negations, tuple(str(data.get("negations_after", "")).split()),
        listed["endings"], frozenset(listed["tails"]), bool(data.get("compounds")), bool(data.get("noun_first")),
    )  # fmt: skip
    lexicon: dict[str, tuple[Meaning, ...]] = {}
    for meaning, phrase in words(code):
        stems = " ".join(map(empty.stem, phrase.replace("'", " ").split())) if spaced else phrase.lower()
        lexicon[stems] = tuple(dict.fromkeys((*lexicon.get(stems, ()), meaning)))
    return replace(empty, lexicon=lexicon)


def words(code: str) -> Iterator[tuple[Meaning, str]]:
    """Yield each meaning with each of its phrases in a language."""
    for axis, kind in AXES.items():
        for meaning, phrases in contents(code)[axis].items():
            for phrase in phrases.split(", "):
                yield kind(meaning), phrase  # type: ignore[misc]  # a member of one of the kinds of Meaning


@cache
def contents(code: str) -> Mapping[str, Any]:
    """Return the contents of a language's file."""
    return tomllib.loads((_FOLDER / f"{code}.toml").read_text("utf-8"))
