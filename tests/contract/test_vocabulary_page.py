"""docs/vocabulary.md is what the code understands."""

from tools.vocabulary_page import page
from workers.engines.image_generation.vocabulary import VOCABULARY


def test_the_page_shows_every_meaning_with_its_words() -> None:
    lines = page().splitlines()
    for meaning, words in VOCABULARY.items():
        assert any(line.startswith(f"| {meaning} | {words} |") for line in lines), meaning
