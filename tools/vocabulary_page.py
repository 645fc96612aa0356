"""docs/vocabulary.md and docs/vocabulary.json: all words of the painter's vocabulary with their meanings."""

import json
from enum import StrEnum
from typing import Any

from shared.vocabulary.languages import AXES, LATIN, UNSPACED, contents
from shared.vocabulary.phrases import thesaurus, words_of
from shared.vocabulary.words import (
    FUNCTION_WORDS,
    HOME,
    LONGEST_PHRASE,
    NEGATIONS,
    SHOWN,
    VOCABULARY,
    Accent,
    Mood,
    Palette,
    Place,
    Style,
    Time,
    Weather,
)

_HEAD = """# Vocabulary of the painter

`make docs` generates this page from `shared/vocabulary/words.py`.
[vocabulary.json](vocabulary.json) has the same words.

The `procedural` engine paints from the words of this page. The step's metadata lists the recognized words under
`understood`, the other words under `notUnderstood`, and the chosen meanings under `place`, `timeOfDay`, `weather`,
`mood`, `palette`, `style` and `accents`. The rules are:

- The longest phrase (up to {longest} words) is used: "golden hour" is a time, "gold" a palette. Plurals are known.
- A word can have several meanings at once: "cyberpunk" is a city and its neon.
- The first word of each group below is used. The request's `style` is read before the prompt. All accents are used.
  Of several places, the first that can show all accents is used.
- The colour of a thing is its own: in "a red boat on a blue lake" the boat is red, the water is blue, and the sky has
  its usual colours. Beside no thing ("in pink", "under a pink sky") a colour is that of the light. The colour of an
  unknown thing is an unknown word.
- A word after {negations} is ignored.
- A prompt can be in German, Spanish, French, Chinese or Japanese. It is read in the language that knows most of its
  words. The [last section](#other-languages) lists these words.
- An unknown word that is [near to a known one](#near-words) is painted as that one. The metadata lists it under
  `readAs`.
- If the painter knows no word of the prompt, the job is refused with the code `prompt_not_understood`, unless its
  setting `allowUnrelatedPicture` is true.
- If a prompt has accents and no place, the place is the first home of an accent that can show all of them, otherwise
  the first home. [What each place can show](#accents-of-each-place) is below.
- An accent that the place cannot show, and its colour, are listed under `notUnderstood`.
- A hash of the prompt, the style and the seed chooses everything that the prompt does not specify in words of this
  page. The same request gives the same picture; another seed gives another picture.
"""

# Heading, key in the step's metadata, meanings, purpose.
_GROUPS: tuple[tuple[str, str, type[StrEnum], str], ...] = (
    ("Places", "place", Place, "The scene itself."),
    ("Times", "timeOfDay", Time, "The position of the sun or the moon, and matching colours."),
    ("Weathers", "weather", Weather, "Clouds, haze, rain and snow."),
    ("Moods", "mood", Mood, "Contrast, softness and warmth."),
    ("Palettes", "palette", Palette, "The color of the light."),
    ("Styles", "style", Style, "The technique of the painting."),
    ("Accents", "accents", Accent, "Objects in the picture, and effects over it."),
)


LANGUAGES = dict(zip((*LATIN, *UNSPACED), ("German", "Spanish", "French", "Chinese", "Japanese"), strict=True))


def page() -> str:
    """Return the page as Markdown."""
    denials = " or ".join(f'"{word}"' for word in sorted(NEGATIONS))
    parts = [_HEAD.format(longest=LONGEST_PHRASE, negations=denials)]
    for title, _, kind, purpose in _GROUPS:
        homes = kind is Accent
        parts += [f"## {title}", "", purpose, ""]
        parts += ["| meaning | words |" + (" home |" if homes else ""), "|---|---|" + ("---|" if homes else "")]
        for meaning, words in VOCABULARY.items():
            if isinstance(meaning, kind):
                home = HOME.get(meaning) if isinstance(meaning, Accent) else None
                parts.append(f"| {meaning} | {words} |" + (f" {home or ''} |" if homes else ""))
        parts.append("")
    parts += ["## Accents of each place", "", "| place | accents |", "|---|---|"]
    parts += [f"| {place} | {', '.join(sorted(things))} |" for place, things in SHOWN.items()]
    parts.append("")
    parts += ["## Near words", "", "Words that the painter does not know, by the phrase that it paints instead.", ""]
    parts += ["| phrase | words |", "|---|---|", *(f"| {phrase} | {words} |" for phrase, words in thesaurus().items())]
    parts += ["", "## Other languages", "", "Accents, case and most inflected forms do not matter.", ""]
    for code, name in LANGUAGES.items():
        parts += [f"### {name}", "", "| meaning | words |", "|---|---|"]
        parts += [f"| {meaning} | {words} |" for axis in AXES for meaning, words in contents(code)[axis].items()]
        parts.append("")
    return "\n".join(parts)


def data() -> str:
    """Return the words as JSON: each axis with its meanings and their words, and the rules of reading."""
    axes = {
        key: {meaning: words.split(", ") for meaning, words in VOCABULARY.items() if isinstance(meaning, kind)}
        for _, key, kind, _ in _GROUPS
    }
    shown = {place: sorted(things) for place, things in SHOWN.items()}
    rules = {"homes": HOME, "shown": shown, "negations": sorted(NEGATIONS), "longestPhrase": LONGEST_PHRASE}
    others = {
        code: {
            key: {meaning: words.split(", ") for meaning, words in contents(code)[axis].items()}
            for axis, (_, key, _, _) in zip(AXES, _GROUPS, strict=True)
        }
        for code in LANGUAGES
    }
    near = {phrase: words.split(", ") for phrase, words in thesaurus().items()}
    document = {"axes": axes, **rules, "near": near, "languages": others, "grammar": _grammar()}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _grammar() -> dict[str, Any]:
    """Return the words without a meaning of their own, and the endings and negations of each language."""
    lists = ("function", "negations", "negations_after", "endings", "tails")
    others = {
        code: {"compounds": bool(contents(code).get("compounds")), "nounFirst": bool(contents(code).get("noun_first"))}
        | {name: str(contents(code).get(name, "")).split() for name in lists}
        for code in LANGUAGES
    }
    return {"en": {"function": sorted(FUNCTION_WORDS)}, **others}


# Sentences that the studio's page and the painter must read alike.
EXAMPLES = (
    "a lighthouse on a cliff at dusk",
    "neon city street in the rain at night",
    "no rain, not stormy, without clouds: calm lakes",
    "a dragon eating soup",
    "film noir street at golden hour, soft colours",
    "a tarn below the massif, pine trees",
    "ein Bergsee im Nebel bei Sonnenaufgang, ohne Schnee",
    "Winterlandschaft mit Tannenwald und Wolkenhimmel",
    "un phare sur la falaise au coucher du soleil, pas de neige",
    "una playa tropical al atardecer con palmeras",
    "雪の山と湖の夜",
    "海边的灯塔，没有雨",
    "Mountains & (forests) - 3 castles!",
    "a red boat on a blue lake, golden retriever, violet dragon and boat",
    "un dragon rouge et un lac bleu",
    "a man in space, a red boat in space",
    "a mansion by a canal, a man and a balloon",
    "a garden in the desert",
    "l'aurore boréale au-dessus d'un lac gelé",
    "",
)


def readings() -> str:
    """Return the painter's reading of each example as JSON, for the tests of the studio's pages."""
    read = [
        {
            "prompt": prompt,
            "understood": words.understood,
            "notUnderstood": words.not_understood,
            "readAs": dict(words.read_as),
        }
        for prompt in EXAMPLES
        for words in [words_of(prompt)]
    ]
    return json.dumps(read, indent=2, ensure_ascii=False) + "\n"
