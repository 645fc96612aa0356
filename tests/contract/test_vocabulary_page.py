"""docs/vocabulary.md and docs/vocabulary.json contain the words that the painter understands."""

import json

from shared.vocabulary.languages import words as words_of_language
from shared.vocabulary.words import VOCABULARY
from tools.vocabulary_page import data, page


def test_the_data_contain_every_meaning_with_its_words() -> None:
    axes = json.loads(data())["axes"]
    assert {word for axis in axes.values() for words in axis.values() for word in words} == {
        word for words in VOCABULARY.values() for word in words.split(", ")
    }
    assert {meaning for axis in axes.values() for meaning in axis} == set(VOCABULARY)


def test_the_data_contain_the_words_of_the_other_languages() -> None:
    languages = json.loads(data())["languages"]
    for code, axes in languages.items():
        listed = {(meaning, word) for axis in axes.values() for meaning, words in axis.items() for word in words}
        assert listed == set(words_of_language(code))


def test_the_page_shows_every_meaning_with_its_words() -> None:
    lines = page().splitlines()
    for meaning, words in VOCABULARY.items():
        assert any(line.startswith(f"| {meaning} | {words} |") for line in lines), meaning
