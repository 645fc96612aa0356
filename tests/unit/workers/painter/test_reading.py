import pytest

from shared.vocabulary.phrases import words_of
from shared.vocabulary.words import VOCABULARY, Accent, Mood, Palette, Place, Style, Time, Weather
from workers.painter.reading import read


def test_place_time_and_weather_are_read_from_a_sentence() -> None:
    reading = read("Neon city, in the RAIN, at night", None, 1)
    assert (reading.place, reading.time, reading.weather) == (Place.CITY, Time.NIGHT, Weather.RAIN)
    assert reading.has(Accent.NEON)
    assert reading.words.understood == ("neon", "city", "rain", "night")


@pytest.mark.parametrize(
    ("sentence", "understood"),
    [
        ("snow-capped peaks at the golden hour", ("snow-capped", "peaks", "golden hour")),
        ("northern lights over lakes", ("northern lights", "lakes")),
        ("a film noir of new york", ("film noir", "new york")),
        ("poppies", ("poppies",)),
    ],
)
def test_the_longest_phrase_wins_and_plurals_are_known(sentence: str, understood: tuple[str, ...]) -> None:
    assert words_of(sentence).understood == understood


@pytest.mark.parametrize(
    ("sentence", "unknown"),
    [
        ("A velvet lighthouse of the Grand Duchess", ("velvet", "duchess")),
        ("no rain, without a zeppelin", ("zeppelin",)),
        ("golden hours at a café 夜の犬 in 1920", ("café", "犬")),
        ("lakes and peaks", ()),
    ],
)
def test_unknown_words_are_reported(sentence: str, unknown: tuple[str, ...]) -> None:
    assert words_of(sentence).not_understood == unknown


def test_negated_words_are_not_painted() -> None:
    assert read("a coast without lighthouse, no rain", None, 1).words.understood == ("coast",)


def test_the_style_field_wins_over_the_prompt() -> None:
    reading = read("an oil painting of a lake", "watercolor", 1)
    assert reading.style is Style.WATERCOLOUR


def test_a_subject_brings_its_place_unless_one_is_named() -> None:
    assert read("a lighthouse", None, 1).place is Place.COAST
    assert read("a lighthouse on a tropical isle", None, 1).place is Place.ISLAND


def test_mood_and_palette_are_read() -> None:
    reading = read("a serene lake in teal", None, 1)
    assert (reading.mood, reading.palette) == (Mood.CALM, Palette.TEAL)


def test_different_unknown_words_choose_different_places() -> None:
    sentences = [f"quux number {name}" for name in ("ada", "bo", "cy", "di", "ed", "flo", "gus", "hal", "ivy", "jo")]
    assert len({read(sentence, None, 1).place for sentence in sentences}) >= 4
    assert read("quux", None, 1) == read("quux", None, 1)
    assert read("quux", None, 1).seed != read("quux", None, 2).seed


def test_every_meaning_has_words() -> None:
    implicit = {Mood.NATURAL, Palette.NATURAL}
    for kind in (Place, Time, Weather, Mood, Palette, Style, Accent):
        assert {meaning for meaning in kind if meaning not in implicit} <= set(VOCABULARY)
