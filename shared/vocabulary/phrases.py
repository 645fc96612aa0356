"""The words of a prompt: those that the painter knows, those that are near to a known one, and the others. Pure.

A prompt is read in the language that knows most of its words; English wins a tie. Chinese and Japanese are divided into
words by the longest match. A prompt that consists of known English words is read as English only.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from pathlib import Path

from shared.vocabulary.languages import LATIN, Language, folded, language
from shared.vocabulary.words import (
    COLOURED,
    FUNCTION_WORDS,
    HOME,
    LONGEST_PHRASE,
    NEGATIONS,
    SHOWN,
    VOCABULARY,
    Accent,
    Meaning,
    Mood,
    Palette,
    Place,
    Style,
)

_ASCII_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_WORD_WITH_APOSTROPHES = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_KANA = re.compile(r"[\u3040-\u30ff]")
_UNSPACED = re.compile(r"[\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
_BESIDE = re.compile(r"\s*(?:(?:and|und|y|e|et)\s+)?|\s*[的のい色]*")  # what may separate an adjective from its noun
_LONGEST_UNSPACED = 12  # maximum number of characters of a phrase in Chinese or Japanese


@dataclass(frozen=True, slots=True)
class PromptWords:
    """The reading of a prompt and a style. Words are in lower case and in order, without repetitions."""

    meanings: tuple[Meaning, ...]  # without the colours of things
    colours: Mapping[str, Palette]  # of the things in `COLOURED` that have their own colour
    understood: tuple[str, ...]
    not_understood: tuple[str, ...]  # without function words ("the", "of"), negations ("no") and numbers
    read_as: Mapping[str, str]  # an unknown word -> the phrase that is painted in its place

    @property
    def is_unrelated(self) -> bool:
        """Return whether the painter would paint nothing of the prompt."""
        return not self.meanings


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase at `start`..`end` of a sentence. It is painted as `near` if the lexicon has only a near phrase.

    A word without meanings is unknown. `negated` is True if a negation precedes the phrase. `noun` is the thing whose
    colour the phrase is.
    """

    text: str
    start: int
    end: int
    meanings: tuple[Meaning, ...] = ()
    negated: bool = False
    near: str | None = None
    noun: Meaning | None = None

    @property
    def is_colour(self) -> bool:
        return len(self.meanings) == 1 and isinstance(self.meanings[0], Palette)


@lru_cache(maxsize=1000)
def words_of(prompt: str, style: str = "") -> PromptWords:
    """Read the style, then the prompt. Longer phrases take precedence over their parts.

    Negated phrases ("no rain") are omitted.
    """
    sentences = [_read(style), _read(prompt)]
    phrases = [phrase for sentence in sentences for phrase in sentence.phrases if not phrase.negated]
    place = place_of(meaning for phrase in phrases for meaning in phrase.meanings)
    found = [phrase for sentence in sentences for phrase in _with_nouns(_shown(sentence, place))]
    painted = [phrase for phrase in found if phrase.meanings and not phrase.negated]
    colours: dict[str, Palette] = {}
    for phrase in painted:
        for meaning in phrase.meanings:
            if phrase.noun is not None and isinstance(meaning, Palette):
                colours.setdefault(phrase.noun, meaning)
    return PromptWords(
        meanings=tuple(
            meaning
            for phrase in painted
            for meaning in phrase.meanings
            if phrase.noun is None or not isinstance(meaning, Palette)
        ),
        colours=colours,
        understood=tuple(dict.fromkeys(phrase.text for phrase in painted if phrase.near is None)),
        not_understood=tuple(dict.fromkeys(phrase.text for phrase in found if not phrase.meanings)),
        read_as={phrase.text: phrase.near for phrase in painted if phrase.near is not None},
    )


@dataclass(frozen=True, slots=True)
class _Sentence:
    """The phrases and the unknown words of a text, in order. `noun_first` is a property of its language."""

    phrases: Sequence[_Phrase]
    text: str
    noun_first: bool


def place_of(meanings: Iterable[Meaning]) -> Place | None:
    """Return the first named place that can show all things, otherwise the first. Without one: the same of their homes.

    The home of a thing is in `HOME`.
    """
    found = list(meanings)
    things = [meaning for meaning in found if isinstance(meaning, Accent)]
    named = [meaning for meaning in found if isinstance(meaning, Place)]
    places = named or [HOME[thing] for thing in things if thing in HOME]
    return next((place for place in places if SHOWN[place].issuperset(things)), places[0] if places else None)


def _read(sentence: str) -> _Sentence:
    text = unicodedata.normalize("NFKC", sentence).lower()
    spaced = _UNSPACED.sub(lambda run: " " * len(run.group()), text)
    best, noun_first = _in_english(spaced), False
    if any(not phrase.meanings for phrase in best):
        others = ((_in_language(spaced, lang), lang.noun_first) for lang in map(language, LATIN))
        # The first of equals is read.
        best, noun_first = min(
            [(best, False), *others], key=lambda reading: sum(not phrase.meanings for phrase in reading[0])
        )
    order = ("ja", "zh") if _KANA.search(text) else ("zh", "ja")
    runs = [phrase for run in _UNSPACED.finditer(text) for phrase in _divided(run, [*map(language, order)])]
    return _Sentence(sorted((*best, *runs), key=lambda phrase: phrase.start), text, noun_first)


def _shown(sentence: _Sentence, place: Place | None) -> _Sentence:
    """Turn the things that the place cannot show into unknown words."""
    shown = SHOWN[place] if place else frozenset(Accent)

    def is_shown(phrase: _Phrase) -> bool:
        things = [meaning for meaning in phrase.meanings if not isinstance(meaning, Palette)]
        return phrase.negated or not things or any(not isinstance(one, Accent) or one in shown for one in things)

    phrases = [phrase if is_shown(phrase) else replace(phrase, meanings=(), near=None) for phrase in sentence.phrases]
    return replace(sentence, phrases=phrases)


def _with_nouns(sentence: _Sentence) -> Iterator[_Phrase]:
    """Yield the phrases, each colour with the thing that it describes.

    The colour of an unknown thing becomes an unknown word, because the picture does not show it.
    """
    phrases = sentence.phrases
    for index, phrase in enumerate(phrases):
        things = COLOURED.intersection(phrase.meanings)
        if things and any(isinstance(meaning, Palette) for meaning in phrase.meanings):  # lavender
            yield replace(phrase, noun=min(things))
        elif phrase.is_colour and not phrase.negated:
            noun = None
            for step in (-1, 1) if sentence.noun_first else (1,):
                noun = noun or _noun(phrases, index, step, sentence.text)
            unknown = noun is not None and not noun.meanings
            thing = next((meaning for meaning in (noun.meanings if noun else ()) if meaning in COLOURED), None)
            yield replace(phrase, meanings=() if unknown else phrase.meanings, noun=thing)
        else:
            yield phrase


def _noun(phrases: Sequence[_Phrase], index: int, step: int, text: str) -> _Phrase | None:
    """Return the noun beside the phrase: the first known thing, otherwise the last unknown word."""
    noun = None
    while 0 <= index + step < len(phrases):
        first, second = sorted((phrases[index], phrases[index + step]), key=lambda phrase: phrase.start)
        if not _BESIDE.fullmatch(text[first.end : second.start]):
            break
        index += step
        phrase = phrases[index]
        if any(isinstance(meaning, Place | Accent) for meaning in phrase.meanings):
            return phrase
        if not any(isinstance(meaning, Palette | Mood | Style) for meaning in phrase.meanings):
            noun = phrase
    return noun


def _in_english(sentence: str) -> list[_Phrase]:
    words = list(_ASCII_WORD.finditer(sentence))
    found: list[_Phrase] = []
    for first, last, meanings in _matches([word.group() for word in words], _english):
        negated = first > 0 and words[first - 1].group() in NEGATIONS
        text = " ".join(word.group() for word in words[first:last])
        found.append(_Phrase(text, words[first].start(), words[last - 1].end(), meanings, negated))
    known = {at for phrase in found for at in range(phrase.start, phrase.end)}
    before = None
    for word in _WORD_WITH_APOSTROPHES.finditer(sentence):
        text = word.group()
        if known.isdisjoint(range(*word.span())) and text not in FUNCTION_WORDS | NEGATIONS:
            near = next((_thesaurus()[form] for form in _singulars(text) if form in _thesaurus()), None)
            meanings = _LEXICON[near] if near else ()
            found.append(_Phrase(text, *word.span(), meanings, before in NEGATIONS, near))
        before = text
    return sorted(found, key=lambda phrase: phrase.start)


def _in_language(sentence: str, lang: Language) -> list[_Phrase]:
    """Return the phrases of a sentence in a language. English words that it does not have are known too."""
    spans = list(_WORD.finditer(sentence))
    words = [word.group() for word in spans]

    def meanings_of(phrase: list[str]) -> tuple[Meaning, ...]:
        is_function = len(phrase) == 1 and folded(phrase[0]) in lang.function
        return () if is_function else lang.meanings(phrase) or _english(phrase)

    found, at = [], 0
    for first, last, known in [*_matches(words, meanings_of), (len(words), len(words), ())]:
        for index in range(at, first):
            if folded(words[index]) not in lang.function:
                meanings, near = lang.compound(words[index])
                negated = _is_negated(words, index, lang)
                found.append(_Phrase(words[index], *spans[index].span(), meanings, negated, near))
        if known:
            text, end = " ".join(words[first:last]), spans[last - 1].end()
            found.append(_Phrase(text, spans[first].start(), end, known, _is_negated(words, first, lang)))
        at = last
    return found


def _is_negated(words: list[str], index: int, lang: Language) -> bool:
    """Return whether a negation precedes the word, directly or with a function word between ("pas de neige")."""
    before = [folded(word) for word in words[max(0, index - 2) : index]]
    return bool(before) and (
        before[-1] in lang.negations or (before[-1] in lang.function and before[0] in lang.negations)
    )


def _divided(run: re.Match[str], languages: Sequence[Language]) -> Iterator[_Phrase]:
    """Yield the phrases and unknown words of a text without spaces, which is divided by the longest match."""
    text, first = run.group(), languages[0]
    at, unknown, negated = 0, 0, False
    while at < len(text):
        for length in range(min(_LONGEST_UNSPACED, len(text) - at), 0, -1):
            part = text[at : at + length]
            meanings = next((lang.lexicon[part] for lang in languages if part in lang.lexicon), ())
            if meanings or part in first.function:
                break
        else:
            at, negated = at + 1, False
            continue
        if unknown < at:
            yield _Phrase(text[unknown:at], run.start() + unknown, run.start() + at)
        end = at + length
        if meanings:
            denied = negated or text.startswith(first.negations_after, end)
            yield _Phrase(part, run.start() + at, run.start() + end, meanings, denied)
        negated = part in first.negations
        at = unknown = end
    if unknown < at:
        yield _Phrase(text[unknown:at], run.start() + unknown, run.start() + at)


def _matches(
    words: list[str], meanings_of: Callable[[list[str]], tuple[Meaning, ...]]
) -> Iterator[tuple[int, int, tuple[Meaning, ...]]]:
    """Yield the first and the end index, and the meanings, of each phrase. The longest phrase wins."""
    position = 0
    while position < len(words):
        for length in range(min(LONGEST_PHRASE, len(words) - position), 0, -1):
            if meanings := meanings_of(words[position : position + length]):
                yield position, position + length, meanings
                position += length
                break
        else:
            position += 1


def _english(words: list[str]) -> tuple[Meaning, ...]:
    return next((_LEXICON[form] for form in _singulars(" ".join(words)) if form in _LEXICON), ())


def _lexicon() -> dict[str, tuple[Meaning, ...]]:
    meanings: dict[str, tuple[Meaning, ...]] = {}
    for meaning, words in VOCABULARY.items():
        for word in words.split(", "):
            meanings[word] = (*meanings.get(word, ()), meaning)
    return meanings


_LEXICON = _lexicon()


@cache
def _thesaurus() -> Mapping[str, str]:
    """Return the phrase of the vocabulary that is near to each word that the vocabulary does not have."""
    return {word: phrase for phrase, words in thesaurus().items() for word in words.split(", ")}


def thesaurus() -> Mapping[str, str]:
    """Return the unknown words, separated by commas, that are near to each phrase of the vocabulary."""
    return tomllib.loads(Path(__file__).with_name("thesaurus.toml").read_text("utf-8"))


def _singulars(phrase: str) -> tuple[str, ...]:
    forms = [phrase]
    if phrase.endswith("ies"):
        forms.append(phrase[:-3] + "y")
    if phrase.endswith("es"):
        forms.append(phrase[:-2])
    if phrase.endswith("s"):
        forms.append(phrase[:-1])
    return tuple(forms)
