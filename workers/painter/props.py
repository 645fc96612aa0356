"""Objects that several places share: woods, grass, stones, birds, balloons, a walker."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from shared.vocabulary.words import Accent, Palette, Place, Weather
from workers.painter import plants, subjects
from workers.painter.canvas import Sprite
from workers.painter.land import Setting
from workers.painter.noise import as_field, smoothstep, stream
from workers.painter.reading import Reading


def leaf_paint(reading: Reading, rng: np.random.Generator) -> tuple[str, str]:
    if own := reading.colour_of(Accent.TREE, Accent.BLOSSOM, Place.FOREST):
        return own
    if reading.has(Accent.BLOSSOM):
        return ("4a363c", "ffcfe0")
    if reading.has(Accent.AUTUMN):
        pairs = (("2f1d14", "d8762a"), ("33241a", "dda038"), ("2c1814", "bd4a30"))
        return pairs[int(rng.integers(len(pairs)))]
    return (("14220e", "648640"), ("12210f", "577c3c"))[int(rng.integers(2))]


_PETALS = {
    Palette.RED: ("8c2a20", "ff5a3c"),
    Palette.GOLD: ("8a7a1c", "ffe45c"),
    Palette.VIOLET: ("5a3a8c", "b98cff"),
    Palette.MONOCHROME: ("9a8a94", "ffffff"),
    Palette.PINK: ("8c3a5c", "ff9cc4"),
}


def flower_paint(reading: Reading) -> tuple[str, str]:
    """Return the flowers' colours: the colour that the prompt names, otherwise one that the random seed chooses."""
    if own := reading.colour_of(Accent.FLOWERS, Place.MEADOW):
        return own
    kinds = tuple(_PETALS.values())
    return _PETALS.get(reading.palette, kinds[int(stream(reading.seed, "petals").integers(len(kinds)))])


def fir_paint(reading: Reading) -> tuple[str, str]:
    if own := reading.colour_of(Accent.TREE, Place.FOREST):
        return own
    return ("142320", "e4ecf6") if reading.has(Accent.SNOWY) else ("0c1814", "4c6844")


def firs(stage: Setting) -> list[Sprite]:
    rng = stream(stage.reading.seed, "firs")
    trees = [plants.conifer(rng, stage.light.side) for _ in range(5)]
    if stage.reading.has(Accent.SNOWY):  # snow lies on the upper boughs only
        trees = [replace(tree, shade=smoothstep(0.3, 0.95, tree.shade)) for tree in trees]
    return trees


def scatter(
    stage: Setting,
    sprites: list[Sprite],
    paint: tuple[str, str],
    count: int,
    near: float,
    far: float,
    height: tuple[float, float],
    *,
    where: Callable[[float, float], bool],
    crowd: float = 0.0,
) -> None:
    """Place `count` sprites on dry, flat ground, the farthest first. They hide no subject that stands already.

    `crowd`, 0..1, groups them into groves.
    """
    rng = stream(stage.reading.seed, f"scatter {near} {far}")
    sizes = [
        [sprite.fitted(max(2, sprite.alpha.shape[1] >> n), sprite.alpha.shape[0] >> n) for n in range(5)]
        for sprite in sprites
    ]
    spots = []
    for _ in range(count):
        z = 1 / float(rng.uniform(1 / far, 1 / near)) if rng.random() < 0.5 else float(rng.uniform(near, far))
        spots.append(
            (
                z,
                float(rng.uniform(-1, 1)) * stage.half_width(z) * 1.05,
                int(rng.integers(len(sprites))),
                float(rng.uniform(*height)),
                float(rng.random()),
            )
        )
    if crowd:
        xs, zs = np.array([[s[1]] for s in spots], np.float32), np.array([[s[0]] for s in spots], np.float32)
        groves = stage.noise.fbm(xs * 0.11, zs * 0.11, 3)[:, 0]
        spots = [s for s, grove in zip(spots, groves, strict=True) if grove > (s[4] - 0.5) * 0.3 + (crowd - 0.5) * 0.5]
    for z, x, kind, size, _ in sorted(spots, reverse=True):
        y, slope = stage.ground(x, z)
        if (stage.has_water and y < 0.04) or slope > 0.42 or not where(x, z) or stage.hides_subject(x, z, size):
            continue
        pixels = size * stage.camera.focal / z
        level = int(np.clip(np.log2(sprites[kind].alpha.shape[0] / max(pixels, 1)), 0, 4))
        sprite = sizes[kind][level]
        stage.stand(sprite, paint, x, z, size, sunk=0.03 * size, apart=False)


def frame(
    stage: Setting, sprite: Sprite, paint: tuple[str, str], share: float, height: float, depth: float = 0.8
) -> None:
    """Place a near object at `share` of the half width, with its foot below the frame. `height` is in picture heights.

    In a tall picture the width limits the height.
    """
    z = stage.nearest * depth
    world = height * min(stage.camera.height, 0.85 * stage.camera.scale) / stage.camera.focal * z
    y = stage.camera.eye - (stage.camera.height * 1.02 - stage.camera.horizon) * z / stage.camera.focal
    subjects.stand_lit(stage.canvas, sprite, paint, stage.light, (share * stage.half_width(z), y, z), world)


def stones_front(stage: Setting, paint: tuple[str, str], size: float = 1.0) -> None:
    """Place boulders in the lower corners, the larger ones on the emptier side."""
    rng = stream(stage.reading.seed, "front")
    for share, height in ((-1.0, 0.23), (-0.74, 0.12), (-0.5, 0.05), (1.0, 0.15), (0.8, 0.07)):
        sprite = plants.stone(rng, stage.light.side)
        frame(
            stage,
            sprite,
            paint,
            share * stage.side,
            size * height * float(rng.uniform(0.8, 1.2)),
            0.95 - 0.1 * abs(share),
        )


def tufts(stage: Setting, paint: tuple[str, str]) -> None:
    """Place clumps of grass on the near ground."""
    rng = stream(stage.reading.seed, "tufts")
    clumps = [plants.tuft(rng) for _ in range(5)]
    count = 260 if stage.reading.has(Accent.SNOWY) else 900
    scatter(stage, clumps, paint, count, stage.camera.nearest * 0.85, 20, (0.1, 0.24), where=lambda _x, _z: True)


def grass_front(stage: Setting, paint: tuple[str, str], height: float, flowers: float = 0.0) -> None:
    """Place a strip of grass along the bottom edge, with flowers in their own colours."""
    rng = stream(stage.reading.seed, "grass")
    z = stage.nearest * 0.72
    rows = height * stage.camera.height
    aspect = min(stage.camera.width / rows * 1.02, 14.0)
    sprite = plants.meadow_edge(rng, aspect, flowers=flowers)
    heads = sprite.glow
    grass = Sprite(sprite.alpha, sprite.shade)
    world = rows / stage.camera.focal * z
    y = stage.camera.eye - (stage.camera.height * 1.005 - stage.camera.horizon) * z / stage.camera.focal
    subjects.stand_lit(stage.canvas, grass, paint, stage.light, (0.0, y, z), world)
    if heads is not None:
        petals = flower_paint(stage.reading)
        flower = Sprite(as_field(sprite.alpha * smoothstep(0.15, 0.3, heads)), sprite.shade)
        subjects.stand_lit(stage.canvas, flower, petals, stage.light, (0.0, y, z * 0.999), world)


def sky_life(stage: Setting, *, usual_birds: bool = False) -> None:
    reading, rng, camera = stage.reading, stage.rng, stage.camera
    if reading.has(Accent.BALLOON):
        for z, share, up, size in ((16.0, -0.35, 0.3, 2.9), (26.0, 0.3, 0.2, 2.6), (44.0, 0.05, 0.12, 2.4)):
            paint = (("7a1f1a", "ff6a44"), ("1f3f7a", "ffd45a"), ("4a1f5a", "ff9a7a"))[int(rng.integers(3))]
            paint = reading.colour_of(Accent.BALLOON) or paint
            y = camera.eye + (up + float(rng.uniform(-0.03, 0.05))) * camera.scale * z / camera.focal
            subjects.stand_lit(
                stage.canvas,
                subjects.balloon(stage.light.side),
                paint,
                stage.light,
                (share * stage.side * stage.half_width(z), y, z),
                size,
                lamp=stage.light.lamps * 0.6 + 0.2,
            )
    if reading.has(Accent.BIRDS) or usual_birds:
        z = 24.0
        middle, level = float(rng.uniform(-0.4, 0.4)), float(rng.uniform(0.16, 0.28))
        for _ in range(int(rng.integers(7, 15)) if reading.has(Accent.BIRDS) else 5):
            x = (middle + float(rng.normal(0, 0.13))) * stage.half_width(z)
            y = camera.eye + (level + float(rng.normal(0, 0.025))) * camera.scale * z / camera.focal
            stage.canvas.stand(
                subjects.bird(rng),
                as_field(stage.light.ambient * 0.06),
                as_field(stage.light.ambient * 0.2),
                x,
                y,
                z,
                float(rng.uniform(0.1, 0.2)),
            )


def figure(stage: Setting, x: float, z: float, height: float) -> None:
    if stage.reading.has(Accent.FIGURE):
        sprite = subjects.figure(stage.light.side, umbrella=stage.reading.weather is Weather.RAIN)
        stage.stand(sprite, ("2a2523", "a8543a"), x, z, height)


def boat(stage: Setting) -> Sprite:
    """Return a boat. If the prompt names a person, the person sits in it."""
    return subjects.boat(stage.light.side, crew=stage.reading.has(Accent.FIGURE))
