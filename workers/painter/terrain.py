"""Ground as a height field, rendered by ray casting for each column: exact perspective, occlusion and distance.

The world is sampled on a fan of points along the picture's columns. The projected rows, made monotonic from near to
far, give for each pixel the step of the fan that it shows: the voxel-space method, for all steps at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from workers.painter.canvas import Camera, Canvas, mix, spread
from workers.painter.light import Light, tinted
from workers.painter.noise import Field, Noise, as_field, blurred, smoothstep

Heights = Callable[[Field, Field], Field]  # world x, z -> height
STEPS = 720


@dataclass(frozen=True, slots=True)
class Fan:
    """World samples (STEPS, width), near to far, and the properties of each."""

    x: Field
    z: Field
    height: Field
    slope: Field  # 0 flat .. 1 vertical
    facing: Field  # cosine to the light, 0..1
    shadow: Field  # 1 lit, 0 in cast shadow


@dataclass(frozen=True, slots=True)
class Hits:
    """The result for each pixel: its step in the fan (without NaN), whether it shows ground, its world position.

    `crest` is the fraction of the pixel that the ground of the pixel below covers.
    """

    step: Field
    crest: Field
    ground: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    x: Field
    y: Field
    z: Field


def fan_of(camera: Camera, heights: Heights, light: Light, far: float) -> Fan:
    """Sample `heights` from the camera to the distance `far`, and calculate the light on it."""
    near = camera.nearest * 0.5
    middle = max(8.0, 2 * near)  # sampling is denser beyond it, because slopes there are tall in the picture
    nearby = np.geomspace(near, middle, STEPS // 3, endpoint=False)
    distances = as_field(np.concatenate([nearby, np.geomspace(middle, far, STEPS - STEPS // 3)]))
    columns = (np.arange(camera.width, dtype=np.float32) + 0.5 - camera.width / 2) / camera.focal
    z = as_field(np.repeat(distances[:, None], camera.width, axis=1))
    x = z * columns
    height = heights(x, z)
    dx = np.gradient(height, axis=1) / (z / camera.focal)
    dz = (np.gradient(height, axis=0) - dx * np.gradient(x, axis=0)) / np.gradient(z, axis=0)
    steep = np.sqrt(1 + dx * dx + dz * dz)
    sun = np.array([light.side * 0.9, light.slope, -0.12], np.float32)
    sun /= np.linalg.norm(sun)
    facing = np.clip((-dx * sun[0] + sun[1] - dz * sun[2]) / steep, 0, 1)
    # A steep face crosses some columns between two steps and others at a step. Without blur that shows as ribs.
    facing = cv2.blur(facing, (max(1, camera.width // 150), 3))
    # A ray toward the light rises by `slope` per unit of x. A point above the line so far shades all points behind it.
    line = height - light.side * light.slope * x
    seen = (
        np.maximum.accumulate(line[:, ::-1], axis=1)[:, ::-1] if light.side > 0 else np.maximum.accumulate(line, axis=1)
    )
    shadow = 1 - smoothstep(0.0, 0.25, as_field((seen - line) / (0.02 * z + 0.1) * 0.3))
    return Fan(x, z, height, as_field(1 - 1 / steep), as_field(facing), shadow)


def cast(camera: Camera, fan: Fan) -> Hits:
    """Find the first step of the fan that each pixel shows."""
    height, width = camera.height, camera.width
    rows = camera.horizon - (fan.height - camera.eye) * camera.focal / fan.z
    highest = np.minimum.accumulate(rows, axis=0)
    covers_from = np.clip(np.ceil(highest), 0, height).astype(np.int32)
    flat = covers_from * width + np.arange(width, dtype=np.int32)
    counts = np.bincount(flat.ravel(), minlength=(height + 1) * width).reshape(height + 1, width)[:height]
    first = (STEPS - np.cumsum(counts, axis=0, dtype=np.int32)).astype(np.int32)
    ground = first < STEPS
    upper = np.minimum(first, STEPS - 1)
    lower = np.maximum(upper - 1, 0)
    row_upper = np.take_along_axis(rows, upper, axis=0)
    row_lower = np.take_along_axis(rows, lower, axis=0)
    pixel_rows = np.arange(height, dtype=np.float32)[:, None]
    crest = np.clip(pixel_rows + 1 - np.take_along_axis(highest, np.maximum(first - 1, 0), axis=0), 0, 1)
    share = np.clip((row_lower - pixel_rows) / np.maximum(row_lower - row_upper, 1e-3), 0, 1)
    step = as_field(lower + share)
    z = as_field(cv2.remap(fan.z[:, :1], np.zeros_like(step), step, cv2.INTER_LINEAR))
    columns = (np.arange(width, dtype=np.float32) + 0.5 - width / 2) / camera.focal
    y = camera.eye + (camera.horizon - pixel_rows) * z / camera.focal
    return Hits(step, as_field(crest), ground, as_field(z * columns), as_field(y), z)


def seen(hits: Hits, values: Field) -> Field:
    """Return the fan's values, (STEPS, w) or (STEPS, w, c), at each pixel."""
    height, width = hits.step.shape
    columns = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width))
    return as_field(cv2.remap(values, columns, hits.step, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def grain(camera: Camera, hits: Hits, noise: Noise, frequency: float, octaves: int, upright: float = 0.7) -> Field:
    """Return surface detail, about -1..1, for each pixel. Detail finer than a pixel is faded out."""
    total = np.zeros(hits.z.shape, np.float32)
    u, v = hits.x, hits.z * 0.8 + hits.y * np.float32(upright)
    footprint = hits.z * np.float32(1 / camera.focal)
    amplitude = 1.0
    for octave in range(octaves):
        scale = frequency * 2.0**octave
        fade = 1 / (1 + (footprint * np.float32(scale * 1.4)) ** 2)
        total += noise.at(u * np.float32(scale), v * np.float32(scale), octave) * fade * np.float32(amplitude)
        amplitude *= 0.62
    return total


def relief(camera: Camera, hits: Hits, detail: Field, side: float) -> Field:
    """Return surface detail lit from one side, about -1..1: bright where the surface faces the light."""
    reach = max(1, round(camera.scale / 900))
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    kernel[reach, reach], kernel[reach - (reach + 1) // 2, reach + round(side) * reach] = 1, -1
    slope = cv2.filter2D(detail, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    farthest, nearest = cv2.dilate(hits.z, np.ones_like(kernel)), cv2.erode(hits.z, np.ones_like(kernel))
    return as_field(np.where(farthest < nearest * np.float32(1.15), slope, 0))  # an outline is not a slope


def lit(fan: Fan, albedo: Field, light: Light, wrap: float = 0.0) -> Field:
    """Return the lit colour of the fan's surface. `wrap` softens the shading, as in snow, leaves or grass."""
    direct = (np.clip(fan.facing + wrap, 0, 1 + wrap) / (1 + wrap) * fan.shadow)[..., None]
    open_sky = (0.72 + 0.28 * (1 - fan.slope))[..., None]
    return as_field(albedo * (light.ambient * open_sky + light.sun * direct))


def lay_ground(canvas: Canvas, hits: Hits, paint: Field, water: Field | None = None) -> None:
    """Paint the visible ground on the canvas, with its distance. `water` marks open water, 0..1."""
    ground = hits.ground
    np.copyto(canvas.rgb, paint, where=ground[..., None])
    np.copyto(canvas.inverse, 1 / hits.z, where=ground)
    above, below = canvas.inverse[:-1], canvas.inverse[1:]
    rows, columns = np.nonzero(below > above * np.float32(1.1) + np.float32(1e-4))
    share = hits.crest[rows, columns]
    canvas.rgb[rows, columns] += (canvas.rgb[rows + 1, columns] - canvas.rgb[rows, columns]) * share[:, None]
    reached = share >= 0.5
    canvas.inverse[rows[reached], columns[reached]] = canvas.inverse[rows[reached] + 1, columns[reached]]
    if water is not None:
        canvas.water[:] = np.where(ground, water, 0)


class Air:
    """Aerial perspective: colours approach the horizon's colour with distance. Mist lies in low places."""

    def __init__(self, canvas: Canvas, light: Light, noise: Noise, mist_top: float = 1.0) -> None:
        self._camera, self._light, self._noise, self._mist_top = canvas.camera, light, noise, mist_top
        self._haze = _haze(canvas, light)

    def fill(self, canvas: Canvas) -> None:
        """Put the air before the canvas and before each object that stands on it."""
        self._cover(canvas.rgb, canvas.inverse, (0, 0))
        for number, cutout in enumerate(canvas.standing):
            paint, inverse = cutout.paint.copy(), as_field(np.full_like(cutout.alpha, cutout.inverse))
            self._cover(paint, inverse, (cutout.left, cutout.top))
            canvas.standing[number] = cutout._replace(paint=paint)

    def _cover(self, rgb: Field, inverse: Field, corner: tuple[int, int]) -> None:
        """Put the air before the colours `rgb` with that inverse distance, at a corner of the canvas."""
        camera, light = self._camera, self._light
        rows = np.arange(rgb.shape[0], dtype=np.float32)[:, None] + np.float32(corner[1])
        columns = np.arange(rgb.shape[1], dtype=np.float32)[None] + np.float32(corner[0])
        haze = self._haze[:, corner[0] : corner[0] + rgb.shape[1]]
        solid = inverse > 0
        z = 1 / np.maximum(inverse, 1e-4)
        thickness = np.maximum(z - camera.nearest * 2, 0) * np.float32(light.haze * 0.62)
        if light.ground_mist > 0:
            y = camera.eye + (camera.horizon - rows) * z / camera.focal
            across = (columns - camera.width / 2) / camera.focal * z
            swirl = self._noise.fbm(as_field(across * 0.16), as_field(z * 0.1 + y * 0.25), 4)
            low = np.exp(-np.clip(y, 0, None) / self._mist_top)
            thickness += (
                light.ground_mist
                * low
                * np.clip(0.55 + 0.9 * swirl, 0, 2)
                * (1 - cv2.exp(as_field(-((z / 15) ** 1.5))))
                * 1.6
            )
        cover = np.where(solid, 1 - cv2.exp(as_field(-thickness)), 0)
        # Near air has the colour of the open sky, far air the colour of the horizon.
        near = tinted(light.middle, light.zenith, 0.3) * 0.85
        tone = mix(near, haze, as_field(np.clip(cover * 1.15, 0, 1))[..., None])
        rgb += (tone - rgb) * spread(as_field(cover))


def _haze(canvas: Canvas, light: Light) -> Field:
    """Return the colour of the air at the horizon, (1, w, 3)."""
    camera = canvas.camera
    row = int(np.clip(camera.horizon - 0.02 * camera.scale, 0, camera.height - 1))
    behind = canvas.rgb[row].copy()
    hidden = canvas.inverse[row] > 0
    if not hidden.all() and hidden.any():
        open_columns = np.flatnonzero(~hidden)
        for channel in range(3):
            behind[hidden, channel] = np.interp(np.flatnonzero(hidden), open_columns, behind[open_columns, channel])
    sky = light.horizon + light.glow * 0.3 * np.exp(
        -np.abs(np.linspace(-0.5, 0.5, camera.width) - (light.sun_x - 0.5))[:, None] * camera.width / camera.scale / 0.3
    )
    return blurred(as_field(mix(as_field(sky), behind, 0.35 if not hidden.all() else 0.0))[None], camera.scale / 8)


def snow_and_rock(
    fan: Fan, noise: Noise, line: float, rock: Field, snow: Field, grass: Field | None, tree_line: float
) -> Field:
    """Return the albedo of mountains: snow above `line` on gentle slopes, grass below `tree_line`, rock between."""
    patches = noise.fbm(fan.x * 0.35, fan.z * 0.35, 5)
    albedo = mix(rock * 0.7, rock * 1.25, smoothstep(-0.5, 0.5, patches)[..., None])
    if grass is not None:
        albedo = mix(
            albedo,
            grass,
            (
                smoothstep(tree_line + 1.0, tree_line - 1.0, fan.height + patches * 2)
                * smoothstep(0.45, 0.22, fan.slope)
            )[..., None],
        )
    lies = smoothstep(line - 0.7, line + 0.9, fan.height + patches * 2.2) * smoothstep(
        0.6, 0.48, fan.slope + 0.2 * noise.fbm(fan.x * 1.3, fan.z * 0.9 + fan.height * 0.5, 4)
    )
    return mix(albedo, snow, lies[..., None])


def peaks_of(noise: Noise, side: float, near: float, full: float, height: float) -> Heights:
    """Return the heights of a range that rises between the distances `near` and `full`, nearer on one side."""

    def heights(x: Field, z: Field) -> Field:
        warp = noise.smooth_at(as_field(x * 0.03), as_field(z * 0.03), 9, 48)
        peaks = noise.ridged(as_field(x * 0.027 + warp * 0.4), as_field(z * 0.034 + warp * 0.3), 8, 32)
        massif = noise.smooth_at(as_field(x * 0.021), as_field(z * 0.024), 12, 48)
        rise = smoothstep(near, full, as_field(z + side * x * 0.3 + 4 * warp))
        return as_field(rise * (peaks * 1.15 + massif * 0.22 - 0.3) * height)

    return heights
