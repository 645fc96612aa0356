"""The sky: gradient, glow, disc, stars, clouds in perspective, aurora."""

import cv2
import numpy as np

from shared.vocabulary.words import Accent, Style, Time
from workers.painter.canvas import Camera, Canvas, colour, mix
from workers.painter.light import Light
from workers.painter.noise import Field, Noise, as_field, blurred, resized, smoothstep, stream
from workers.painter.reading import Reading


def _grid(camera: Camera, step: int) -> tuple[Field, Field]:
    """Return, for every `step`-th pixel, the offset from the middle and the height above the horizon, in scales."""
    rows = np.arange(0, camera.height, step, dtype=np.float32) + step / 2
    columns = np.arange(0, camera.width, step, dtype=np.float32) + step / 2
    across, up = np.meshgrid((columns - camera.width / 2) / camera.scale, (camera.horizon - rows) / camera.scale)
    return as_field(across), as_field(up)


def _sun(camera: Camera, light: Light) -> tuple[float, float]:
    return (light.sun_x - 0.5) * camera.width / camera.scale, light.sun_height


def gradient(camera: Camera, light: Light) -> Field:
    """Return the clear sky with its glow, (h, w, 3). Below the horizon it has the horizon's colour."""
    across, up = _grid(camera, 4)
    height = np.maximum(up, 0)[..., None]
    low = np.exp(-height / 0.11)
    high = 1 - np.exp(-height / 0.42)
    sky = mix(mix(light.middle, light.zenith, high), light.horizon, low)
    sun_x, sun_y = _sun(camera, light)
    wide = np.exp(-np.sqrt(((across - sun_x) / 1.7) ** 2 + ((up - max(sun_y, 0)) / 0.8) ** 2) / 0.16)
    near = np.exp(-np.sqrt((across - sun_x) ** 2 + (up - sun_y) ** 2) / 0.07)
    sky = as_field(sky + light.glow * (0.75 * wide + 0.9 * near * (light.disc > 0))[..., None])
    return resized(sky, camera.width, camera.height)


def _stars(canvas: Canvas, light: Light, seed: int, *, milky_way: bool) -> None:
    camera = canvas.camera
    rng = stream(seed, "stars")
    field = np.zeros((camera.height, camera.width), np.float32)
    count = int(2200 * light.stars)
    columns = rng.integers(0, camera.width, count)
    rows = rng.integers(0, max(1, int(camera.horizon)), count)
    field[rows, columns] = (rng.pareto(1.6, count) * 0.4).clip(0.05, 5).astype(np.float32) * (camera.scale / 1700) ** 2
    lights = blurred(field, 0.45 + camera.scale / 6000) * 2.6 + blurred(field, camera.scale / 900) * 0.5
    across, up = _grid(camera, 4)
    if milky_way:
        noise = Noise(rng)
        tilt = across * 0.9 + (up - 0.35) * 0.75
        band = np.exp(-((tilt + 0.06 * noise.fbm(across * 4, up * 4, 3)) ** 2) / 0.02)
        dust = noise.fbm(across * 6 + 9, up * 6, 6)
        cloud = (
            band
            * (0.3 + 0.7 * np.clip(0.55 + dust, 0, 1.4) ** 2)
            * (0.15 + 0.85 * smoothstep(0.3, -0.25, noise.fbm(across * 3, up * 3 + 5, 5)))
        )
        glow = cloud[..., None] * np.array([0.05, 0.056, 0.085], np.float32)
        canvas.rgb += resized(as_field(glow), camera.width, camera.height)
    fade = resized(as_field(smoothstep(0.0, 0.22, up)), camera.width, camera.height)
    tint = np.array([0.9, 0.95, 1.1], np.float32) * light.stars
    canvas.rgb += (lights * fade)[..., None] * tint


def _disc(canvas: Canvas, light: Light, reading: Reading) -> None:
    striped, big, own = reading.style is Style.VAPORWAVE, reading.has(Accent.MOON), reading.colour_of(Accent.MOON)
    camera = canvas.camera
    radius = camera.scale * ((0.036 if big else 0.024) if light.moon else (0.14 if striped else 0.02))
    column, row = light.sun_x * camera.width, camera.horizon - light.sun_height * camera.scale
    reach = int(radius * 1.3) + 3
    y0, y1 = max(0, int(row) - reach), min(camera.height, int(row) + reach)
    x0, x1 = max(0, int(column) - reach), min(camera.width, int(column) + reach)
    if y0 >= y1 or x0 >= x1:
        return
    rows, columns = np.mgrid[y0:y1, x0:x1].astype(np.float32)
    distance = np.sqrt((columns - column) ** 2 + (rows - row) ** 2)
    cover = np.clip(radius - distance, 0, 1)
    paint = np.broadcast_to(light.glow / max(float(light.glow.max()), 1e-3) * light.disc, (*cover.shape, 3))
    if light.moon:
        noise = Noise(stream(reading.seed, "moon"))
        seas = smoothstep(-0.05, 0.35, noise.fbm((columns - column) / radius * 1.1, (rows - row) / radius * 1.1, 5))
        limb = np.sqrt(np.clip(1 - (distance / radius) ** 2, 0, 1)) * 0.35 + 0.65
        tone = colour(own[1], 1.2) if own else np.array([1.0, 0.97, 0.9], np.float32)
        paint = tone * (light.disc * limb * (1 - 0.42 * seas))[..., None]
    elif striped:
        t = (rows - row) / radius
        paint = mix(
            np.array([1.0, 0.03, 0.3], np.float32) * 0.9,
            np.array([1.0, 0.5, 0.04], np.float32) * 1.1,
            smoothstep(0.6, -0.9, as_field(t))[..., None],
        )
        gap = (np.mod(t * 6.5, 1.0) < np.clip(0.1 + 0.35 * t, 0, 1)) & (t > -0.05)
        cover = cover * np.where(gap, np.float32(0.05), np.float32(1))
    canvas.rgb[y0:y1, x0:x1] = mix(canvas.rgb[y0:y1, x0:x1], as_field(paint), as_field(cover)[..., None])


def _clouds(canvas: Canvas, light: Light, seed: int) -> None:
    """Add a layer of clouds above a flat earth. It is lit where it becomes thin toward the sun."""
    camera = canvas.camera
    across, up = _grid(camera, 2)
    rows = int(np.ceil(camera.horizon / 2)) + 2
    across, up = across[:rows], as_field(np.maximum(up[:rows], 0))
    noise = Noise(stream(seed, "clouds"))
    distance = 1 / (up + np.float32(0.10))
    u, v = as_field(across * distance * 1.15), as_field(distance * 1.6)
    warp = noise.fbm(u * 0.7, v * 0.7, 3)
    heap = noise.fbm(u + 0.6 * warp, v + 0.35 * warp, 7, gain=0.55)
    edge = 0.42 - light.cloud_cover * 0.85
    density = smoothstep(edge - 0.04, edge + 0.6, heap)
    sun_x, sun_y = _sun(camera, light)
    toward = np.stack([sun_x - across, up - sun_y], axis=-1)
    toward /= np.linalg.norm(toward, axis=-1, keepdims=True) + 0.15
    reach = camera.scale / 2 * 0.022
    columns, lines = np.meshgrid(np.arange(across.shape[1], dtype=np.float32), np.arange(rows, dtype=np.float32))
    soft = blurred(heap, camera.scale / 900)
    sunward = cv2.remap(
        soft,
        as_field(columns + toward[..., 0] * reach),
        as_field(lines + toward[..., 1] * reach),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    thick = smoothstep(edge + 0.1, edge + 0.75, heap)
    lit = np.clip(0.74 + 1.5 * (soft - as_field(sunward)) - 0.5 * thick, 0, 1).astype(np.float32)[..., None]
    distance_to_sun = np.sqrt(((across - sun_x) / 1.5) ** 2 + (up - sun_y) ** 2)
    warmth = np.exp(-distance_to_sun / 0.3)[..., None]
    tone = mix(light.cloud_dark, light.cloud_lit, lit) + light.glow * warmth * (0.25 + 0.75 * lit) * 0.8
    fade = smoothstep(0.0, 0.07, up) * (0.35 + 0.65 * smoothstep(0.02, 0.2, up))
    cover = resized(as_field(density * fade * 0.9), camera.width, rows * 2)
    paint = resized(as_field(tone), camera.width, rows * 2)
    band = canvas.rgb[: rows * 2]
    band += (paint[: len(band)] - band) * cover[: len(band), :, None]


def _aurora(canvas: Canvas, seed: int) -> None:
    """Add aurora curtains: folded lines near the horizon, each blurred upward into rays."""
    camera = canvas.camera
    rng = stream(seed, "aurora")
    noise = Noise(rng)
    across, up = _grid(camera, 4)
    total = np.zeros((*across.shape, 3), np.float32)
    for curtain in range(3):
        phase = float(rng.uniform(0, 40))
        shape = noise.fbm(across * 1.6 + phase, np.full_like(across, 3.0 * curtain), 3)
        foot = 0.13 + 0.09 * curtain + 0.17 * shape + 0.12 * across * float(rng.choice([-1, 1]))
        rise = up - foot
        rays = noise.fbm(across * 26 + 5 * shape + phase, up * 0.5 + curtain, 3) * 0.5 + 0.6
        reach = 0.13 + 0.1 * noise.at(across * 3 + phase, np.full_like(across, 7.0))
        glow = np.where(rise > 0, np.exp(-rise / np.maximum(reach * rays * 1.6, 0.02)), np.exp(rise / 0.014))
        glow = (
            glow
            * np.clip(0.35 + rays, 0, 1.4)
            * np.clip(0.75 + 0.6 * noise.at(across * 1.1 + phase, across * 0), 0.1, 1.5)
        )
        hue = smoothstep(0.06, 0.3, as_field(rise))[..., None]
        paint = mix(np.array([0.04, 0.62, 0.26], np.float32), np.array([0.42, 0.1, 0.6], np.float32), hue)
        total += glow[..., None] * paint * (0.75 - 0.15 * curtain)
    total *= smoothstep(0.0, 0.06, up)[..., None]
    canvas.rgb += resized(total, camera.width, camera.height)


def paint_sky(canvas: Canvas, light: Light, reading: Reading) -> None:
    """Paint the sky. Its distance stays infinite."""
    canvas.rgb[:] = gradient(canvas.camera, light)
    if light.stars > 0.05:
        _stars(canvas, light, reading.seed, milky_way=reading.time is Time.NIGHT and light.cloud_cover < 0.4)
    if reading.has(Accent.AURORA):
        _aurora(canvas, reading.seed)
    if light.disc > 0:
        _disc(canvas, light, reading)
    if light.cloud_cover > 0.05:
        _clouds(canvas, light, reading.seed)
