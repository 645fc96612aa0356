"""docs/vocabulary.md and docs/vocabulary.json are what the code understands."""

import json

from local.vocabulary_page import DATA, PAGE, data, page
from shared.vocabulary.words import VOCABULARY


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `make vocabulary` and commit docs/vocabulary.md"


def test_the_committed_data_are_up_to_date() -> None:
    assert DATA.read_text() == data(), "run `make vocabulary` and commit docs/vocabulary.json"


def test_the_data_hold_every_meaning_with_its_words() -> None:
    axes = json.loads(data())["axes"]
    assert {word for axis in axes.values() for words in axis.values() for word in words} == {
        word for words in VOCABULARY.values() for word in words.split(", ")
    }
    assert {meaning for axis in axes.values() for meaning in axis} == set(VOCABULARY)


def test_the_page_shows_every_meaning_with_its_words() -> None:
    lines = page().splitlines()
    for meaning, words in VOCABULARY.items():
        assert any(line.startswith(f"| {meaning} | {words} |") for line in lines), meaning
