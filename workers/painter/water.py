"""Open water: a rippled reflection, clearer water near the viewer, and the sun's glitter."""

import cv2
import numpy as np

from workers.painter.canvas import Canvas, mix
from workers.painter.light import Light
from workers.painter.noise import Field, Noise, as_field, smoothstep, stream


def _mirror(canvas: Canvas) -> Field:
    """Return the reflection in still water, (h, w, 3), also that of the objects that stand on the canvas.

    A point's mirror image is as far below the water as the point is above it.
    A point is reflected on the row that its mirror image projects to. If two points of a column share that row, the
    lower one is nearer and hides the other. A row without a point shows the far distance; land shows itself.
    """
    camera, scene = canvas.camera, canvas.complete()
    height, width = canvas.water.shape
    rows = np.broadcast_to(np.arange(height, dtype=np.float32)[:, None], (height, width))
    shown = 2 * np.float32(camera.horizon) - rows + scene.inverse * np.float32(2 * camera.focal * camera.eye)
    row = np.rint(shown).astype(np.int32)
    source = as_field(np.where(canvas.water > 0.5, np.clip(2 * np.float32(camera.horizon) - rows, 0, None), rows))
    above = np.float32(2)  # points up to this height, in pixels, are in the water's plane
    from_row, column = np.nonzero((scene.inverse > 0) & (shown > rows + above) & (row < height))  # from top to bottom
    to_row = row[from_row, column]
    found = from_row + shown[from_row, column] - to_row
    for gap in (2, 1, 0):  # extends each object's lowest row up to its foot
        source[to_row - gap, column] = found
    columns = np.broadcast_to(np.arange(width, dtype=np.float32), (height, width))
    return as_field(cv2.remap(scene.rgb, columns, source, cv2.INTER_LINEAR))


def paint_water(canvas: Canvas, light: Light, seed: int, *, chop: float, body: Field, clarity: float = 1.4) -> None:
    """Replace the canvas's open water by a reflection of the scene above it.

    `chop` is 0 for a mirror and 1 for a breeze. `body` is the water's colour seen from above. `clarity` is the exponent
    of the Fresnel law: nature has 5 (Schlick 1994), and a lower value reflects more.
    """
    camera = canvas.camera
    top = int(camera.horizon)
    if not (canvas.water > 0).any():
        return
    noise = Noise(stream(seed, "ripples"))
    mirror = _mirror(canvas)
    area = np.s_[top:]
    rows, columns = np.mgrid[top : camera.height, 0 : camera.width].astype(np.float32)
    z = 1 / np.maximum(canvas.inverse[area], 1e-3)
    x = (columns - camera.width / 2) * z / camera.focal
    spread = z * z / (camera.focal * camera.eye)
    tilt = np.zeros_like(z)
    sway = np.zeros_like(z)
    for octave, (frequency, strength) in enumerate(((0.35, 0.5), (0.9, 0.6), (2.1, 0.5), (4.6, 0.4), (10.0, 0.25))):
        fade = strength / (1 + (spread * np.float32(frequency * 1.6)) ** 2)
        wave = noise.at(as_field(x * (frequency * 0.55)), as_field(z * frequency), octave)
        tilt += wave * fade
        sway += noise.at(as_field(x * frequency), as_field(z * frequency), octave + 5) * fade
    reach = camera.scale * (0.006 + 0.05 * chop)
    gusts = np.clip(0.65 + 0.8 * noise.fbm(as_field(x * 0.05), as_field(z * 0.11 + 7), 3), 0.12, 1.4)
    tilt *= gusts
    source = rows + tilt * np.float32(reach) - np.abs(tilt) * np.float32(reach * 0.4)
    # Not below the horizon's own reflection, where nothing is reflected.
    image = as_field(
        cv2.remap(
            mirror,
            as_field(columns + sway * np.float32(reach * 0.25)),
            as_field(np.clip(source, top + 1, camera.height - 1)),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    )
    looking_down = np.clip((rows - camera.horizon) / camera.focal, 0, 1)
    glance = np.clip(
        0.96 * (1 - looking_down) ** np.float32(clarity) - tilt * np.float32(0.16 + 0.3 * chop), 0.05, 0.97
    )
    surface = mix(body, image * np.array([0.9, 0.94, 0.97], np.float32), as_field(glance)[..., None])
    if light.disc > 0:
        width = 0.03 + 0.5 * np.clip((rows - camera.horizon) / camera.scale, 0, None) * (0.25 + chop)
        lane = np.exp(-(((columns / camera.width - light.sun_x) * camera.width / camera.scale / width) ** 2))
        sparkle = smoothstep(0.25, 0.8, as_field(tilt + 0.6 * sway + 0.25 * np.exp(-looking_down / 0.05)))
        strength = 0.6 if light.moon else 2.2
        surface += (lane * sparkle * strength)[..., None] * light.glow / max(float(light.glow.max()), 1e-3)
    canvas.rgb[area] += (surface - canvas.rgb[area]) * canvas.water[area][..., None]
