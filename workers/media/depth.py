"""The disparity of each point of a picture, read from a depth map or estimated from the picture alone."""

from pathlib import Path

import cv2
import numpy as np

from workers.media.lines import straight_lines
from workers.media.planes import Bytes, Floats, as_bytes, as_floats

_SIDE = 512  # maximum long side in pixels at which depth is estimated
_SOFTNESS, _SOFTEST = 1 / 64, 1 / 8  # first and maximum sigma of the blur, as fractions of the long side
_STEEPEST = (
    0.25  # minimum distance over which disparity may go from 0 to 1, as a fraction of the short side (0.2 tears)
)
_MOST_FEET = 0.8  # share of upright lines, by length, that end above the ground
_LOWEST, _LOWEST_FEET = 0.7, 0.85  # lowest row of a horizon, and of the first ground under upright things
_THIN = 1 / 32  # maximum width of things that do not divide the sky, as a fraction of the long side
_LARGE, _AS_LIGHT = 0.002, 0.05  # minimum area of a region beyond them, and maximum difference of its lightness
_UPRIGHT = 0.45  # maximum ratio of an upright line's width to its height
_SHORT, _MANY = 0.05, 200  # minimum length of an upright line, as a fraction of the short side, and how many are used
# Upright lines that show where the ground begins: minimum share of all lines, by width and height, and minimum height
# in all, as a fraction of the picture's short side.
_MAINLY, _STANDING = 0.6, 1.0
# A certain ground: minimum share of columns with a sky that ends below `_SKY_BEGINS`, and the maximum standard
# deviation of the rows where it ends, as fractions of the height.
_UNDER_SKY, _SKY_BEGINS, _UNEVEN = 0.65, 0.05, 0.12


def read_depth(path: Path) -> Floats:
    """Return the disparity 0..1 (float32) of a 16-bit grey PNG, in which 0 is far and 65535 near.

    Raise ValueError for any other file.
    """
    try:
        raw = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:  # an empty file, or a size beyond OpenCV's limits
        raise ValueError("the picture cannot be decoded") from error
    if raw is None or raw.dtype != np.uint16 or raw.ndim != 2:
        raise ValueError("not a 16-bit grey picture")
    return np.asarray(raw, np.float32) / np.float32(65535)


def estimate(rgb: Bytes) -> Floats:
    """Estimate the disparity 0..1 (float32, long side at most 512 pixels) of a picture (height x width x 3).

    It weighs the cues that painters use. Below the horizon, lower points are nearer. A smooth region at the top edge is
    sky. Distance reduces colour and texture. The subject differs from the frame's border. A guided filter (He et
    al. 2010) spreads the result over regions of one colour. The result is blurred until it has no edges, even where the
    picture has some. A wrong edge would tear an object when the camera moves; a wrong soft slope only bends it.
    """
    height, width = rgb.shape[:2]
    scale = min(1.0, _SIDE / max(height, width))
    size = (max(round(width * scale), 8), max(round(height * scale), 8))
    small = as_bytes(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
    lab = as_floats(cv2.cvtColor(small.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2LAB))
    light, chroma = lab[..., 0] / np.float32(100), as_floats(cv2.magnitude(lab[..., 1], lab[..., 2])) / np.float32(100)
    down = np.linspace(0, 1, size[1], dtype=np.float32)[:, None] * np.ones((1, size[0]), np.float32)

    sky = _sky(light)
    horizon = _horizon(sky) or _feet(small)
    position = as_floats(np.clip((down - horizon) / (1 - horizon), 0, 1))
    texture = _even(_blur(np.abs(light - _blur(light, 1.5)), size[0] / 40))
    nearness = 0.62 * position + 0.14 * texture + 0.10 * _even(chroma) + 0.30 * _subject(lab, down)
    nearness = nearness * (1 - sky)
    guide = light.astype(np.float32)
    for radius, softness in ((size[0] // 12, 1e-2), (size[0] // 40, 1e-3)):
        nearness = guided(guide, nearness.astype(np.float32), max(radius, 2), softness)
    return _soft(nearness, position)


def ground_is_certain(rgb: Bytes) -> bool:
    """Return whether a sky of nearly even depth lies over the whole picture (height x width x 3).

    Then the picture below it is ground that rises to a horizon, and the estimate is right about it.
    """
    scale = min(1.0, _SIDE / max(rgb.shape[:2]))
    small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    sky = _sky(as_floats(cv2.cvtColor(as_bytes(small), cv2.COLOR_RGB2LAB)[..., 0] / np.float32(255)))
    down = np.arange(1, len(sky) + 1, dtype=np.float32)[:, None] / len(sky)
    lowest = (sky * down).max(axis=0)
    return bool((lowest > _SKY_BEGINS).mean() >= _UNDER_SKY and lowest.std() <= _UNEVEN)


def _soft(nearness: Floats, otherwise: Floats) -> Floats:
    """Scale to 0..1 and blur until no edge is left. Return `otherwise` if the range of values is below 0.05."""
    sigma, widest = max(nearness.shape) * _SOFTNESS, max(nearness.shape) * _SOFTEST
    while True:
        soft = _blur(nearness, sigma)
        low, high = np.quantile(soft, [0.01, 0.99])
        if high - low < 0.05:
            return otherwise
        soft = as_floats(np.clip((soft - low) / (high - low), 0, 1).astype(np.float32))
        down, across = (np.diff(soft, axis=axis, prepend=np.take(soft, [0], axis)) for axis in (0, 1))
        if sigma >= widest or np.hypot(down, across).max() * _STEEPEST * min(soft.shape) < 1:
            return soft
        sigma *= 1.25


def _sky(light: Floats) -> Floats:
    """Return 1 in smooth regions that touch the top edge (a sky at any hour, or a wall), 0 elsewhere.

    Thin things, for example cables and branches, do not divide the sky: a smooth region beyond them is sky if it is as
    light there.
    """
    slope = np.hypot(cv2.Sobel(light, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(light, cv2.CV_32F, 0, 1, scale=0.25))
    plausible = _blur(slope.astype(np.float32), 1.5) < 0.02
    plausible[int(len(plausible) * 0.75) :] = False
    _, labels, stats, _ = cv2.connectedComponentsWithStats(plausible.astype(np.uint8), connectivity=4)
    at_top = np.bincount(labels[0][plausible[0]], minlength=len(stats))
    hanging = at_top > labels.shape[1] * 0.08
    reach = max(round(_THIN * max(light.shape)), 3)
    around = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    rest = {i for i in np.flatnonzero(stats[:, cv2.CC_STAT_AREA] > _LARGE * light.size) if i and not hanging[i]}
    while True:
        sky = hanging[labels]
        beside = cv2.dilate(sky.astype(np.uint8), around) > 0
        joined = set()
        for i in rest:
            region = labels == i
            here, there = region & beside, sky & (cv2.dilate(region.astype(np.uint8), around) > 0)
            if here.any() and abs(np.median(light[here]) - np.median(light[there])) < _AS_LIGHT:
                joined.add(i)
        if not joined:
            break
        hanging[list(joined)] = True
        rest -= joined
    return as_floats(
        cv2.morphologyEx(
            sky.astype(np.float32), cv2.MORPH_CLOSE, around[reach // 2 : -(reach // 2), reach // 2 : -(reach // 2)]
        )
    )


def _horizon(sky: Floats) -> float:
    """Return the lowest row that is more than a tenth sky, as a fraction of the height, at most 0.7; 0 without sky."""
    rows = np.flatnonzero(sky.mean(axis=1) > 0.1)
    return min(float(rows[-1] + 1) / len(sky), _LOWEST) if rows.size else 0.0


def _feet(picture: Bytes) -> float:
    """Return the row at which most upright lines end, as a fraction of the height, at most 0.85; 0 without such lines.

    Upright things stand on the ground. Above the ground's first row, one distance for each keeps them straight.
    """
    height, width = picture.shape[:2]
    lines = straight_lines(picture, _SHORT, _MANY)
    across, down = np.abs(lines[:, 2] - lines[:, 0]) * width, np.abs(lines[:, 3] - lines[:, 1]) * height
    standing = across < _UPRIGHT * down
    lengths, ends = down[standing], lines[standing][:, [1, 3]].max(axis=1)
    if lengths.sum() < max(_STANDING * min(width, height), _MAINLY * (across + down).sum()):
        return 0.0
    order = np.argsort(ends)
    return min(float(ends[order][np.searchsorted(lengths[order].cumsum(), _MOST_FEET * lengths.sum())]), _LOWEST_FEET)


def _subject(lab: Floats, down: Floats) -> Floats:
    """Return the difference of each colour from the colours of the frame's border, weighted toward the centre, 0..1."""
    blurred = as_floats(cv2.GaussianBlur(lab, (0, 0), max(lab.shape[1] / 120, 0.8)))
    rim = max(min(lab.shape[:2]) // 20, 1)
    border = np.concatenate(
        [blurred[:rim].reshape(-1, 3), blurred[:, :rim].reshape(-1, 3), blurred[:, -rim:].reshape(-1, 3)]
    )
    quantised = np.unique(np.round(border / 8), axis=0)[:256].astype(np.float32) * 8
    distance = np.full(lab.shape[:2], np.inf, np.float32)
    light, a, b = cv2.split(blurred)
    for colour in quantised:
        apart = (light - colour[0]) ** 2 + (a - colour[1]) ** 2 + (b - colour[2]) ** 2
        np.minimum(distance, apart, out=distance)
    across = np.linspace(-1, 1, lab.shape[1], dtype=np.float32)
    centre = np.exp(-(across**2) / 0.5 - (2 * down - 1.1) ** 2 / 0.8)
    return (_even(np.sqrt(distance)) * centre).astype(np.float32)


def guided(guide: Floats, values: Floats, radius: int, softness: float) -> Floats:
    """Return the values, smoothed along the edges of the guide (He et al. 2010). `radius` is in pixels."""

    def mean(a: Floats) -> Floats:
        return as_floats(cv2.boxFilter(a, -1, (2 * radius + 1, 2 * radius + 1), borderType=cv2.BORDER_REFLECT))

    mean_guide, mean_values = mean(guide), mean(values)
    slope = (mean(guide * values) - mean_guide * mean_values) / (mean(guide * guide) - mean_guide**2 + softness)
    offset = mean_values - slope * mean_guide
    return (mean(slope.astype(np.float32)) * guide + mean(offset.astype(np.float32))).astype(np.float32)


def _even(values: Floats) -> Floats:
    """Scale the values so that the highest two per cent are 1."""
    return as_floats(np.clip(values / np.float32(max(float(np.quantile(values, 0.98)), 1e-4)), 0, 1))


def _blur(values: Floats, sigma: float) -> Floats:
    return as_floats(cv2.GaussianBlur(values, (0, 0), sigma))
