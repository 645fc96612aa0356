"""Reading a prompt: which of its phrases the painter knows, and which words it does not. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.vocabulary.words import FUNCTION_WORDS, LONGEST_PHRASE, NEGATIONS, VOCABULARY, Meaning

_KNOWN_LETTERS = re.compile(r"[a-z]+(?:-[a-z]+)*")
_ANY_LETTERS = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A known phrase at `start`..`end` of a sentence in lower case; `denied` if it follows "no" or the like."""

    text: str
    meanings: tuple[Meaning, ...]
    denied: bool
    start: int
    end: int


def meanings_of(sentence: str) -> list[tuple[str, tuple[Meaning, ...]]]:
    """Return the known phrases of a sentence in order, longest first, with their meanings; "no rain" is left out."""
    return [(phrase.text, phrase.meanings) for phrase in _phrases(sentence) if not phrase.denied]


def not_understood(sentence: str) -> tuple[str, ...]:
    """Return the words of a sentence, in lower case and in order, that belong to no known phrase.

    Grammar ("the", "of", "no") and numbers are left out. Words may have letters of any script.
    """
    known = {at for phrase in _phrases(sentence) for at in range(phrase.start, phrase.end)}
    words = (word.group() for word in _ANY_LETTERS.finditer(sentence.lower()) if known.isdisjoint(range(*word.span())))
    return tuple(dict.fromkeys(word for word in words if word not in FUNCTION_WORDS | NEGATIONS))


def _phrases(sentence: str) -> Iterator[_Phrase]:
    words = list(_KNOWN_LETTERS.finditer(sentence.lower()))
    position = 0
    while position < len(words):
        for length in range(min(LONGEST_PHRASE, len(words) - position), 0, -1):
            part = words[position : position + length]
            phrase = " ".join(word.group() for word in part)
            meanings = next((_LEXICON[form] for form in _singulars(phrase) if form in _LEXICON), None)
            if meanings is None:
                continue
            denied = position > 0 and words[position - 1].group() in NEGATIONS
            yield _Phrase(phrase, meanings, denied, part[0].start(), part[-1].end())
            position += length
            break
        else:
            position += 1


def _lexicon() -> dict[str, tuple[Meaning, ...]]:
    meanings: dict[str, tuple[Meaning, ...]] = {}
    for meaning, words in VOCABULARY.items():
        for word in words.split(", "):
            meanings[word] = (*meanings.get(word, ()), meaning)
    return meanings


_LEXICON = _lexicon()


def _singulars(phrase: str) -> tuple[str, ...]:
    forms = [phrase]
    if phrase.endswith("ies"):
        forms.append(phrase[:-3] + "y")
    if phrase.endswith("es"):
        forms.append(phrase[:-2])
    if phrase.endswith("s"):
        forms.append(phrase[:-1])
    return tuple(forms)
