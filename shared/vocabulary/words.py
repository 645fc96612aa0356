"""The vocabulary of the painter: places, times, weathers, moods, palettes, styles and accents. Pure."""

from collections.abc import Mapping
from enum import StrEnum


class Place(StrEnum):
    MOUNTAINS = "mountains"
    VALLEY = "valley"
    MEADOW = "meadow"
    FOREST = "forest"
    LAKE = "lake"
    SEA = "sea"
    COAST = "coast"
    ISLAND = "island"
    DESERT = "desert"
    CANYON = "canyon"
    VOLCANO = "volcano"
    ARCTIC = "arctic"
    CITY = "city"
    SKYLINE = "skyline"
    SPACE = "space"


class Time(StrEnum):
    DAWN = "dawn"
    DAY = "day"
    GOLDEN = "golden hour"
    SUNSET = "sunset"
    BLUE = "blue hour"
    NIGHT = "night"


class Weather(StrEnum):
    CLEAR = "clear"
    CLOUDY = "cloudy"
    MIST = "mist"
    RAIN = "rain"
    SNOW = "snow"
    STORM = "storm"


class Mood(StrEnum):
    NATURAL = "natural"
    CALM = "calm"
    DRAMATIC = "dramatic"
    DREAMY = "dreamy"
    GLOOMY = "gloomy"
    COSY = "cosy"


class Palette(StrEnum):
    NATURAL = "natural"
    RED = "red"
    ORANGE = "orange"
    GOLD = "gold"
    GREEN = "green"
    TEAL = "teal"
    BLUE = "blue"
    VIOLET = "violet"
    PINK = "pink"
    PASTEL = "pastel"
    SEPIA = "sepia"
    MONOCHROME = "monochrome"


class Style(StrEnum):
    PHOTOGRAPHIC = "photographic"
    WATERCOLOUR = "watercolour"
    OIL = "oil"
    POSTER = "poster"
    NOIR = "noir"
    VAPORWAVE = "vaporwave"


class Accent(StrEnum):
    LIGHTHOUSE = "lighthouse"
    MOON = "moon"
    STARS = "stars"
    AURORA = "aurora"
    BOAT = "boat"
    TREE = "tree"
    PALM = "palm"
    CABIN = "cabin"
    CASTLE = "castle"
    BALLOON = "balloon"
    BIRDS = "birds"
    NEON = "neon"
    FLOWERS = "flowers"
    FIGURE = "figure"
    RIVER = "river"
    SNOWY = "snow cover"
    AUTUMN = "autumn"
    BLOSSOM = "blossom"
    PLANET = "planet"
    NEBULA = "nebula"
    ASTEROIDS = "asteroids"


Meaning = Place | Time | Weather | Mood | Palette | Style | Accent

# Synonyms by meaning, separated by commas. Plurals are found without an entry.
VOCABULARY: Mapping[Meaning, str] = {
    Place.MOUNTAINS: "mountain, peak, summit, alps, alpine, himalaya, ridge, everest, glacier valley, highlands",
    Place.VALLEY: "valley, vale, gorge, fjord, rolling hills, hill, hillside, tuscany",
    Place.MEADOW: "meadow, field, grassland, prairie, pasture, savanna, steppe, countryside, garden, farm, plain, park",
    Place.FOREST: "forest, wood, woods, woodland, jungle, pine forest, taiga, grove, rainforest",
    Place.LAKE: "lake, mountain lake, pond, lagoon, loch, reservoir, still water",
    Place.SEA: "sea, ocean, waves, wave, open water, surf",
    Place.COAST: "coast, shore, seaside, beach, cliff, cliffs, bay, harbour, harbor, headland",
    Place.ISLAND: "island, isle, tropical, tropics, atoll, caribbean, paradise",
    Place.DESERT: "desert, dune, sahara, sand, oasis, mars, arrakis",
    Place.CANYON: "canyon, mesa, desert mesa, badlands, butte, red rock, grand canyon, monument valley, arizona",
    Place.VOLCANO: "volcano, volcanic, lava, eruption, crater, magma",
    Place.ARCTIC: "arctic, antarctica, antarctic, iceberg, glacier, ice, frozen, tundra, north pole",
    Place.CITY: "city, street, downtown, avenue, alley, tokyo, cyberpunk, urban, manhattan street, metropolis, town",
    Place.SKYLINE: "skyline, skyscraper, manhattan, new york, city skyline, waterfront, hong kong, singapore",
    Place.SPACE: "space, cosmos, galaxy, universe, deep space, outer space, interstellar, orbit, alien world, cosmic",
    Time.DAWN: "dawn, sunrise, daybreak, early morning, first light, morning",
    Time.DAY: "day, noon, midday, daylight, afternoon, sunny, summer, bright",
    Time.GOLDEN: "golden hour, golden light, late afternoon, warm light, evening light, magic hour",
    Time.SUNSET: "sunset, dusk, sundown, evening, nightfall, setting sun",
    Time.BLUE: "blue hour, twilight, gloaming, after sunset",
    Time.NIGHT: "night, midnight, nocturnal, moonlight, moonlit, starry, nighttime",
    Weather.CLEAR: "clear, clear sky, cloudless",
    Weather.CLOUDY: "cloudy, cloud, overcast, clouds, grey sky, gray sky",
    Weather.MIST: "mist, misty, fog, foggy, haze, hazy, steam",
    Weather.RAIN: "rain, rainy, drizzle, wet, raining, shower, monsoon",
    Weather.SNOW: "snow, snowfall, snowing, blizzard, snowstorm, snowflake",
    Weather.STORM: "storm, stormy, thunder, lightning, thunderstorm, tempest, hurricane",
    Mood.CALM: "calm, peaceful, serene, quiet, tranquil, still, gentle, zen",
    Mood.DRAMATIC: "dramatic, epic, majestic, cinematic, grand, intense, moody, powerful, majestically",
    Mood.DREAMY: "dreamy, dream, ethereal, magical, magic, fantasy, surreal, enchanted, mystical, fairytale",
    Mood.GLOOMY: "gloomy, dark, eerie, haunted, sad, lonely, melancholy, spooky, ominous, bleak",
    Mood.COSY: "cosy, cozy, warm, happy, romantic, nostalgic, homely",
    Palette.RED: "red, crimson, scarlet, ruby",
    Palette.ORANGE: "orange, copper, rust, terracotta",
    Palette.GOLD: "gold, golden, amber, yellow, honey",
    Palette.GREEN: "green, emerald, jade, lush, verdant, olive",
    Palette.TEAL: "teal, turquoise, cyan, aqua",
    Palette.BLUE: "blue, azure, cobalt, sapphire, navy",
    Palette.VIOLET: "violet, purple, indigo, lavender, ultraviolet, magenta",
    Palette.PINK: "pink, rose, coral, fuchsia, peach",
    Palette.PASTEL: "pastel, soft colours, soft colors, pale",
    Palette.SEPIA: "sepia, vintage, antique, brown",
    Palette.MONOCHROME: "monochrome, black and white, greyscale, grayscale, silver, grey, gray",
    Style.PHOTOGRAPHIC: "photo, photograph, photographic, realistic, photorealistic, realism, photography",
    Style.WATERCOLOUR: "watercolour, watercolor, aquarelle, gouache, wash",
    Style.OIL: "oil, oil painting, impressionist, impressionism, painterly, brush strokes, van gogh, monet, painting",
    Style.POSTER: "poster, flat, vector, minimal, minimalist, illustration, screen print, cartoon, anime, comic",
    Style.NOIR: "noir, film noir, high contrast black and white",
    Style.VAPORWAVE: "vaporwave, synthwave, retrowave, outrun, eighties",
    Accent.LIGHTHOUSE: "lighthouse, beacon",
    Accent.MOON: "moon, full moon, moonlight, moonlit, moonrise",
    Accent.STARS: "star, stars, starry, milky way, constellation, starlight",
    Accent.AURORA: "aurora, northern lights, aurora borealis, polar lights",
    Accent.BOAT: "boat, ship, sail, sailboat, yacht, sailing, pirate, vessel, fisherman",
    Accent.TREE: "tree, lone tree, oak, lonely tree",
    Accent.PALM: "palm, palm tree, coconut, tropical, oasis, caribbean",
    Accent.CABIN: "cabin, house, cottage, hut, farmhouse, barn, home, chalet, village, farm",
    Accent.CASTLE: "castle, fortress, tower, palace, citadel, ruin, ruins, kingdom",
    Accent.BALLOON: "balloon, hot air balloon",
    Accent.BIRDS: "bird, birds, gull, seagull, flock, geese, swallow, crow, eagle, raven",
    Accent.NEON: "neon, cyberpunk, neon sign, futuristic, sci-fi, blade runner",
    Accent.FLOWERS: "flower, wildflower, bloom, spring, poppy, poppies, tulip, daisy, lavender, sunflower, garden",
    Accent.FIGURE: "man, woman, person, figure, wanderer, traveller, traveler, hiker, girl, boy, people, hero",
    Accent.RIVER: "river, stream, creek, brook",
    Accent.SNOWY: "snowy, snow, winter, snow-capped, snowcapped, icy, frost, frosty, christmas, blizzard, snow-covered",
    Accent.AUTUMN: "autumn, fall, autumnal, october, maple",
    Accent.BLOSSOM: "blossom, cherry blossom, sakura, cherry tree",
    Accent.PLANET: "planet, saturn, jupiter, earth, rings, alien world, gas giant, exoplanet",
    Accent.NEBULA: "nebula, galaxy, cosmic, stardust, supernova",
    Accent.ASTEROIDS: "asteroid, meteor, comet",
}

NEGATIONS = {"no", "without", "not"}
LONGEST_PHRASE = 5  # maximum number of words in a phrase

# The place for an accent, if the sentence names no place.
HOME: Mapping[Accent, Place] = {
    Accent.LIGHTHOUSE: Place.COAST,
    Accent.BOAT: Place.SEA,
    Accent.PALM: Place.ISLAND,
    Accent.NEON: Place.CITY,
    Accent.FLOWERS: Place.MEADOW,
    Accent.BLOSSOM: Place.LAKE,
    Accent.TREE: Place.MEADOW,
    Accent.CABIN: Place.LAKE,
    Accent.CASTLE: Place.VALLEY,
    Accent.BALLOON: Place.VALLEY,
    Accent.PLANET: Place.SPACE,
    Accent.NEBULA: Place.SPACE,
    Accent.ASTEROIDS: Place.SPACE,
    Accent.AURORA: Place.LAKE,
    Accent.RIVER: Place.VALLEY,
    Accent.AUTUMN: Place.LAKE,
    Accent.SNOWY: Place.MOUNTAINS,
}

_A = Accent
_SKY = {_A.MOON, _A.STARS, _A.AURORA}
_OPEN_AIR = _SKY | {_A.BALLOON, _A.BIRDS}
_ON_LAND = _OPEN_AIR | {_A.FIGURE, _A.CABIN, _A.TREE, _A.SNOWY}

# The things that each place can show. Those that it cannot show are words that are not painted.
SHOWN: Mapping[Place, frozenset[Accent]] = {
    place: frozenset(accents)
    for place, accents in {
        Place.MOUNTAINS: _ON_LAND | {_A.CASTLE},
        Place.VALLEY: _ON_LAND | {_A.CASTLE, _A.RIVER, _A.FLOWERS, _A.AUTUMN, _A.BLOSSOM},
        Place.MEADOW: _ON_LAND | {_A.FLOWERS, _A.AUTUMN, _A.BLOSSOM},
        Place.FOREST: _ON_LAND | {_A.AUTUMN, _A.BLOSSOM},
        Place.LAKE: _ON_LAND | {_A.CASTLE, _A.BOAT, _A.AUTUMN, _A.BLOSSOM},
        Place.SEA: _OPEN_AIR | {_A.BOAT, _A.FIGURE},
        Place.COAST: _OPEN_AIR | {_A.LIGHTHOUSE, _A.CABIN, _A.CASTLE, _A.BOAT, _A.FIGURE},
        Place.ISLAND: _OPEN_AIR | {_A.LIGHTHOUSE, _A.CABIN, _A.PALM, _A.BOAT, _A.FIGURE},
        Place.DESERT: _OPEN_AIR | {_A.PALM, _A.FIGURE},
        Place.CANYON: _OPEN_AIR | {_A.RIVER, _A.FIGURE},
        Place.VOLCANO: _SKY,
        Place.ARCTIC: _OPEN_AIR | {_A.BOAT, _A.FIGURE, _A.SNOWY},
        Place.CITY: _SKY | {_A.NEON, _A.FIGURE},
        Place.SKYLINE: _SKY | {_A.NEON, _A.BOAT, _A.FIGURE},
        Place.SPACE: {_A.MOON, _A.STARS, _A.PLANET, _A.NEBULA, _A.ASTEROIDS},
    }.items()
}

# A colour beside one of these nouns is the colour of the thing. Beside another noun it is the colour of the light.
COLOURED: frozenset[Meaning] = frozenset(
    {
        *(Place.MOUNTAINS, Place.VALLEY, Place.MEADOW, Place.FOREST, Place.DESERT, Place.CANYON, Place.LAKE, Place.SEA),
        *(Accent.LIGHTHOUSE, Accent.BOAT, Accent.TREE, Accent.PALM, Accent.CABIN, Accent.CASTLE, Accent.BALLOON),
        *(Accent.FLOWERS, Accent.FIGURE, Accent.PLANET, Accent.BLOSSOM, Accent.MOON),
    }
)

# Function words are not reported as unknown. Each picture has a sky, a horizon and light.
_FUNCTION_WORDS = """
a an the this that these those some any each every all both of in on at by with within into onto to toward towards from
off over under above below beneath beside between behind before after during through across along around near next about
against up down out and or but nor as like than then while when where is are was were be being been am has have had do
does did it its his her their our my your i he she they we you there here very so too just only also who which what
sky skies horizon light
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
