"""The interpretation of a prompt: place, time, weather, mood, palette, style and accents of one picture."""

import hashlib
from dataclasses import dataclass

from shared.vocabulary.phrases import PromptWords, place_of, words_of
from shared.vocabulary.words import HOME, SHOWN, Accent, Meaning, Mood, Palette, Place, Style, Time, Weather
from workers.painter.noise import stream

_PAINTS = {
    Palette.RED: ("5c1410", "d83a2c"),
    Palette.ORANGE: ("6a2f10", "e88a3a"),
    Palette.GOLD: ("6e4f10", "f2c84a"),
    Palette.GREEN: ("16351c", "4f9a4a"),
    Palette.TEAL: ("10403f", "3fb0a8"),
    Palette.BLUE: ("152a56", "4a7fd0"),
    Palette.VIOLET: ("352056", "9a6cd8"),
    Palette.PINK: ("6a2c4a", "f08ab8"),
    Palette.PASTEL: ("9a8f98", "f2e6ec"),
    Palette.SEPIA: ("3a2818", "9a6f48"),
    Palette.MONOCHROME: ("3a3a3c", "b4b4b8"),
}  # in shade and in light
_MISTY = {Place.FOREST, Place.LAKE, Place.VALLEY}


@dataclass(frozen=True, slots=True)
class Reading:
    """The interpretation of a request, and the random seed that decides the rest of the picture."""

    place: Place
    time: Time
    weather: Weather
    mood: Mood
    palette: Palette
    style: Style
    accents: frozenset[Accent]
    words: PromptWords
    seed: int

    def colour_of(self, *things: str) -> tuple[str, str] | None:
        """Return the colour in shade and in light that the prompt gives to the first of the things that has one."""
        own = self.words.colours
        return next((_PAINTS[own[thing]] for thing in things if thing in own), None)

    def has(self, *accents: Accent) -> bool:
        return not self.accents.isdisjoint(accents)


def read(prompt: str, style: str | None, seed: int) -> Reading:
    """Interpret a request. A hash of its prompt, style and seed chooses the values that it does not name."""
    digest = hashlib.sha256("\x00".join((prompt.strip().lower(), style or "", str(seed))).encode()).digest()
    own_seed = int.from_bytes(digest[:8], "big")
    rng = stream(own_seed, "choices")
    words = words_of(prompt, style or "")
    meanings = words.meanings
    accents = {meaning for meaning in meanings if isinstance(meaning, Accent)}

    def first(kind: type, default: Meaning) -> Meaning:
        return next((meaning for meaning in meanings if isinstance(meaning, kind)), default)

    start = int(rng.integers(len(Place))) if accents.isdisjoint(HOME) else 0  # one number fewer changes those below
    chosen = next((place for place in (*list(Place)[start:], *Place) if accents <= SHOWN[place]), Place.VALLEY)
    place = place_of(meanings) or chosen
    weather = next((meaning for meaning in meanings if isinstance(meaning, Weather)), None)
    usual_times = [Time.DAWN, Time.GOLDEN, Time.SUNSET, Time.SUNSET, Time.DAY, Time.BLUE, Time.NIGHT]
    chosen_time = usual_times[rng.integers(len(usual_times))]
    if accents & {Accent.MOON, Accent.STARS, Accent.AURORA, Accent.NEON}:
        chosen_time = Time.NIGHT
    elif place is Place.CITY:  # the painter's streets look best with lit lamps
        chosen_time = (Time.NIGHT, Time.NIGHT, Time.BLUE, Time.SUNSET)[rng.integers(4)]
    elif weather in (Weather.RAIN, Weather.STORM):
        chosen_time = (Time.DAY, Time.DAY, Time.SUNSET)[rng.integers(3)]
    elif accents & {Accent.FLOWERS, Accent.PALM, Accent.BLOSSOM, Accent.AUTUMN}:
        chosen_time = (Time.DAY, Time.DAY, Time.GOLDEN, Time.DAWN)[rng.integers(4)]
    usual_weathers = [Weather.CLEAR, Weather.CLOUDY, Weather.CLOUDY, Weather.CLEAR]
    if place in _MISTY:
        usual_weathers.append(Weather.MIST)
    chosen_weather = usual_weathers[rng.integers(len(usual_weathers))]
    if accents & {Accent.STARS, Accent.AURORA}:
        chosen_weather = Weather.CLEAR
    return Reading(
        place=place,
        time=Time(first(Time, chosen_time)),
        weather=weather or chosen_weather,
        mood=Mood(first(Mood, Mood.NATURAL)),
        palette=Palette(first(Palette, Palette.NATURAL)),
        style=Style(first(Style, Style.PHOTOGRAPHIC)),
        accents=frozenset(accents),
        words=words,
        seed=own_seed,
    )
