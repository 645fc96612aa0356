"""The light of a picture: sky, sun and haze for a time, weather, mood and palette."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from shared.vocabulary.words import Accent, Mood, Palette, Style, Time, Weather
from workers.painter.canvas import colour, mix
from workers.painter.noise import Field, as_field, stream
from workers.painter.reading import Reading


@dataclass(frozen=True, slots=True)
class Light:
    """The light's linear colours, each (3,), and its parameters."""

    zenith: Field
    middle: Field
    horizon: Field
    glow: Field  # around the sun
    sun: Field  # light of the sun or moon on a surface that faces it
    ambient: Field  # light of the sky on every surface
    cloud_lit: Field
    cloud_dark: Field
    sun_x: float  # share of the picture's width
    sun_height: float  # above the horizon, in scales of the picture
    slope: float  # tangent of the light's elevation, for shadows
    disc: float  # brightness of the visible disc, 0 hides it
    moon: bool
    stars: float
    lamps: float  # visibility of lamps and windows, 0..1
    haze: float  # optical thickness of air per unit of distance
    ground_mist: float
    cloud_cover: float
    exposure: float

    @property
    def side(self) -> float:
        """-1 if the light comes from the left, 1 if it comes from the right."""
        return -1.0 if self.sun_x < 0.5 else 1.0


def _time(time: Time) -> Light:
    def make(
        sky: tuple[str, str, str],
        glow: tuple[str, float],
        sun: tuple[str, float],
        ambient: tuple[str, float],
        clouds: tuple[str, str],
        **numbers: float,
    ) -> Light:
        defaults = {"stars": 0.0, "lamps": 0.0, "haze": 0.012, "exposure": 1.0, "disc": 12.0}
        zenith, middle, horizon = (colour(shade) for shade in sky)
        values = defaults | numbers
        return Light(
            zenith=zenith,
            middle=middle,
            horizon=horizon,
            glow=colour(*glow),
            sun=colour(*sun),
            ambient=colour(*ambient),
            cloud_lit=colour(clouds[0], 1.25),
            cloud_dark=colour(clouds[1]),
            sun_x=0.3,
            sun_height=values["height"],
            slope=values["slope"],
            disc=values["disc"],
            moon=time is Time.NIGHT,
            stars=values["stars"],
            lamps=values["lamps"],
            haze=values["haze"],
            ground_mist=0.0,
            cloud_cover=0.35,
            exposure=values["exposure"],
        )

    match time:
        case Time.DAWN:
            return make(
                ("4470b4", "a3aed4", "ffcfa6"),
                ("ffb07c", 0.9),
                ("ffbe8a", 2.6),
                ("7c98d4", 0.5),
                ("ffdcc8", "8d8fb0"),
                height=0.07,
                slope=0.32,
                lamps=0.35,
                haze=0.015,
            )
        case Time.DAY:
            return make(
                ("2463b4", "6aa6e0", "cfe6f5"),
                ("fff4dc", 0.35),
                ("fff2dc", 2.7),
                ("9cc2ee", 0.8),
                ("ffffff", "9fb2c8"),
                height=0.62,
                slope=0.9,
                haze=0.009,
                disc=0.0,
            )
        case Time.GOLDEN:
            return make(
                ("4477b4", "b9b8ac", "ffd596"),
                ("ffb655", 1.1),
                ("ffb35c", 2.9),
                ("8fa4cc", 0.6),
                ("ffe6bd", "9a8c93"),
                height=0.16,
                slope=0.34,
                lamps=0.15,
                haze=0.014,
            )
        case Time.SUNSET:
            return make(
                ("2a4384", "9c5c8c", "ff9858"),
                ("ff6f2c", 1.5),
                ("ff9a62", 2.3),
                ("7d7db4", 0.5),
                ("ff9a68", "5b466f"),
                height=0.045,
                slope=0.24,
                lamps=0.7,
                haze=0.016,
            )
        case Time.BLUE:
            return make(
                ("122457", "34579b", "a3a4cc"),
                ("f29a78", 0.42),
                ("8fa6e6", 0.5),
                ("5877bb", 0.5),
                ("8d94c6", "2c3c70"),
                height=-0.02,
                slope=0.5,
                stars=0.35,
                lamps=1.0,
                haze=0.018,
                disc=0.0,
                exposure=1.2,
            )
    return make(
        ("060d24", "10234a", "2b4a72"),
        ("8fb2e8", 0.2),
        ("b4c8ff", 0.55),
        ("3f5f9c", 0.34),
        ("7f95c0", "101c38"),
        height=0.42,
        slope=0.6,
        stars=1.0,
        lamps=1.0,
        haze=0.012,
        disc=3.0,
        exposure=1.35,
    )


# Variants of the evening sky: zenith, middle, horizon.
_SUNSETS = (
    ("2a4384", "9c5c8c", "ff9858"),
    ("1f4a86", "6f86ac", "ffb46a"),
    ("27386c", "b0606a", "ff8440"),
    ("34407c", "8478ac", "ffae8a"),
)

_TINTS = {
    Palette.RED: ("ff4436", 0.42),
    Palette.ORANGE: ("ff8a3a", 0.45),
    Palette.GOLD: ("ffc24a", 0.4),
    Palette.GREEN: ("5fd08a", 0.28),
    Palette.TEAL: ("2cc7c0", 0.5),
    Palette.BLUE: ("3f7cff", 0.45),
    Palette.VIOLET: ("9a5cff", 0.36),
    Palette.PINK: ("ff7ab0", 0.42),
    Palette.PASTEL: ("f3d9ec", 0.3),
}
_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


def tinted(shade: Field, tint: Field, amount: float) -> Field:
    """Return `shade` with its hue moved toward `tint` and its luminance unchanged."""
    target = tint * (float(shade @ _LUMA) / max(float(tint @ _LUMA), 1e-4))
    return mix(shade, as_field(target), amount)


def _sky_through(light: Light, change: Callable[[Field], Field]) -> Light:
    return replace(
        light,
        zenith=change(light.zenith),
        middle=change(light.middle),
        horizon=change(light.horizon),
        glow=change(light.glow),
        cloud_lit=change(light.cloud_lit),
        cloud_dark=change(light.cloud_dark),
        ambient=change(light.ambient),
    )


def _sky_toward(light: Light, target: Field, amount: float) -> Light:
    return _sky_through(light, lambda shade: tinted(shade, target, amount))


def _in_weather(light: Light, weather: Weather) -> Light:
    grey = as_field((light.zenith + light.horizon) * 0.5 @ _LUMA * np.array([0.94, 1.0, 1.08]))
    match weather:
        case Weather.CLEAR:
            return replace(light, cloud_cover=0.12)
        case Weather.CLOUDY:
            return replace(light, cloud_cover=0.62, sun=light.sun * 0.8, stars=light.stars * 0.4)
        case Weather.MIST:
            return replace(
                light,
                cloud_cover=0.2,
                haze=light.haze * 1.6 + 0.008,
                ground_mist=0.85,
                sun=light.sun * 0.6,
                ambient=light.ambient * 1.2,
                disc=light.disc * 0.4,
                stars=light.stars * 0.5,
                zenith=mix(light.zenith, light.middle, 0.55),
                middle=mix(light.middle, light.horizon, 0.4),
            )
        case Weather.RAIN:
            light = replace(light, haze=light.haze * 1.8 + 0.01, sun=light.sun * 0.28, disc=0.0, stars=0.0)
            amount, cover = 0.5, 0.8
        case Weather.SNOW:
            light = replace(
                light,
                haze=light.haze * 1.5 + 0.005,
                sun=light.sun * 0.6,
                ambient=light.ambient * 1.05,
                disc=0.0,
                stars=0.0,
            )
            amount, cover = 0.45, 0.7
        case Weather.STORM:
            light = replace(light, haze=light.haze * 1.3 + 0.006, sun=light.sun * 0.4, disc=0.0, stars=0.0)
            gloom = min(0.6, 0.2 / float(light.horizon @ _LUMA))
            light = replace(
                _sky_through(light, lambda shade: as_field(shade * gloom)), ambient=light.ambient * max(gloom, 0.45)
            )
            amount, cover = 0.65, 0.8
            grey = as_field(grey * 0.32)
    return replace(
        light,
        cloud_cover=cover,
        zenith=mix(light.zenith, grey, amount),
        middle=mix(light.middle, grey, amount),
        horizon=mix(light.horizon, grey * 1.25, amount * 0.8),
        cloud_lit=mix(light.cloud_lit, grey * 1.5, amount),
        cloud_dark=mix(light.cloud_dark, grey * 0.45, amount),
        glow=light.glow * (1 - amount),
        lamps=min(1.0, light.lamps + 0.3),
    )


def light_of(reading: Reading) -> Light:
    """Return the light of a reading. The seed decides the sun's position."""
    rng = stream(reading.seed, "light")
    light = _time(reading.time)
    if reading.time is Time.SUNSET:
        zenith, middle, horizon = _SUNSETS[int(rng.integers(len(_SUNSETS)))]
        light = replace(light, zenith=colour(zenith), middle=colour(middle), horizon=colour(horizon))
    light = _in_weather(light, reading.weather)
    sun_x = float(rng.choice([rng.uniform(0.2, 0.38), rng.uniform(0.62, 0.8)]))
    light = replace(light, sun_x=sun_x, sun_height=light.sun_height * float(rng.uniform(0.85, 1.15)))
    if reading.has(Accent.STARS, Accent.AURORA):
        light = replace(light, stars=max(light.stars, 0.9), cloud_cover=min(light.cloud_cover, 0.15))
    if reading.time is Time.NIGHT and reading.has(Accent.AURORA) and not reading.has(Accent.MOON):
        light = replace(light, disc=0.0, ambient=mix(light.ambient, colour("3fae8c", 0.4), 0.4))
    match reading.mood:
        case Mood.DRAMATIC:
            light = replace(
                light, sun=light.sun * 1.25, ambient=light.ambient * 0.8, cloud_cover=min(0.85, light.cloud_cover + 0.2)
            )
        case Mood.DREAMY:
            light = _sky_toward(
                replace(light, haze=light.haze * 1.4, ground_mist=max(light.ground_mist, 0.3)), colour("e3a6ea"), 0.3
            )
        case Mood.GLOOMY:
            light = replace(light, sun=light.sun * 0.55, haze=light.haze * 1.5, exposure=light.exposure * 0.82)
        case Mood.COSY:
            light = replace(_sky_toward(light, colour("ffbe86"), 0.22), lamps=min(1.0, light.lamps + 0.3))
        case Mood.CALM:
            light = replace(light, haze=light.haze * 1.15)
    if reading.style is Style.VAPORWAVE:
        light = replace(
            light,
            zenith=colour("0c0534"),
            middle=colour("571a8e"),
            horizon=colour("ff5a9c"),
            glow=colour("ff5a78", 0.55),
            sun=colour("ff7ad0", 1.5),
            ambient=colour("5a5cff", 0.5),
            cloud_lit=colour("ff8fd0"),
            cloud_dark=colour("4a1f8a"),
            sun_height=0.12,
            disc=8.0,
            moon=False,
            lamps=1.0,
            sun_x=0.5 + 0.06 * light.side,
        )
    if reading.palette in _TINTS:
        shade, amount = _TINTS[reading.palette]
        light = _sky_toward(light, colour(shade), amount)
        light = replace(light, sun=tinted(light.sun, colour(shade), amount * 0.5))
    return light
