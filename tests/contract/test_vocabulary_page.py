"""docs/vocabulary.md is what the code understands."""

from tools.vocabulary_page import PAGE, page
from workers.engines.image_generation.vocabulary import VOCABULARY


def test_the_committed_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run `make vocabulary` and commit docs/vocabulary.md"


def test_the_page_shows_every_meaning_with_its_words() -> None:
    lines = page().splitlines()
    for meaning, words in VOCABULARY.items():
        assert any(line.startswith(f"| {meaning} | {words} |") for line in lines), meaning
