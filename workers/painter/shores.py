"""Places by the water: lake, sea, coast, island, arctic."""

from collections.abc import Callable

import numpy as np

from shared.vocabulary.words import Accent, Mood, Place, Weather
from workers.painter import plants, props, subjects, terrain
from workers.painter.canvas import colour, mix
from workers.painter.land import Land, Setting
from workers.painter.noise import Field, as_field, smoothstep, stream


def lake(stage: Setting) -> Land:
    peaks = terrain.peaks_of(stage.noise, stage.side, 16, 46, 24)
    noise, reading, side = stage.noise, stage.reading, stage.side
    snowy = reading.has(Accent.SNOWY) or reading.weather is Weather.SNOW

    def heights(x: Field, z: Field) -> Field:
        rolling = noise.fbm(as_field(x * 0.09), as_field(z * 0.12), 5, step=16)
        shore = as_field(z + 5 * rolling + np.abs(x) * 0.3 + side * x * 0.35)
        beyond = smoothstep(15, 24, shore)
        spit = smoothstep(0.55, 1.05, as_field(-side * x / (0.6 + 0.62 * z) + 0.25 * rolling)) * smoothstep(10, 6.5, z)
        return as_field(peaks(x, z) * beyond + beyond * (1.1 + rolling * 0.9) - 0.35 + spit * 0.75)

    def albedo(fan: terrain.Fan) -> Field:
        paint = terrain.snow_and_rock(
            fan, noise, -1.0 if snowy else 6.0, colour("6a655f"), colour("d6dde8"), colour("4c5a34"), 3.6
        )
        beach = smoothstep(0.22, 0.02, fan.height)
        return mix(paint, colour("8c8068"), as_field(beach * 0.7)[..., None])

    def furnish() -> None:
        if reading.has(Accent.CABIN):
            spots = [(z, share) for z in np.arange(12.0, 36.0, 1.0) for share in (0.42, 0.3, 0.55, -0.3, 0.7, -0.55)]
            dry = [(z, s) for z, s in spots if 0.2 < stage.ground(side * s * stage.half_width(z), z)[0] < 1.6]
            z, share = dry[0] if dry else (34.0, 0.42)
            stage.stand(
                subjects.cabin(stage.light.side),
                ("2c211a", "8a6a4e"),
                side * share * stage.half_width(z),
                z,
                1.35,
                lamp=max(0.5, stage.light.lamps),
                sunk=0.1,
            )
        if reading.has(Accent.CASTLE):
            stage.stand(
                subjects.castle(stage.light.side),
                ("3a3733", "b0a592"),
                side * 6,
                30,
                5,
                lamp=stage.light.lamps,
                sunk=0.3,
            )
        props.scatter(
            stage,
            props.firs(stage),
            props.fir_paint(reading),
            1100,
            12,
            40,
            (0.8, 1.5),
            where=lambda x, z: stage.ground(x, z)[0] < 4.4,
            crowd=0.42,
        )
        if reading.has(Accent.AUTUMN, Accent.BLOSSOM, Accent.TREE):
            rng = stream(reading.seed, "broad")
            for _ in range(4):
                trees = [plants.broadleaf(rng, stage.light.side)]
                props.scatter(
                    stage,
                    trees,
                    props.leaf_paint(reading, rng),
                    60,
                    13 + float(rng.random()),
                    30,
                    (0.8, 1.3),
                    where=lambda x, z: stage.ground(x, z)[0] < 2.6,
                )
            props.frame(
                stage,
                plants.broadleaf(rng, stage.light.side, fine=True),
                props.leaf_paint(reading, rng),
                -side * 0.85,
                0.95,
                1.2,
            )
        if reading.has(Accent.BOAT, Accent.FIGURE):
            stage.stand(
                props.boat(stage),
                ("4a3d35", "f0e4d0"),
                side * 1.6,
                8.5,
                1.35,
                lamp=stage.light.lamps,
            )
        props.sky_life(stage)

    def front() -> None:
        rng = stream(reading.seed, "front")
        for share in (-0.92, -0.62, 0.95):
            props.frame(
                stage, plants.reeds(rng, 0.9), ("15190e", "8a8450"), share * side, float(rng.uniform(0.28, 0.42))
            )
        props.frame(stage, plants.stone(rng, stage.light.side), ("26282a", "8a8880"), side * 0.72, 0.1, 1.0)

    return Land(heights, albedo, furnish=furnish, front=front, water=True, chop=0.08, mist_top=0.7, wrap=0.1)


def sea(stage: Setting) -> Land:
    noise, reading, side, light = stage.noise, stage.reading, stage.side, stage.light
    wild = reading.weather is Weather.STORM or reading.mood is Mood.DRAMATIC

    def flat(x: Field, z: Field) -> Field:
        return as_field(np.full_like(x, -0.3) + z * 0)

    def swell(x: Field, z: Field) -> Field:
        warp = noise.smooth_at(as_field(x * 0.05), as_field(z * 0.05), 5, 32)
        roll = noise.ridged(as_field(x * 0.055 + warp * 0.4), as_field(z * 0.16 + warp * 0.5), 6, 32)
        return as_field((np.clip(roll, 0, 1) ** 1.4 * 2.6 - 0.75) * (0.35 + 0.65 * smoothstep(2, 9, z)))

    def albedo(fan: terrain.Fan) -> Field:
        foam = smoothstep(0.85, 1.35, as_field(fan.height + 0.9 * noise.fbm(fan.x * 2.2, fan.z * 3.0, 6)))
        streaks = smoothstep(0.12, 0.5, noise.fbm(fan.x * 0.9, fan.z * 2.2, 5)) * 0.1
        deep = mix(colour("0b2530"), colour("2f6f70"), smoothstep(-0.4, 1.3, fan.height)[..., None])
        return mix(deep, colour("eef4f5"), as_field(np.clip(foam * 0.9 + streaks, 0, 1))[..., None])

    def furnish() -> None:
        if reading.has(Accent.BOAT, Accent.FIGURE) or not (wild or reading.accents):
            z = 11.0
            stage.stand(
                props.boat(stage),
                ("4a3d35", "f4e8d4"),
                side * 0.38 * stage.half_width(z),
                z,
                2.4 if not wild else 2.0,
                lamp=light.lamps,
                sunk=0.12 if wild else 0,
            )
        props.sky_life(stage, usual_birds=True)

    if wild:
        return Land(swell, albedo, furnish=furnish, wrap=0.3, grain=(1.6, 6, 0.2), far=90, mist_top=0.8)
    return Land(
        flat,
        lambda fan: as_field(np.broadcast_to(colour("0b2530"), (*fan.x.shape, 3))),
        furnish=furnish,
        water=True,
        chop=0.3,
        clarity=2.8,
        body="0b3440",
        far=400,
    )


def coast(stage: Setting) -> Land:
    noise, reading, side, light = stage.noise, stage.reading, stage.side, stage.light

    def heights(x: Field, z: Field) -> Field:
        rough = noise.fbm(as_field(x * 0.22), as_field(z * 0.22), 6, step=16)
        crags = noise.ridged(as_field(x * 0.16), as_field(z * 0.16), 6, 16)
        edge = as_field((side * x - 1.2 - 0.045 * (z - 14) ** 2 / 2 + 1.6 * rough + 1.5 * crags) * 0.6)
        head = smoothstep(-0.5, 1.0, edge) * smoothstep(6.5, 9.5, as_field(z + rough)) * smoothstep(30, 22, z)
        cliff = head * (1.7 + 0.9 * rough + 1.1 * crags)
        far_land = smoothstep(42, 58, as_field(z - side * x * 0.4 + 6 * rough)) * (1.5 + 4 * crags)
        stacks = (
            smoothstep(0.5, 0.9, as_field(noise.smooth_at(as_field(x * 0.34), as_field(z * 0.3), 2, 16) + 0.2 * rough))
            * smoothstep(9, 12, z)
            * smoothstep(28, 18, z)
            * (0.9 + 1.6 * crags)
        )
        return as_field(cliff + far_land * 0.8 + stacks - 0.3)

    def albedo(fan: terrain.Fan) -> Field:
        patches = noise.fbm(fan.x * 0.5, fan.z * 0.5, 5)
        rock = mix(colour("4a443e"), colour("8f8474"), smoothstep(-0.5, 0.5, patches)[..., None])
        grass = mix(colour("4a5634"), colour("777a44"), smoothstep(-0.3, 0.4, patches)[..., None])
        top = smoothstep(1.0, 1.7, as_field(fan.height + 0.4 * patches)) * smoothstep(0.4, 0.2, fan.slope)
        wet = smoothstep(0.45, 0.1, fan.height)
        return as_field(mix(rock, grass, as_field(top)[..., None]) * (1 - 0.6 * wet)[..., None])

    def furnish() -> None:
        spots = [
            (stage.ground(side * share * stage.half_width(z), z)[0], share, z)
            for z in (12.0, 13.5, 15.0)
            for share in (0.3, 0.38, 0.46, 0.55)
        ]
        _, share, z = max(spots)
        x = side * share * stage.half_width(z)
        y, camera = stage.ground(x, z)[0] - 0.12, stage.camera
        tall = min(
            3.6, camera.eye + (camera.horizon - 0.07 * camera.height) * z / camera.focal - y
        )  # so that it stays inside the frame
        if not reading.has(Accent.CABIN, Accent.CASTLE) or reading.has(Accent.LIGHTHOUSE):
            stage.lamp = (x, y + tall * 0.865, z) if light.lamps > 0.3 else None
            stage.stand(
                subjects.lighthouse(light.side), ("6a5f5c", "f6efe6"), x, z, tall, lamp=0.5 + light.lamps, sunk=0.12
            )
            stage.stand(
                subjects.cabin(light.side),
                ("5a504a", "e2d6c6"),
                x + side * 1.2,
                z + 0.3,
                0.8,
                lamp=light.lamps,
                sunk=0.25,
            )
        elif reading.has(Accent.CASTLE):
            stage.stand(subjects.castle(light.side), ("3d3a38", "c2b59c"), x, z, tall, lamp=light.lamps, sunk=0.2)
        else:
            stage.stand(
                subjects.cabin(light.side), ("3a2c22", "c8a880"), x, z, 1.3, lamp=max(0.4, light.lamps), sunk=0.1
            )
        if reading.has(Accent.BOAT, Accent.FIGURE):
            boat_x, boat_z = stage.open_water(
                [(-side * s, z) for z in (13.0, 10.0, 8.0) for s in (0.45, 0.55, 0.3, 0.65, 0.15)]
            )
            stage.stand(
                props.boat(stage),
                ("4a3d35", "f4e8d4"),
                boat_x,
                boat_z,
                1.8,
                lamp=light.lamps,
            )
        props.sky_life(stage, usual_birds=True)

    def front() -> None:
        props.stones_front(stage, ("26282c", "8f8880"))

    return Land(
        heights,
        albedo,
        furnish=furnish,
        front=front,
        water=True,
        chop=0.24,
        body="0b3440",
        grain=(1.8, 6, 0.45),
        mist_top=0.8,
    )


def island(stage: Setting) -> Land:
    noise, reading, side, light = stage.noise, stage.reading, stage.side, stage.light

    def heights(x: Field, z: Field) -> Field:
        rough = noise.fbm(as_field(x * 0.12), as_field(z * 0.12), 6, step=16)
        crags = noise.ridged(as_field(x * 0.06), as_field(z * 0.06), 6, 32)
        away = np.sqrt(((x + side * 5) / 14) ** 2 + ((z - 44) / 9) ** 2) + 0.3 * rough
        hill = smoothstep(1.0, 0.15, as_field(away)) ** 1.3 * (3 + 9 * crags)
        skirt = smoothstep(1.25, 0.9, as_field(away)) * 0.5
        cove = smoothstep(0.2, -0.9, as_field((z - 5.2 - side * x * 0.75 + 0.8 * rough) / 2.2)) * 0.9
        return as_field(hill + skirt + cove - 0.32)

    def albedo(fan: terrain.Fan) -> Field:
        patches = noise.fbm(fan.x * 0.4, fan.z * 0.4, 5)
        jungle = mix(colour("1f4a1c"), colour("5f8c34"), smoothstep(-0.4, 0.5, patches)[..., None])
        jungle = mix(jungle, colour("6a5f55"), smoothstep(0.35, 0.55, fan.slope)[..., None])
        sand = mix(colour("bfa274"), colour("dcc79c"), smoothstep(-0.4, 0.4, patches)[..., None])
        damp = smoothstep(0.12, 0.0, fan.height)
        sand = as_field(sand * (1 - 0.4 * damp)[..., None])
        green = smoothstep(0.5, 1.0, as_field(fan.height + 0.3 * patches)) * smoothstep(10, 20, fan.z)
        return mix(sand, jungle, as_field(green)[..., None])

    trees = stream(reading.seed, "palms")
    palms, leaves = [plants.palm(trees, light.side) for _ in range(4)], reading.colour_of(Accent.PALM)

    def furnish() -> None:
        if reading.has(Accent.CABIN):
            stage.stand(
                subjects.cabin(light.side), ("3a2c1e", "c8a46c"), side * 1.9, 6.5, 0.9, lamp=max(0.4, light.lamps)
            )
        rng = stream(reading.seed, "beach")
        props.scatter(
            stage, palms, ("12240e", "6f9440"), 320, 34, 54, (1.4, 2.3), where=lambda x, z: stage.ground(x, z)[0] < 2.5
        )
        if reading.has(Accent.LIGHTHOUSE):
            stage.stand(subjects.lighthouse(light.side), ("6a5f5c", "f6efe6"), -side * 5, 40, 7, lamp=0.4 + light.lamps)
        if reading.has(Accent.BOAT) or not reading.accents - {Accent.PALM}:
            stage.stand(
                props.boat(stage),
                ("5a4a40", "fff4e0"),
                -side * 0.3 * stage.half_width(15),
                15,
                2.0,
                lamp=light.lamps,
            )
        props.figure(stage, side * 0.5 * stage.half_width(4.6), 4.6, 0.75)
        for _ in range(4):
            z = float(rng.uniform(3.0, 5.5))
            stage.stand(
                plants.stone(rng, light.side),
                ("4a443e", "b0a594"),
                side * float(rng.uniform(0.3, 0.9)) * stage.half_width(z),
                z,
                float(rng.uniform(0.06, 0.2)),
                sunk=0.02,
            )
        props.sky_life(stage, usual_birds=True)

    def front() -> None:
        for share, z, height in ((0.42, 7.5, 3.1), (0.62, 6.0, 3.4), (0.85, 5.2, 3.0)):
            palm = palms[int(trees.integers(4))]
            stage.stand(palm, leaves or ("14220e", "7b9644"), side * share * stage.half_width(z), z, height, sunk=0.05)
        props.frame(stage, palms[0], leaves or ("0c1a0a", "648a3c"), side * 0.98, 1.05, 1.1)

    return Land(
        heights,
        albedo,
        furnish=furnish,
        front=front,
        water=True,
        chop=0.18,
        clarity=4.5,
        body="0a9aa0",
        grain=(2.5, 6, 0.16),
        mist_top=0.6,
    )


def arctic(stage: Setting) -> Land:
    noise, reading, side, light = stage.noise, stage.reading, stage.side, stage.light
    peaks = terrain.peaks_of(stage.noise, stage.side, 50, 90, 15)

    def heights(x: Field, z: Field) -> Field:
        rough = noise.fbm(as_field(x * 0.3), as_field(z * 0.3), 6, step=16)
        blocks = noise.smooth_at(as_field(x * 0.085 + 0.02 * rough), as_field(z * 0.1), 3, 32)
        berg = smoothstep(0.28, 0.5, as_field(blocks + 0.06 * rough)) * smoothstep(9, 13, z)
        tilt = noise.smooth_at(as_field(x * 0.12), as_field(z * 0.05), 5, 32)
        floes = (
            smoothstep(0.1, 0.2, as_field(noise.fbm(as_field(x * 0.42), as_field(z * 0.42), 4, step=16)))
            * 0.16
            * smoothstep(16, 8, z)
        )
        return as_field(berg * (2.6 + 2.6 * tilt + 0.7 * rough) + floes + peaks(x, z) - 0.08)

    def albedo(fan: terrain.Fan) -> Field:
        ice = mix(colour("7fb2cc"), colour("c6d3df"), smoothstep(0.5, 0.12, fan.slope)[..., None])
        blue = smoothstep(0.5, 0.0, fan.height) * smoothstep(0.1, 0.4, fan.slope)
        return mix(ice, colour("4fa8c8"), as_field(blue * 0.6)[..., None])

    def furnish() -> None:
        if reading.has(Accent.BOAT):
            stage.stand(props.boat(stage), ("4a3d35", "f4e8d4"), -side * 1.6, 10, 1.5, lamp=light.lamps)
        props.figure(stage, side * 0.8, 6.5, 0.6)
        props.sky_life(stage)

    return Land(
        heights,
        albedo,
        furnish=furnish,
        water=True,
        chop=0.1,
        body="0b3a4a",
        grain=(1.5, 6, 0.12),
        wrap=0.08,
        mist_top=0.6,
    )


LANDS: dict[Place, Callable[[Setting], Land]] = {
    Place.LAKE: lake,
    Place.SEA: sea,
    Place.COAST: coast,
    Place.ISLAND: island,
    Place.ARCTIC: arctic,
}
