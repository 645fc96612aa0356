"""Inland places: mountains, valley, meadow, forest, desert, canyon, volcano."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from shared.vocabulary.words import Accent, Place, Weather
from workers.painter import plants, props, subjects, terrain
from workers.painter.canvas import Subject, colour, mix
from workers.painter.land import Land, Setting
from workers.painter.noise import Field, as_field, resized, smoothstep, stream


def mountains(stage: Setting) -> Land:
    peaks = terrain.peaks_of(stage.noise, stage.side, 12, 50, 27)
    noise, reading, side = stage.noise, stage.reading, stage.side
    snowy = reading.has(Accent.SNOWY) or reading.weather is Weather.SNOW

    def heights(x: Field, z: Field) -> Field:
        rolling = noise.fbm(as_field(x * 0.1), as_field(z * 0.1), 5, step=16)
        bank = smoothstep(-0.2, 1.3, as_field((-side * x) / (1 + 0.5 * z) * 1.2)) * smoothstep(2, 8, z)
        return as_field(peaks(x, z) + rolling * (0.35 + 1.4 * smoothstep(5, 22, z)) + bank * 0.8)

    def albedo(fan: terrain.Fan) -> Field:
        return terrain.snow_and_rock(
            fan, noise, -3.0 if snowy else 6.5, colour("6d6862"), colour("d6dde8"), colour("55633a"), 3.0
        )

    def furnish() -> None:
        if reading.has(Accent.CABIN):
            stage.stand(
                subjects.cabin(stage.light.side), ("2c211a", "9a7656"), side * 2.2, 9.5, 0.95, lamp=stage.light.lamps
            )
        if reading.has(Accent.CASTLE):
            stage.stand(
                subjects.castle(stage.light.side),
                ("3a3733", "b0a592"),
                side * 4,
                24,
                4.2,
                lamp=stage.light.lamps,
                sunk=0.2,
            )
        props.scatter(
            stage,
            props.firs(stage),
            props.fir_paint(reading),
            900,
            7,
            46,
            (0.75, 1.35),
            where=lambda x, z: stage.ground(x, z)[0] < 4.6,
            crowd=0.5,
        )
        props.figure(stage, -side * 1.1, 6.5, 0.75)
        props.tufts(stage, ("1a2710", "7c8f3e") if not snowy else ("6a7080", "f2f5fa"))
        props.sky_life(stage, usual_birds=not reading.accents)
        rng = stream(reading.seed, "stones")
        for _ in range(5):
            z = float(rng.uniform(3.6, 7))
            stage.stand(
                plants.stone(rng, stage.light.side),
                ("3c3a38", "b9b4ac") if not snowy else ("6c7686", "f0f4fa"),
                float(rng.uniform(-0.9, 0.9)) * stage.half_width(z),
                z,
                float(rng.uniform(0.12, 0.4)),
                sunk=0.05,
            )

    def front() -> None:
        firs = props.firs(stage)
        props.frame(stage, firs[0], props.fir_paint(reading), -side * 0.84, 0.92, 1.15)
        props.frame(stage, firs[1], props.fir_paint(reading), -side * 1.04, 1.08, 1.0)
        props.frame(stage, firs[2], props.fir_paint(reading), -side * 0.66, 0.52, 1.4)

    return Land(
        heights,
        albedo,
        furnish=furnish,
        front=front,
        wrap=0.12 if snowy else 0.06,
        grain=(1.2, 5, 0.1 if snowy else 0.25),
        mist_top=1.6,
    )


def valley(stage: Setting) -> Land:
    peaks = terrain.peaks_of(stage.noise, stage.side, 34, 78, 22)
    noise, reading, side = stage.noise, stage.reading, stage.side
    river = reading.has(Accent.RIVER)

    def bed(x: Field, z: Field) -> Field:
        course = side * (2.2 * np.sin(z * 0.21 + 0.6) + 0.05 * z)
        return as_field(np.exp(-(((x - course) / (0.55 + 0.045 * z)) ** 2)))

    def heights(x: Field, z: Field) -> Field:
        hills = noise.fbm(as_field(x * 0.055), as_field(z * 0.075), 4, gain=0.38, step=32)
        walls = smoothstep(0.15, 1.25, as_field(np.abs(x) / (2.5 + 0.5 * z)))
        h = 0.55 + hills * (0.5 + 2.6 * smoothstep(5, 26, z)) + walls * (0.4 + 0.09 * z) + peaks(x, z)
        return as_field(h - bed(x, z) * (h + 0.25)) if river else as_field(h)

    def albedo(fan: terrain.Fan) -> Field:
        fields = noise.fbm(fan.x * 0.09 + 3, fan.z * 0.09, 2)
        green = mix(colour("41602a"), colour("8f9a48"), smoothstep(-0.3, 0.4, fields)[..., None])
        if reading.has(Accent.AUTUMN):
            green = mix(green, colour("a8803a"), 0.6)
        rows = np.sin((fan.x * np.cos(3 * np.round(fields * 3)) + fan.z * np.sin(3 * np.round(fields * 3))) * 9)
        green = as_field(green * (1 + 0.07 * rows * smoothstep(30, 8, fan.z))[..., None])
        paint = terrain.snow_and_rock(fan, noise, 11.0, colour("6d6862"), colour("d6dde8"), None, 0)
        if reading.has(Accent.SNOWY):
            green = mix(green, colour("d2dae6"), 0.9)
        return mix(green, paint, smoothstep(4.5, 8, as_field(fan.height + 6 * fan.slope))[..., None])

    def furnish() -> None:
        if reading.has(Accent.CABIN):
            stage.stand(
                subjects.cabin(stage.light.side),
                ("3a2c22", "c8a880"),
                side * 2.8,
                11,
                0.85,
                lamp=max(0.4, stage.light.lamps),
            )
        if reading.has(Accent.CASTLE):
            spots = [
                (stage.ground(side * s * stage.half_width(z), z)[0] * 1.6 / z, s, z)
                for z in (17.0, 21.0, 26.0)
                for s in (0.2, 0.3, 0.42)
            ]
            _, share, z = max(spots)
            stage.stand(
                subjects.castle(stage.light.side),
                ("3d3a38", "c2b59c"),
                side * share * stage.half_width(z),
                z,
                4.6 * z / 21,
                lamp=stage.light.lamps,
                sunk=0.25,
            )
        rng = stream(reading.seed, "groves")

        def clear(x: float, z: float) -> bool:
            return stage.ground(x, z)[0] < 6

        for kind in range(4):
            trees = [plants.broadleaf(rng, stage.light.side)]
            props.scatter(
                stage,
                trees,
                props.leaf_paint(reading, rng),
                150,
                8 + kind * 0.1,
                52,
                (0.5, 1.0),
                where=clear,
                crowd=0.56,
            )
        props.scatter(
            stage, props.firs(stage), props.fir_paint(reading), 350, 14, 60, (0.7, 1.3), where=clear, crowd=0.6
        )
        props.figure(stage, -side * 0.9, 6.0, 0.7)
        props.tufts(stage, ("1f3010", "7f9a3c") if not reading.has(Accent.SNOWY) else ("5a6470", "f2f5fa"))
        props.sky_life(stage, usual_birds=True)

    def front() -> None:
        rng = stream(reading.seed, "front")
        props.grass_front(
            stage,
            ("1c2a10", "7f9a3c") if not reading.has(Accent.SNOWY) else ("5a6470", "f2f5fa"),
            0.13,
            0.05 if reading.has(Accent.FLOWERS) else 0,
        )
        props.frame(
            stage,
            plants.broadleaf(rng, stage.light.side, fine=True),
            props.leaf_paint(reading, rng),
            -side * 0.9,
            0.82,
            1.3,
        )

    return Land(
        heights,
        albedo,
        furnish=furnish,
        front=front,
        water=river,
        chop=0.06,
        mist_top=1.4,
        wrap=0.15,
        grain=(2.0, 6, 0.2),
    )


def meadow(stage: Setting) -> Land:
    noise, reading, side = stage.noise, stage.reading, stage.side
    peaks = terrain.peaks_of(stage.noise, stage.side, 50, 95, 14)

    def heights(x: Field, z: Field) -> Field:
        hills = noise.fbm(as_field(x * 0.05), as_field(z * 0.06), 3, gain=0.35, step=32)
        knoll = np.exp(-(((x - side * 2.8) / 4) ** 2) - ((z - 12) / 5) ** 2)
        return as_field(hills * (0.4 + 2.8 * smoothstep(8, 45, z)) + knoll * 0.9 + peaks(x, z))

    def albedo(fan: terrain.Fan) -> Field:
        patches = noise.fbm(fan.x * 0.25, fan.z * 0.25, 4)
        dry = reading.has(Accent.AUTUMN)
        a, b = ("8a7434", "b89a4e") if dry else ("3f6a22", "86a83e")
        green = mix(colour(a), colour(b), smoothstep(-0.4, 0.5, patches)[..., None])
        if reading.has(Accent.SNOWY):
            green = mix(green, colour("d2dae6"), 0.92)
        if reading.has(Accent.FLOWERS):
            low = -0.3 if reading.colour_of(Accent.FLOWERS) else 0.05
            drifts = smoothstep(low, 0.4, noise.fbm(fan.x * 0.2 + 9, fan.z * 0.3, 3))
            specks = smoothstep(0.25, 0.5, noise.fbm(fan.x * 6, fan.z * 6, 2))
            green = mix(
                green, colour(props.flower_paint(reading)[1], 0.8), as_field(drifts * (0.12 + 0.5 * specks))[..., None]
            )
        return green

    def furnish() -> None:
        if reading.has(Accent.CABIN):
            stage.stand(
                subjects.cabin(stage.light.side),
                ("4a3226", "c89a70"),
                -side * 3.2,
                15,
                1.2,
                lamp=max(0.4, stage.light.lamps),
            )
        rng = stream(reading.seed, "groves")
        for kind in range(3):
            props.scatter(
                stage,
                [plants.broadleaf(rng, stage.light.side)],
                props.leaf_paint(reading, rng),
                120,
                20 + kind,
                80,
                (0.9, 1.6),
                where=lambda _x, _z: True,
                crowd=0.62,
            )
        tree = replace(plants.broadleaf(rng, stage.light.side), subject=Subject(Accent.TREE, 0.5, 0.4))
        stage.stand(tree, props.leaf_paint(reading, rng), side * 2.8, 11.5, 3.1, sunk=0.1)
        props.figure(stage, side * 1.2, 10.5, 0.75)
        props.tufts(stage, ("253812", "8fae44") if not reading.has(Accent.AUTUMN) else ("4a3812", "d8b25a"))
        props.sky_life(stage, usual_birds=True)

    def front() -> None:
        flowers = 0.34 if reading.has(Accent.FLOWERS) else 0.05
        props.grass_front(
            stage, ("1f3010", "8fae44") if not reading.has(Accent.AUTUMN) else ("4a3812", "d8b25a"), 0.24, flowers
        )

    return Land(heights, albedo, furnish=furnish, front=front, wrap=0.25, grain=(3.0, 6, 0.3), mist_top=1.0)


def forest(stage: Setting) -> Land:
    noise, reading, side = stage.noise, stage.reading, stage.side

    def heights(x: Field, z: Field) -> Field:
        hills = noise.fbm(as_field(x * 0.06), as_field(z * 0.07), 4, gain=0.4, step=32)
        path = np.exp(-(((x - side * 1.2 * np.sin(z * 0.16)) / (1.1 + 0.03 * z)) ** 2))
        ridge = smoothstep(14, 70, z) * (9 + 9 * noise.smooth_at(as_field(x * 0.03), as_field(z * 0.02), 3, 48))
        return as_field(hills * (0.5 + 1.5 * smoothstep(6, 30, z)) + ridge - path * 0.18 + 0.6)

    def albedo(fan: terrain.Fan) -> Field:
        moss = noise.fbm(fan.x * 0.6, fan.z * 0.6, 4)
        floor = mix(
            colour("2c2a1a"),
            colour("56602c") if not reading.has(Accent.AUTUMN) else colour("8a5a24"),
            smoothstep(-0.3, 0.4, moss)[..., None],
        )
        if reading.has(Accent.SNOWY) or reading.weather is Weather.SNOW:
            floor = mix(floor, colour("d2dae6"), 0.9)
        path = np.exp(-(((fan.x - side * 1.2 * np.sin(fan.z * 0.16)) / (0.55 + 0.02 * fan.z)) ** 2))
        return mix(floor, colour("8a7656"), as_field(path * 0.5)[..., None])

    def furnish() -> None:
        if reading.has(Accent.CABIN):
            stage.stand(
                subjects.cabin(stage.light.side),
                ("2c211a", "8a6a4e"),
                side * 1.6,
                12,
                1.5,
                lamp=max(0.7, stage.light.lamps),
            )

        def off_path(x: float, z: float) -> bool:
            return abs(x - side * 1.2 * float(np.sin(z * 0.16))) > 0.9 + 0.035 * z

        rng = stream(reading.seed, "wood")
        broad = reading.has(Accent.AUTUMN, Accent.BLOSSOM, Accent.PALM)
        if broad:
            for kind in range(4):
                props.scatter(
                    stage,
                    [plants.broadleaf(rng, stage.light.side)],
                    props.leaf_paint(reading, rng),
                    80,
                    7 + 0.1 * kind,
                    60,
                    (2.4, 3.8),
                    where=off_path,
                )
        props.scatter(
            stage,
            props.firs(stage),
            props.fir_paint(reading),
            260 if broad else 900,
            7.5,
            70,
            (2.4, 4.4),
            where=off_path,
        )
        props.figure(stage, side * 1.2 * float(np.sin(8 * 0.16)), 8, 0.9)
        props.tufts(stage, ("10180b", "5c6a30") if not reading.has(Accent.SNOWY) else ("5a6470", "e8edf5"))
        props.sky_life(stage)

    def front() -> None:
        firs = props.firs(stage)
        props.frame(stage, firs[3], props.fir_paint(reading), -0.95, 1.35, 1.5)
        props.frame(stage, firs[4], props.fir_paint(reading), 0.9, 1.15, 1.7)
        props.grass_front(stage, ("0d140a", "54622c"), 0.14)

    return Land(heights, albedo, furnish=furnish, front=front, wrap=0.1, grain=(3.0, 6, 0.4), mist_top=2.6)


def desert(stage: Setting) -> Land:
    noise, reading, side, light = stage.noise, stage.reading, stage.side, stage.light

    def heights(x: Field, z: Field) -> Field:
        bend = noise.smooth_at(as_field(x * 0.04), as_field(z * 0.05), 7, 48)
        wave = noise.smooth_at(as_field(x * 0.06 + 0.7 * bend), as_field(z * 0.1 + 1.1 * bend), 0, 48)
        crest = np.clip(1 - np.sqrt(wave * wave + 0.006), 0, 1) ** 1.8
        minor_wave = noise.smooth_at(as_field(x * 0.1 + bend), as_field(z * 0.2 + bend), 2, 32)
        minor = np.clip(1 - np.sqrt(minor_wave * minor_wave + 0.003), 0, 1) ** 2
        return as_field(
            crest * (0.8 + 2.6 * smoothstep(4, 14, z) + 6.5 * smoothstep(14, 60, z))
            + minor * 0.5 * smoothstep(2, 10, z)
            - 0.7
        )

    def albedo(fan: terrain.Fan) -> Field:
        tone = noise.fbm(fan.x * 0.1, fan.z * 0.1, 3)
        sand = mix(colour("c1935f"), colour("dfb888"), smoothstep(-0.4, 0.4, tone)[..., None])
        warp = noise.fbm(fan.x * 0.5, fan.z * 0.5, 3)
        ripples = np.sin((fan.z * 1.0 + fan.x * 0.45 + warp * 1.3) * 21)
        return as_field(
            sand * (1 + 0.13 * ripples * smoothstep(16, 4, fan.z) * smoothstep(0.4, 0.1, fan.slope))[..., None]
        )

    def furnish() -> None:
        rng = stream(reading.seed, "palms")
        if reading.has(Accent.PALM):
            for i in range(6):
                z = 11 + i * 0.7
                stage.stand(
                    plants.palm(rng, light.side),
                    reading.colour_of(Accent.PALM) or ("1a2a10", "8aa648"),
                    side * (1.6 + float(rng.normal(0, 1.2))),
                    z,
                    float(rng.uniform(1.4, 2.2)),
                )
        props.figure(stage, side * 1.0, 9.0, 0.62)
        if not reading.has(Accent.FIGURE):
            for i in range(3):
                stage.stand(
                    subjects.figure(light.side, umbrella=False),
                    ("2a2019", "8a5a3a"),
                    side * (1.6 + 0.7 * i),
                    15.0 + i * 0.3,
                    0.5,
                )
        props.sky_life(stage)

    return Land(
        heights,
        albedo,
        furnish=furnish,
        front=lambda: props.stones_front(stage, ("4a3222", "b8875a"), 0.6),
        wrap=0.0,
        grain=(5.0, 5, 0.1),
        far=130,
        mist_top=1.0,
    )


def canyon(stage: Setting) -> Land:
    noise, reading, side, light = stage.noise, stage.reading, stage.side, stage.light

    def heights(x: Field, z: Field) -> Field:
        rough = noise.fbm(as_field(x * 0.16), as_field(z * 0.16), 4, step=16)
        course = side * (2.4 * np.sin(z * 0.13 + 0.5))
        gap = as_field((np.abs(x - course) - 1.3 - 0.10 * z) / (3.0 + 0.16 * z) + 0.42 * rough)
        mesa = noise.smooth_at(as_field(x * 0.045), as_field(z * 0.035), 4, 32)
        raw = np.clip(gap, 0, 1.35) * (5.5 + 2.5 * mesa) * smoothstep(3.5, 11, z)
        raw = raw + smoothstep(36, 46, z) * smoothstep(0.05, 0.25, mesa) * 6
        level = raw / 1.15
        stepped = (np.floor(level) + smoothstep(0.5, 1.0, as_field(level - np.floor(level)))) * 1.15
        return as_field(
            raw * 0.22 + stepped * 0.78 + rough * 0.3 - 0.12 - 0.5 * np.exp(-(((x - course) / (0.6 + 0.03 * z)) ** 2))
        )

    def albedo(fan: terrain.Fan) -> Field:
        warp = noise.fbm(fan.x * 0.12, fan.z * 0.12, 4)
        bands = noise.fbm(as_field(fan.height * 0.9 + warp * 0.5), as_field(fan.height * 0 + 0.02 * fan.x), 5, gain=0.7)
        rock = mix(colour("7e3b22"), colour("d88a54"), smoothstep(-0.45, 0.45, bands)[..., None])
        rock = mix(rock, colour("f0cfa0"), (smoothstep(0.25, 0.5, bands) * 0.5)[..., None])
        floor = mix(
            colour("b0764a"), colour("8a8a4c"), smoothstep(0.0, 0.4, noise.fbm(fan.x * 0.8, fan.z * 0.8, 4))[..., None]
        )
        return mix(floor, rock, smoothstep(0.08, 0.3, as_field(fan.slope + 0.05 * fan.height))[..., None])

    def furnish() -> None:
        rng = stream(reading.seed, "front")
        props.scatter(
            stage,
            [plants.broadleaf(rng, light.side)],
            ("1d2410", "6f7a3c"),
            160,
            6,
            24,
            (0.18, 0.4),
            where=lambda x, z: stage.ground(x, z)[0] < 1.0,
        )
        props.figure(stage, side * 0.8, 6.5, 0.6)
        props.sky_life(stage, usual_birds=True)

    return Land(
        heights,
        albedo,
        furnish=furnish,
        front=lambda: props.stones_front(stage, ("3a221a", "a8694a")),
        water=reading.has(Accent.RIVER) or bool(stage.rng.random() < 0.6),
        chop=0.1,
        body="1c3a34",
        grain=(1.6, 6, 0.3),
        mist_top=1.4,
    )


def volcano(stage: Setting) -> Land:
    noise, side = stage.noise, stage.side
    top_x, top_z = side * 6.0, 52.0

    def cone(x: Field, z: Field) -> Field:
        return as_field(np.sqrt((x - top_x) ** 2 + ((z - top_z) * 1.1) ** 2))

    def heights(x: Field, z: Field) -> Field:
        rough = noise.fbm(as_field(x * 0.12), as_field(z * 0.12), 6, step=16)
        gullies = noise.ridged(as_field(x * 0.11), as_field(z * 0.11), 6, 16)
        far = cone(x, z)
        rise = 17 * np.exp(-far / 9.5) + gullies * 2.4 * smoothstep(30, 8, far)
        crater = 3.2 * np.exp(-((far / 1.5) ** 2))
        return as_field(
            rise
            - crater
            + rough * (0.3 + 0.9 * smoothstep(6, 20, z))
            + 0.25
            - 0.85 * smoothstep(24, 15, z) * smoothstep(2.5, 4, z)
        )

    def albedo(fan: terrain.Fan) -> Field:
        patches = noise.fbm(fan.x * 0.5, fan.z * 0.5, 5)
        return mix(colour("241f1e"), colour("54494a"), smoothstep(-0.5, 0.5, patches)[..., None])

    def lava(fan: terrain.Fan) -> Field:
        far = cone(fan.x, fan.z)
        around = as_field(np.arctan2(fan.x - top_x, fan.z - top_z) * 2.2 + 0.5 * noise.fbm(fan.x * 0.3, fan.z * 0.3, 4))
        vein = np.abs(noise.smooth_at(around, as_field(far * 0.05), 6, 16))
        flow = (
            smoothstep(0.10, 0.0, as_field(vein))
            * smoothstep(15, 3, far)
            * smoothstep(-0.5, 0.3, noise.at(around, far))
        )
        halo = smoothstep(0.45, 0.0, as_field(vein)) * smoothstep(15, 3, far) * 0.12
        return mix(colour("000000"), colour("ff5a1e", 3.0), as_field(flow + halo)[..., None])

    def furnish() -> None:
        camera, canvas = stage.camera, stage.canvas
        column, row = camera.project(top_x, stage.ground(top_x, top_z)[0] + 1.2, top_z)
        canvas.subjects.append(Subject(Place.VOLCANO, column, row, height=camera.scale))
        rows, columns = np.mgrid[0 : camera.height : 4, 0 : camera.width : 4].astype(np.float32)
        dx, dy = (columns - column) / camera.scale, (row - rows) / camera.scale
        swirl = noise.fbm(as_field(dx * 7), as_field(dy * 6), 6)
        body = np.exp(-(((dx - 0.12 * side * dy + 0.05 * swirl) / (0.022 + 0.3 * np.maximum(dy, 0))) ** 2))
        plume = body * smoothstep(-0.01, 0.04, as_field(dy)) * np.clip(0.75 + 0.7 * swirl, 0, 1)
        fire = np.exp(-np.sqrt(dx**2 + dy**2) / 0.045)
        cover = resized(as_field(plume * 0.9), camera.width, camera.height) * (canvas.inverse == 0)
        tone = mix(
            as_field(colour("3a3236") * (0.5 + stage.light.ambient)),
            colour("ff5a1e", 2.0),
            as_field(np.clip(fire * 1.6, 0, 1))[..., None],
        )
        canvas.rgb += (resized(tone, camera.width, camera.height) - canvas.rgb) * cover[..., None]
        canvas.rgb += resized(as_field(fire), camera.width, camera.height)[..., None] * colour("ff5a1e", 1.4)

    return Land(
        heights,
        albedo,
        glow=lava,
        furnish=furnish,
        front=lambda: props.stones_front(stage, ("1c181a", "6c6064")),
        water=True,
        chop=0.1,
        body="10201f",
        grain=(1.6, 6, 0.4),
        mist_top=1.4,
    )


LANDS: dict[Place, Callable[[Setting], Land]] = {
    Place.MOUNTAINS: mountains,
    Place.VALLEY: valley,
    Place.MEADOW: meadow,
    Place.FOREST: forest,
    Place.DESERT: desert,
    Place.CANYON: canyon,
    Place.VOLCANO: volcano,
}
