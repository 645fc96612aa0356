import pytest

from shared.vocabulary.languages import LATIN, UNSPACED, words
from shared.vocabulary.phrases import thesaurus, words_of
from shared.vocabulary.words import SHOWN, VOCABULARY, Accent, Palette, Place, Time, Weather

# Prompts of a review of the painter, with the words that it knows and those that it does not know.
REVIEWED = [
    ("portrait of an old woman", ("woman",), ("portrait", "old")),
    ("golden retriever puppy on the beach", ("beach",), ("golden", "retriever", "puppy")),
    ("perfume bottle, product shot", (), ("perfume", "bottle", "product", "shot")),
    ("ramen with steam, top view", ("steam",), ("ramen", "top", "view")),
    ("cosy living room", ("cosy",), ("living", "room")),
    ("red sports car on a mountain road", ("mountain",), ("red", "sports", "car", "road")),
    ("dragon over a burning castle at night", ("castle", "night"), ("dragon", "burning")),
    ("abstract fluid in purple and gold", ("purple", "gold"), ("abstract", "fluid")),
    ("neon sign that says OPEN, rainy alley", ("neon sign", "rainy", "alley"), ("says", "open")),
    ("alter Leuchtturm im Sturm bei Nacht", ("leuchtturm", "sturm", "nacht"), ("alter",)),
    ("樱花树下的湖", ("樱花树", "湖"), ()),
    ("bosque de pinos al amanecer, niebla", ("bosque de pinos", "amanecer", "niebla"), ()),
]


@pytest.mark.parametrize(("prompt", "understood", "not_understood"), REVIEWED)
def test_the_words_of_a_prompt_are_understood_or_reported(
    prompt: str, understood: tuple[str, ...], not_understood: tuple[str, ...]
) -> None:
    read = words_of(prompt)
    assert (read.understood, read.not_understood, dict(read.read_as)) == (understood, not_understood, {})


@pytest.mark.parametrize(
    ("prompt", "meanings"),
    [
        ("Ein Leuchtturm an der KUESTE? Nein, an der Küste!", (Accent.LIGHTHOUSE, Place.COAST)),
        ("die Wälder und Berge", (Place.FOREST, Place.MOUNTAINS)),
        ("verschneite Berghütte", (Accent.SNOWY, Accent.CABIN, Place.MOUNTAINS)),
        ("los volcanes y las montañas", (Place.VOLCANO, Place.MOUNTAINS)),
        ("una aldea nevada, al atardecer", (Accent.CABIN, Accent.SNOWY, Time.SUNSET)),
        ("des montagnes enneigées et l'océan", (Place.MOUNTAINS, Accent.SNOWY, Place.SEA)),
        ("un coucher du soleil sur la foret", (Time.SUNSET, Place.FOREST)),
        ("雪山上的满月", (Place.MOUNTAINS, Accent.SNOWY, Accent.MOON)),
        ("夕焼けの海に浮かぶ小さな船", (Time.SUNSET, Place.SEA, Accent.BOAT)),
        ("東京 at night", (Place.CITY, Time.NIGHT)),
        ("Strand, golden hour", (Place.COAST, Time.GOLDEN)),
    ],
)
def test_a_prompt_is_read_in_its_language(prompt: str, meanings: tuple[object, ...]) -> None:
    found = words_of(prompt).meanings
    assert tuple(meaning for meaning in found if meaning in meanings) == meanings


RED_BOAT = {Accent.BOAT: Palette.RED}


@pytest.mark.parametrize(
    ("prompt", "colours", "palettes"),
    [
        ("a red boat on a blue lake", {Accent.BOAT: Palette.RED, Place.LAKE: Palette.BLUE}, ()),
        ("a red old boat", RED_BOAT, ()),
        ("red and white lighthouse", {Accent.LIGHTHOUSE: Palette.RED}, ()),
        ("a field of lavender", {Accent.FLOWERS: Palette.VIOLET}, ()),
        ("ein rotes Boot auf dem See", RED_BOAT, ()),
        ("un bateau rouge sur la mer", RED_BOAT, ()),
        ("un barco rojo en el mar", RED_BOAT, ()),
        ("红色的船", RED_BOAT, ()),
        ("赤い船と海", RED_BOAT, ()),
        ("a boat under a pink sky", {}, (Palette.PINK,)),
        ("a boat, in pink", {}, (Palette.PINK,)),
        ("a boat, pink, sunset", {}, (Palette.PINK,)),
        ("pink sunset over the sea", {}, (Palette.PINK,)),
        ("green aurora above a boat", {}, (Palette.GREEN,)),
        ("un ciel rose sur la mer", {}, (Palette.PINK,)),
        ("a red dragon and a boat", {}, ()),
        ("no red boat", {}, ()),
    ],
)
def test_the_colour_of_a_thing_is_not_that_of_the_light(
    prompt: str, colours: dict[object, Palette], palettes: tuple[Palette, ...]
) -> None:
    read = words_of(prompt)
    assert dict(read.colours) == colours
    assert tuple(meaning for meaning in read.meanings if isinstance(meaning, Palette)) == palettes


@pytest.mark.parametrize(
    "prompt",
    ["Küste ohne Regen", "costa sin lluvia", "la côte, pas de pluie", "没有雨的海岸", "雨のない海岸", "coast, no rain"],
)
def test_a_negated_word_is_not_painted_in_any_language(prompt: str) -> None:
    read = words_of(prompt)
    assert (read.meanings, read.not_understood) == ((Place.COAST,), ())


@pytest.mark.parametrize("prompt", ["I see a man die on a rose", "a son or a pin", "the hell of old rot"])
def test_english_words_are_not_read_as_words_of_another_language(prompt: str) -> None:
    foreign = {Place.LAKE, Palette.GOLD, Place.FOREST, Time.DAY, Palette.RED}
    assert foreign.isdisjoint(words_of(prompt).meanings)


@pytest.mark.parametrize("place", Place)
def test_a_thing_that_the_place_cannot_show_is_reported(place: Place) -> None:
    """A near word of the thing, and its colour, are reported too."""
    where = VOCABULARY[place].split(", ")[0]
    for thing in Accent:
        for word in VOCABULARY[thing].split(", "):
            read = words_of(f"{where} and {word}")
            if thing in read.meanings:
                assert thing in SHOWN[place] or word not in read.not_understood
            else:
                assert word in read.not_understood
    assert words_of("a red canoe in a forest").not_understood == ("red", "canoe")


def test_the_home_of_several_things_shows_all_of_them() -> None:
    assert words_of("a lighthouse and a palm").not_understood == ()
    assert words_of("a beach in the tropics with palms").not_understood == ()
    assert words_of("a castle, a lighthouse and a planet").not_understood == ("lighthouse", "planet")


def test_an_unknown_word_is_read_as_a_near_one_and_reported() -> None:
    read = words_of("a mansion by a canal, winterlandschaft")
    assert dict(read.read_as) == {"mansion": "house", "canal": "river"}
    assert read.not_understood == ("winterlandschaft",)
    assert read.meanings == (Accent.CABIN, Accent.RIVER)
    assert not words_of("no mansion").meanings
    assert dict(words_of("Winterlandschaft").read_as) == {"winterlandschaft": "winter"}


def test_the_style_is_read_before_the_prompt_in_its_own_language() -> None:
    assert words_of("a lake at noon", "Aquarell").understood == ("aquarell", "lake", "noon")


@pytest.mark.parametrize("prompt", ["quux", "🙂", "no rain", "1920", "ramen dish", "犬"])
def test_a_prompt_without_a_known_word_gives_an_unrelated_picture(prompt: str) -> None:
    assert words_of(prompt).is_unrelated


def test_long_prompts_are_read() -> None:
    for prompt in ("ß" * 2000, "山" * 2000, "Schneesturm" * 181, "mansion " * 250):
        words_of(prompt)


@pytest.mark.parametrize("code", [*LATIN, *UNSPACED])
def test_every_meaning_has_words_in_each_language(code: str) -> None:
    listed = list(words(code))
    assert {meaning for meaning, _ in listed} == set(VOCABULARY)
    for meaning, phrase in listed:
        marked = f"これ {phrase}" if code == "ja" else phrase
        assert meaning in words_of(marked).meanings or code in LATIN, phrase


@pytest.mark.slow
@pytest.mark.parametrize("code", LATIN)
def test_a_word_of_a_language_is_found_beside_a_function_word_of_it(code: str) -> None:
    marker = {"de": "über dieser", "es": "sobre esta", "fr": "sous cette"}[code]
    lost = [phrase for meaning, phrase in words(code) if meaning not in words_of(f"{marker} {phrase}").meanings]
    assert lost == []


def test_the_thesaurus_has_unknown_words_only_and_known_phrases() -> None:
    known = {word for words in VOCABULARY.values() for word in words.split(", ")}
    assert set(thesaurus()) <= known
    near = [word for words in thesaurus().values() for word in words.split(", ")]
    assert [word for word in near if not words_of(word).read_as] == []
    assert len(near) == len(set(near))
    assert Weather.RAIN in words_of("a puddle").meanings
