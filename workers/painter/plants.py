"""Sprites of trees, grass and stones, lit from one side: `side` is -1 for light from the left, 1 from the right."""

import numpy as np

from workers.painter.canvas import Sprite
from workers.painter.noise import Field, Noise, as_field
from workers.painter.sketch import Point, Sketch


def conifer(rng: np.random.Generator, side: float) -> Sprite:
    sketch = Sketch(580, 1260)
    sketch.limb([(0, 0.1), (0, 1)], 0.004, 0.026, 0.08)
    tiers = int(rng.integers(50, 62))
    slim = float(rng.uniform(0.15, 0.2))
    boughs = 6
    for tier in range(tiers):
        t = tier / (tiers - 1)
        level = 0.012 + 0.9 * t**0.95
        reach = slim * (0.05 + t**0.85) * float(rng.uniform(0.78, 1.1))
        for bough in range(boughs):  # the longest boughs are behind and dark, the shortest in front and light
            hand = -1.0 if (bough + tier) % 2 else 1.0
            length = reach * (1 - 0.14 * bough) * float(rng.uniform(0.7, 1.15)) + 0.006
            y = level + float(rng.normal(0, 0.006))
            droop = length * float(rng.uniform(0.25, 0.6)) + 0.004
            light = 0.08 + 0.26 * (hand == side) * length / slim + 0.1 * bough + 0.24 * float(rng.random()) - 0.1 * t
            upper = [(0.0, y - 0.012), (hand * length * 0.55, y + droop * 0.3), (hand * length, y + droop)]
            lower: list[Point] = []  # twigs of random length hang from the bough
            for tooth in range(11):
                s = 1 - (tooth + float(rng.uniform(0.7, 1.3))) / 12
                hang = float(rng.uniform(0.013, 0.026)) if tooth % 2 else 0.004
                lower.append((hand * length * s, y + droop * s**1.3 + hang * (0.4 + 0.6 * t)))
            sketch.shape([*upper, *lower, (0.0, y + 0.012)], light)
    return sketch.sprite()


def broadleaf(rng: np.random.Generator, side: float, *, fine: bool = False) -> Sprite:
    """Return a tree with a round crown. `fine` gives more and smaller leaves, for a near tree."""
    sketch = Sketch(900, 820)
    lean = float(rng.uniform(-0.06, 0.06))
    sketch.limb([(0, 1.0), (lean * 0.5, 0.75), (lean, 0.5)], 0.075, 0.04, 0.03)
    crowns = [(lean, 0.34, 0.17), (lean - 0.1, 0.44, 0.13), (lean + 0.11, 0.43, 0.13)]
    for _ in range(int(rng.integers(9, 13))):
        angle = float(rng.uniform(-np.pi, 0.15 * np.pi))
        far = float(rng.uniform(0.05, 0.3))
        x, y = lean + far * 1.15 * float(np.cos(angle)), 0.42 + far * 0.85 * float(np.sin(angle))
        crowns.append((x, y, float(rng.uniform(0.09, 0.15))))
        sketch.limb([(lean * 0.7, 0.66), ((lean + x) / 2, (0.6 + y) / 2), (x, y)], 0.03, 0.008, 0.04)
    leaves: list[tuple[float, float, float, float]] = []
    for x, y, radius in crowns:
        for _ in range(900 if fine else 300):
            angle, far = float(rng.uniform(0, 2 * np.pi)), radius * float(rng.random()) ** 0.5 * 1.1
            dx, dy = far * float(np.cos(angle)), far * float(np.sin(angle)) * 0.85
            light = 0.46 + 0.3 * (dx * side - dy * 1.1) / radius + 0.3 * (0.42 - y) + 0.2 * float(rng.normal())
            leaves.append((x + dx, y + dy, float(rng.uniform(0.004, 0.0095)), light))
    leaves.sort(key=lambda leaf: leaf[3])
    for x, y, size, light in leaves:
        if fine:
            angle = float(rng.uniform(0, np.pi))
            along, across = size * float(np.cos(angle)), size * float(np.sin(angle))
            blade = [(1.0, 0.0), (0.1, 0.4), (-1.0, 0.0), (0.1, -0.4)]
            sketch.shape([(x + along * u - across * v, y + across * u + along * v) for u, v in blade], light)
        else:
            sketch.disc(x, y, size, light)
    return sketch.sprite()


def palm(rng: np.random.Generator, side: float) -> Sprite:
    sketch = Sketch(800, 900)
    bend = float(rng.uniform(0.08, 0.2)) * float(rng.choice([-1, 1]))
    trunk = [(bend * (t**1.7 - 1) + 0.0, 1 - 0.72 * t) for t in np.linspace(0, 1, 16)]
    sketch.limb(trunk, 0.034, 0.018, 0.16)
    top = trunk[-1]
    for frond in range(17):
        angle = -np.pi / 2 + (frond - 8) * 0.33 + float(rng.uniform(-0.12, 0.12))
        length = float(rng.uniform(0.25, 0.34))
        rib: list[Point] = []
        for t in np.linspace(0, 1, 27):
            sag = 0.2 * t * t * (0.35 + 0.75 * abs(np.cos(angle)))
            rib.append(
                (
                    top[0] + length * t * float(np.cos(angle)),
                    top[1] + length * t * float(np.sin(angle)) * 0.8 + float(sag),
                )
            )
        light = 0.4 + 0.25 * side * float(np.cos(angle)) - 0.18 * float(np.sin(angle)) + 0.1 * float(rng.normal())
        sketch.limb(rib, 0.008, 0.003, light)
        for i, (x, y) in enumerate(rib[1:], 1):
            t = i / 26
            leaf = 0.07 * (1 - 0.8 * abs(t - 0.4))
            along = np.subtract(rib[i], rib[i - 1])
            along = along / (np.linalg.norm(along) + 1e-9)
            for hand in (-1, 1):
                dx = float(along[0] * 0.6 - hand * along[1] * 0.75) * leaf
                dy = float(along[1] * 0.6 + hand * along[0] * 0.75) * leaf * 0.6 + 0.012
                tone = light + 0.12 * float(rng.normal())
                sketch.shape([(x - 0.005, y - 0.003), (x + 0.005, y + 0.003), (x + dx, y + dy)], tone)
    return sketch.sprite()


def meadow_edge(rng: np.random.Generator, aspect: float, *, flowers: float, tall: float = 1.0) -> Sprite:
    """Return a strip of grass, `aspect` times as wide as high. Glow marks the flower heads, which have own colours."""
    height = 420
    sketch = Sketch(int(height * aspect), height)
    half = aspect / 2
    blades = int(200 * aspect)
    for blade in range(blades):
        depth = blade / blades  # later blades are in front: lower and lighter
        x = float(rng.uniform(-half, half))
        reach = float(rng.uniform(0.25, 0.72)) * (1 - 0.3 * depth) * tall * (0.75 + 0.3 * float(np.sin(x * 2.1)))
        lean = float(rng.normal(0.03, 0.14)) * reach * 1.6
        width = float(rng.uniform(0.008, 0.017))
        tone = 0.16 + 0.3 * depth + 0.28 * float(rng.random())
        points = [(x, 1.02), (x + lean * 0.25, 1 - reach * 0.5), (x + lean, 1 - reach)]
        sketch.limb(points, width, 0.001, tone)
        if flowers and rng.random() < flowers:
            size = float(rng.uniform(0.012, 0.03))
            tip = (x + lean, 1 - reach)
            for petal in range(6):
                a = petal * np.pi / 3 + float(rng.random())
                sketch.disc(
                    tip[0] + size * 0.7 * float(np.cos(a)),
                    tip[1] + size * 0.5 * float(np.sin(a)),
                    size * 0.55,
                    0.55 + 0.4 * float(rng.random()),
                    glow=0.8,
                )
            sketch.disc(*tip, size * 0.4, 0.95, glow=0.25)
    return sketch.sprite()


def reeds(rng: np.random.Generator, aspect: float) -> Sprite:
    height = 520
    sketch = Sketch(int(height * aspect), height)
    for _ in range(int(46 * aspect)):
        x = float(rng.normal(0, aspect / 5))
        reach = float(rng.uniform(0.35, 0.95))
        lean = float(rng.normal(0.05, 0.12)) * reach
        tone = float(rng.uniform(0.1, 0.55))
        points = [(x + lean * t * t, 1.02 - reach * float(t)) for t in np.linspace(0, 1, 6)]
        sketch.limb(points, 0.013, 0.002, tone)
        if rng.random() < 0.28:
            sketch.limb(points[-2:], 0.022, 0.02, 0.22)
    return sketch.sprite()


def boulder(rng: np.random.Generator, sun: Field) -> Sprite:
    """Return a round stone with pits. `sun` is the direction to the light: right, down, toward the viewer."""
    side = 420
    rows, columns = np.mgrid[-1.25 : 1.25 : side * 1j, -1.25 : 1.25 : side * 1j].astype(np.float32)
    noise = Noise(rng)
    angle = np.arctan2(rows, columns)
    rim = 0.86 + 0.13 * noise.fbm(as_field(np.cos(angle) * 1.3), as_field(np.sin(angle) * 1.3), 5)
    squash = float(rng.uniform(0.65, 0.95))
    far = np.sqrt(columns**2 + (rows / squash) ** 2) / rim
    dome = np.sqrt(np.clip(1 - far**2, 0, 1))
    relief = dome * 0.8 + 0.16 * noise.fbm(as_field(columns * 2.2), as_field(rows * 2.2), 7, gain=0.6)
    for _ in range(7):
        x, y, r = float(rng.uniform(-0.7, 0.7)), float(rng.uniform(-0.6, 0.6)), float(rng.uniform(0.06, 0.24))
        d = np.sqrt((columns - x) ** 2 + (rows - y) ** 2) / r
        relief -= 0.4 * r * np.exp(-((d * 1.1) ** 4)) - 0.16 * r * np.exp(-(((d - 1.1) / 0.22) ** 2))
    unit = side / 2.5
    dx, dy = np.gradient(relief, axis=1) * unit, np.gradient(relief, axis=0) * unit
    facing = (-dx * sun[0] - dy * sun[1] + sun[2]) / np.sqrt(1 + dx * dx + dy * dy)
    alpha = np.clip((1 - far) * unit * 0.6, 0, 1)
    return Sprite(as_field(alpha), as_field(np.clip(facing * 0.95, 0, 1)))


def stone(rng: np.random.Generator, side: float) -> Sprite:
    """Return the upper part of a boulder, nearly twice as wide as high."""
    whole = boulder(rng, as_field(np.array([0.72 * side, -0.5, 0.42])))
    part = np.s_[45:255, 20:400]
    return Sprite(whole.alpha[part], whole.shade[part])


def tuft(rng: np.random.Generator) -> Sprite:
    """Return one clump of grass, wider than high."""
    sketch = Sketch(360, 240)
    for _ in range(70):
        root = float(rng.normal(0, 0.2))
        reach = float(rng.uniform(0.35, 0.95)) * (1 - min(abs(root), 0.6))
        lean = root * 0.7 + float(rng.normal(0, 0.12))
        points = [(root, 1.02), (root + lean * 0.3, 1 - reach * 0.55), (root + lean, 1 - reach)]
        sketch.limb(points, 0.02, 0.003, float(rng.uniform(0.05, 0.75)))
    return sketch.sprite()
