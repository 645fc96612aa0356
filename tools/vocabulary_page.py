"""docs/vocabulary.md and docs/vocabulary.json: all words of the painter's vocabulary with their meanings."""

import json
from enum import StrEnum

from shared.vocabulary.words import (
    HOME,
    LONGEST_PHRASE,
    NEGATIONS,
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
- A word after {negations} is ignored.
- If a prompt has an accent and no place, the place is the accent's home.
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
    return "\n".join(parts)


def data() -> str:
    """Return the words as JSON: each axis with its meanings and their words, and the rules of reading."""
    axes = {
        key: {meaning: words.split(", ") for meaning, words in VOCABULARY.items() if isinstance(meaning, kind)}
        for _, key, kind, _ in _GROUPS
    }
    rules = {"homes": HOME, "negations": sorted(NEGATIONS), "longestPhrase": LONGEST_PHRASE}
    return json.dumps({"axes": axes, **rules}, indent=2) + "\n"
