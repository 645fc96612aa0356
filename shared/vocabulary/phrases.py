"""The phrases of a prompt that are in the vocabulary, and the words that are not. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shared.vocabulary.words import FUNCTION_WORDS, LONGEST_PHRASE, NEGATIONS, VOCABULARY, Meaning

_ASCII_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*")
_ANY_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A phrase of the vocabulary at `start`..`end` of a sentence in lower case. `negated` if a negation precedes it."""

    text: str
    meanings: tuple[Meaning, ...]
    negated: bool
    start: int
    end: int


def meanings_of(sentence: str) -> list[tuple[str, tuple[Meaning, ...]]]:
    """Return the phrases of a sentence that are in the vocabulary, in order, with their meanings.

    Longer phrases take precedence over their parts. Negated phrases ("no rain") are omitted.
    """
    return [(phrase.text, phrase.meanings) for phrase in _phrases(sentence) if not phrase.negated]


def not_understood(sentence: str) -> tuple[str, ...]:
    """Return the words of a sentence that are not in the vocabulary, in lower case and in order.

    Function words ("the", "of"), negations ("no") and numbers are omitted. Words may have letters of any script.
    """
    known = {at for phrase in _phrases(sentence) for at in range(phrase.start, phrase.end)}
    words = (word.group() for word in _ANY_WORD.finditer(sentence.lower()) if known.isdisjoint(range(*word.span())))
    return tuple(dict.fromkeys(word for word in words if word not in FUNCTION_WORDS | NEGATIONS))


def _phrases(sentence: str) -> Iterator[_Phrase]:
    words = list(_ASCII_WORD.finditer(sentence.lower()))
    position = 0
    while position < len(words):
        for length in range(min(LONGEST_PHRASE, len(words) - position), 0, -1):
            part = words[position : position + length]
            phrase = " ".join(word.group() for word in part)
            meanings = next((_LEXICON[form] for form in _singulars(phrase) if form in _LEXICON), None)
            if meanings is None:
                continue
            negated = position > 0 and words[position - 1].group() in NEGATIONS
            yield _Phrase(phrase, meanings, negated, part[0].start(), part[-1].end())
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
