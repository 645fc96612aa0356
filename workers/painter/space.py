"""Deep space: nebula, stars, a planet with atmosphere and rings, a moon, drifting asteroids."""

import numpy as np

from shared.vocabulary.words import Accent, Palette
from workers.painter.canvas import Canvas, Subject, colour, mix
from workers.painter.grade import film
from workers.painter.noise import Field, Noise, as_field, blurred, resized, smoothstep, stream
from workers.painter.plants import boulder
from workers.painter.reading import Reading

_NEBULAE = (
    ("1a2a6c", "b23a8a", "ffb37a"),
    ("0c4a5c", "2c9a9a", "ffd9a0"),
    ("3a1a5c", "7a3ad0", "7ad0ff"),
    ("5c1a1f", "d0503a", "ffd27a"),
    ("123a2c", "3ab07a", "e8ffb0"),
)
_BY_PALETTE = {
    Palette.TEAL: 1,
    Palette.VIOLET: 2,
    Palette.BLUE: 2,
    Palette.RED: 3,
    Palette.ORANGE: 3,
    Palette.GREEN: 4,
    Palette.PINK: 0,
}
_WORLDS = (
    ("8a5a3a", "e8c89a", "c88a5a"),
    ("1f4a7a", "7ab0d8", "e8f2f8"),
    ("5a3a6a", "c89ac8", "f0d8e8"),
    ("2a5a5c", "8accc0", "f0f8e8"),
    ("7a2f22", "d8784a", "f2c08a"),
)

_NEAR = 0.1  # 1 / distance of the planet


def _grid(canvas: Canvas, step: int) -> tuple[Field, Field]:
    camera = canvas.camera
    rows, columns = np.mgrid[0 : camera.height : step, 0 : camera.width : step].astype(np.float32)
    return as_field((columns - camera.width / 2) / camera.scale), as_field((rows - camera.height / 2) / camera.scale)


def _nebula(canvas: Canvas, reading: Reading, strength: float) -> None:
    rng = stream(reading.seed, "nebula")
    noise, other = Noise(rng), Noise(rng)
    u, v = _grid(canvas, 2)
    choice = _BY_PALETTE.get(reading.palette, int(rng.integers(len(_NEBULAE))))
    deep, body, core = (colour(shade) for shade in _NEBULAE[choice])
    angle = float(rng.uniform(-0.7, 0.7))
    along, across = (
        u * np.float32(np.cos(angle)) + v * np.float32(np.sin(angle)),
        v * np.float32(np.cos(angle)) - u * np.float32(np.sin(angle)),
    )
    warp_u, warp_v = noise.fbm(u * 2, v * 2, 4), other.fbm(u * 2 + 5, v * 2, 4)
    veil = (
        noise.fbm(as_field(along * 2.1 + 0.8 * warp_u), as_field(across * 3.0 + 0.8 * warp_v), 8, gain=0.58) * 0.5 + 0.5
    )
    folds = other.fbm(as_field(along * 2.6 + 1.1 * warp_v), as_field(across * 3.4 + 1.1 * warp_u), 7, gain=0.56)
    threads = 1 - np.abs(folds)
    band = np.exp(-((across + 0.12 * warp_u) ** 2) / 0.11)
    lanes = other.fbm(as_field(along * 3 + 3 + warp_u), as_field(across * 4.5 + warp_v), 7, gain=0.6)
    dust = smoothstep(0.12, 0.5, lanes)
    density = np.clip(veil * 1.7 - 0.3, 0, 1.7) ** 2 * band
    glow = density[..., None] * mix(deep * 2.0, body, as_field(np.clip(threads**3 * 1.3, 0, 1))[..., None])
    hot = (np.clip(threads, 0, 1) ** 9 * density * 0.9)[..., None] * core
    total = (glow * 1.25 + hot * 1.5) * (1 - 0.8 * dust * band)[..., None] * strength
    base = colour("05070f")[None, None] + (band * 0.25)[..., None] * deep * 0.3
    canvas.rgb += resized(as_field(total + base), canvas.camera.width, canvas.camera.height)


def _stars(canvas: Canvas, reading: Reading) -> None:
    camera = canvas.camera
    rng = stream(reading.seed, "space stars")
    field = np.zeros((camera.height, camera.width, 3), np.float32)
    count = 4200
    tints = np.stack([colour("ffffff"), colour("cfe0ff"), colour("ffe6c4"), colour("ffc9a0")])
    brightness = np.clip(rng.pareto(1.5, count), 0.02, 14).astype(np.float32)[:, None] * np.float32(
        (camera.scale / 1700) ** 2
    )
    field[rng.integers(0, camera.height, count), rng.integers(0, camera.width, count)] = (
        tints[rng.integers(0, 4, count)] * brightness
    )
    canvas.rgb += blurred(field, 0.5 + camera.scale / 5200) * 5
    for _ in range(9):  # the brightest stars have the cross of light of a mirror telescope
        x, y, size = (
            float(rng.uniform(0, camera.width)),
            float(rng.uniform(0, camera.height)),
            float(rng.uniform(0.008, 0.026)) * camera.scale,
        )
        reach = int(size * 1.6) + 2
        y0, y1, x0, x1 = (
            max(0, int(y) - reach),
            min(camera.height, int(y) + reach),
            max(0, int(x) - reach),
            min(camera.width, int(x) + reach),
        )
        rows, columns = np.mgrid[y0:y1, x0:x1].astype(np.float32)
        dx, dy = np.abs(columns - x), np.abs(rows - y)
        thin = max(1.0, camera.scale / 1500)
        flare = (
            np.exp(-dx / thin - dy / size * 3)
            + np.exp(-dy / thin - dx / size * 3)
            + 1.4 * np.exp(-np.sqrt(dx * dx + dy * dy) / (thin * 2))
        )
        canvas.rgb[y0:y1, x0:x1] += as_field(flare)[..., None] * tints[int(rng.integers(4))] * 1.5


def _sphere(
    canvas: Canvas,
    centre: tuple[float, float],
    radius: float,
    sun: Field,
    inverse: float,
    texture_seed: int,
    palette: tuple[str, str, str],
    *,
    bands: bool,
    air: Field | None,
) -> None:
    """Paint a lit sphere. `centre` and `radius` are in pixels; `inverse` is 1 / distance."""
    camera = canvas.camera
    reach = radius * 1.25
    y0, y1 = max(0, int(centre[1] - reach)), min(camera.height, int(centre[1] + reach) + 1)
    x0, x1 = max(0, int(centre[0] - reach)), min(camera.width, int(centre[0] + reach) + 1)
    if y0 >= y1 or x0 >= x1:
        return
    rows, columns = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    nx, ny = (columns - centre[0]) / radius, (rows - centre[1]) / radius
    square = nx * nx + ny * ny
    nz = np.sqrt(np.clip(1 - square, 0, 1))
    distance = np.sqrt(square)
    noise = Noise(stream(texture_seed, "world"))
    tilt = 0.35
    lx, ly = nx * np.cos(tilt) + ny * np.sin(tilt), ny * np.cos(tilt) - nx * np.sin(tilt)
    bulge_x, bulge_y = lx / (0.55 + 0.75 * nz), ly / (0.55 + 0.75 * nz)
    warp = noise.fbm(as_field(bulge_x * 2.2), as_field(bulge_y * 4), 5)
    dark, light, high = (colour(shade) for shade in palette)
    if bands:
        stripe = noise.fbm(as_field(bulge_x * 0.25 + 3), as_field(bulge_y * 4.6 + warp * 0.35), 6, gain=0.62)
        albedo = mix(
            mix(dark, light, smoothstep(-0.35, 0.35, stripe)[..., None]),
            high,
            (smoothstep(0.2, 0.55, as_field(stripe + 0.3 * warp)) * 0.7)[..., None],
        )
    else:
        land = noise.fbm(as_field(bulge_x * 1.7 + warp * 0.3), as_field(bulge_y * 1.7), 7, gain=0.58)
        clouds = smoothstep(
            0.05,
            0.5,
            noise.fbm(as_field(bulge_x * 2.3 + 0.7 * warp + 9), as_field(bulge_y * 3.4 + 0.5 * warp), 7, gain=0.58),
        )
        albedo = mix(mix(dark, light, smoothstep(0.0, 0.1, land)[..., None]), high, (clouds * 0.85)[..., None])
    facing = nx * sun[0] + ny * sun[1] + nz * sun[2]
    day = smoothstep(-0.08, 0.45, as_field(facing))
    lit = albedo * (day * 1.7)[..., None] + albedo * 0.008
    if air is not None:
        rim = np.clip(1 - nz, 0, 1) ** 3 * smoothstep(-0.3, 0.5, as_field(facing))
        lit = lit + rim[..., None] * air * 1.6
        halo = (
            np.exp(-np.clip(distance - 1, 0, None) / 0.035) * (distance >= 1) * smoothstep(-0.35, 0.6, as_field(facing))
        )
        strongest = float(air.max())
        canvas.set_light(air / strongest, film(as_field(halo * np.float32(0.8 * strongest))), inverse, (x0, y0))
    cover = np.clip((1 - distance) * radius + 0.5, 0, 1)
    canvas.lay(x0, y0, as_field(lit), as_field(cover), inverse)


def _rings(
    canvas: Canvas, centre: tuple[float, float], radius: float, sun: Field, inverse: float, seed: int, *, front: bool
) -> None:
    camera = canvas.camera
    reach = radius * 2.5
    y0, y1 = max(0, int(centre[1] - reach)), min(camera.height, int(centre[1] + reach))
    x0, x1 = max(0, int(centre[0] - reach)), min(camera.width, int(centre[0] + reach))
    rows, columns = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    nx, ny = (columns - centre[0]) / radius, (rows - centre[1]) / radius
    tilt = 0.35
    lx, ly = nx * np.cos(tilt) + ny * np.sin(tilt), ny * np.cos(tilt) - nx * np.sin(tilt)
    far = np.sqrt(lx * lx + (ly / 0.24) ** 2)
    noise = Noise(stream(seed, "rings"))
    grooves = noise.fbm(as_field(far * 16), as_field(far * 0), 5, gain=0.7) * 0.5 + 0.6
    cover = (
        smoothstep(1.28, 1.34, as_field(far))
        * smoothstep(2.3, 2.2, as_field(far))
        * np.clip(grooves, 0.1, 1)
        * (1 - 0.85 * np.exp(-(((far - 1.86) / 0.03) ** 2)))
    )
    cover = np.sqrt(cover * ((ly > 0) if front else (ly <= 0)))  # flats are composited in display values, not in light
    along = lx * sun[0] + (ly / 0.24) * 0.2
    beside = np.abs(ly / 0.24 * sun[0] - lx * 0.2)
    shade = 1 - 0.9 * smoothstep(0.0, -0.2, as_field(along)) * smoothstep(1.02, 0.9, as_field(beside))
    paint = mix(colour("a8845c"), colour("f0dcc0"), as_field(np.clip(grooves, 0, 1))[..., None]) * shade[..., None]
    canvas.lay(x0, y0, as_field(paint), as_field(cover * 0.92), inverse)


def paint_space(canvas: Canvas, reading: Reading) -> None:
    """Paint the whole picture. Each world and each ring has one distance. Drifting asteroids are nearer."""
    rng = stream(reading.seed, "space")
    camera = canvas.camera
    _nebula(canvas, reading, 1.25 if reading.has(Accent.NEBULA) or not reading.has(Accent.PLANET) else 0.8)
    _stars(canvas, reading)
    canvas.set_apart()
    hand = float(rng.choice([-1.0, 1.0]))
    sun = np.array([-0.78 * hand, -0.42, 0.46], np.float32)
    world = int(rng.integers(len(_WORLDS)))
    big = camera.scale * float(rng.uniform(0.21, 0.29))
    centre = (camera.width * (0.5 + 0.17 * hand), camera.height * float(rng.uniform(0.46, 0.56)))
    own = reading.colour_of(Accent.PLANET)
    ground = (own[0], own[1], own[1]) if own else _WORLDS[world]
    air = colour(own[1]) if own else colour(("ffb37a", "7ab8ff", "d89aff", "7affd8", "ff9a6a")[world])
    moon = reading.colour_of(Accent.MOON)
    moon_at = (camera.width * (0.5 - 0.26 * hand), camera.height * float(rng.uniform(0.22, 0.34)))
    _sphere(
        canvas,
        moon_at,
        big * 0.17,
        sun,
        0.04,
        reading.seed + 1,
        (moon[0], moon[1], moon[1]) if moon else ("5a5652", "b8b2aa", "d8d4cc"),
        bands=False,
        air=None,
    )
    ringed = bool(rng.random() < 0.6)
    if ringed:
        _rings(canvas, centre, big * 0.8, sun, 0.999 * _NEAR, reading.seed, front=False)
    size = big * (0.8 if ringed else 1.0)
    _sphere(
        canvas,
        centre,
        size,
        sun,
        _NEAR,
        reading.seed,
        ground,
        bands=world in (0, 2, 4) or ringed,
        air=air,
    )
    if ringed:
        _rings(canvas, centre, size, sun, 1.001 * _NEAR, reading.seed, front=True)
    canvas.subjects.append(Subject(Accent.PLANET, *centre, height=2 * size))
    stones = [boulder(rng, sun) for _ in range(4)]
    dark, bright = colour("08080c"), colour("b8a894", 1.3)
    drift = float(rng.uniform(-0.35, 0.1)) * hand
    for _ in range(46 if reading.has(Accent.ASTEROIDS) else 24):
        near = float(rng.uniform(0.12, 1.0)) ** 2.2
        t = float(rng.uniform(-1.1, 1.1))
        x = camera.width * (0.5 + 0.5 * t)
        y = camera.height * (0.74 + drift * t * 0.5) + float(rng.normal(0, 0.10)) * camera.scale * (0.6 + near)
        height = max(3, int(camera.scale * (0.006 + 0.13 * near * near)))
        stone = stones[int(rng.integers(4))].fitted(height, height)
        canvas.lay(
            int(x - height / 2),
            int(y - height / 2),
            mix(dark, bright, stone.shade[..., None]),
            stone.alpha,
            0.11 + 0.7 * near,
        )
