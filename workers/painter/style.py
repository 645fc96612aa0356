"""Painting styles for a developed picture: watercolour, oil, poster, noir, vaporwave."""

from collections.abc import Callable, Mapping
from functools import partial

import cv2
import numpy as np

from shared.vocabulary.words import Style
from workers.painter.canvas import mix
from workers.painter.grade import luminance
from workers.painter.noise import Field, Noise, as_field, blurred, resized, smoothstep, stream

Corner = tuple[int, int]  # column and row of a part in its picture
Brush = Callable[[Field, Corner], Field]

# Width beside a part that changes the part's style, in scales of the picture.
MARGIN: Mapping[Style, float] = {Style.OIL: 0.015, Style.WATERCOLOUR: 0.02, Style.POSTER: 0.015}


def _noise(picture: Field, corner: Corner, seed: int, cell: float, octaves: int, stretch: float = 1.0) -> Field:
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    rows, columns = rows + np.float32(corner[1]), columns + np.float32(corner[0])
    return Noise(stream(seed, f"paper {cell}")).fbm(
        as_field(columns / cell), as_field(rows / (cell * stretch)), octaves
    )


def _kuwahara(picture: Field, radius: int) -> Field:
    """Apply the Kuwahara filter (1976): each pixel takes the mean of the adjacent square with the least variance."""
    grey = luminance(picture)
    size = (radius + 1, radius + 1)
    best = np.full(grey.shape, np.inf, np.float32)
    out = picture.copy()
    for anchor in ((0, 0), (radius, 0), (0, radius), (radius, radius)):
        mean = cv2.boxFilter(picture, -1, size, anchor=anchor)
        spread = cv2.boxFilter(grey * grey, -1, size, anchor=anchor) - cv2.boxFilter(grey, -1, size, anchor=anchor) ** 2
        calmer = spread < best
        best = np.where(calmer, spread, best)
        out[calmer] = mean[calmer]
    return as_field(out)


def _at_half(picture: Field, radius: float, scale: float, passes: int) -> Field:
    height, width = picture.shape[:2]
    factor = min(1.0, 1100 / scale)
    small = resized(picture, max(2, int(width * factor)), max(2, int(height * factor)), cv2.INTER_AREA)
    for _ in range(passes):
        small = _kuwahara(small, max(1, round(radius * scale * factor)))
    return resized(small, width, height, cv2.INTER_CUBIC)


def _oil(picture: Field, corner: Corner, scale: float, seed: int) -> Field:
    strokes = _at_half(picture, 0.0036, scale, 2)
    bristle = _noise(picture, corner, seed, scale / 420, 3, 0.35) + _noise(picture, corner, seed, scale / 150, 2, 2.4)
    grey = blurred(luminance(strokes), scale / 500) + 0.035 * bristle
    relief = cv2.Sobel(grey, cv2.CV_32F, 1, 1, ksize=3)
    rich = luminance(strokes)[..., None]
    return as_field(rich + (strokes - rich) * 0.98 + np.clip(relief * 0.9, -0.09, 0.09)[..., None])


def _watercolour(picture: Field, corner: Corner, scale: float, seed: int) -> Field:
    wash = _at_half(picture, 0.0045, scale, 2)
    grey = luminance(wash)
    bleed = _noise(picture, corner, seed, scale / 14, 5)
    grain = _noise(picture, corner, seed, scale / 500, 3)
    edge = np.clip((blurred(grey, scale / 260) - grey) * 2.2, -0.02, 0.16)
    pale = 1 - (1 - wash) * (0.74 + 0.16 * bleed + 0.07 * grain)[..., None]
    pale = pale - edge[..., None] * np.array([0.7, 0.62, 0.5], np.float32)
    paper = np.array([0.975, 0.965, 0.94], np.float32) * (1 + 0.02 * grain)[..., None]
    return as_field(pale * paper)


def _median(picture: Field, scale: float, finest: float) -> Field:
    """Return the median of each channel around each pixel, calculated at a scale of at most `finest` pixels."""
    height, width = picture.shape[:2]
    factor = min(1.0, finest / scale)
    size = (max(2, int(width * factor)), max(2, int(height * factor)))
    flat = np.clip(resized(picture, *size, cv2.INTER_AREA) * 255, 0, 255).astype(np.uint8)
    window = 2 * round(scale * factor * 0.0035) + 1
    for _ in range(2):
        flat = np.asarray(cv2.medianBlur(flat, window), np.uint8)
    return resized(as_field(flat.astype(np.float32) / 255), width, height, cv2.INTER_CUBIC)


def _poster(picture: Field, _corner: Corner, scale: float, tones: tuple[float, float]) -> Field:
    """Reduce the picture to a few flat inks with clean outlines: the median of each channel, quantised.

    `tones` are the luminances of the darkest and the lightest ink.
    """
    smooth = _median(picture, scale, 1400)
    grey = luminance(smooth)
    low, high = tones
    levels = 6.0
    stepped = as_field(np.clip((grey - low) / max(high - low, 0.05), 0, 1) * levels)
    across = np.hypot(
        cv2.Sobel(stepped, cv2.CV_32F, 1, 0, scale=1 / 8), cv2.Sobel(stepped, cv2.CV_32F, 0, 1, scale=1 / 8)
    )
    step = np.floor(stepped)
    edge = np.clip((stepped - step - 0.5) / np.maximum(across, 0.02) + 0.5, 0, 1)  # one pixel wide at any slope
    tone = as_field((step + edge) / levels)
    ink = mix(np.array([0.05, 0.11, 0.2], np.float32), np.array([1.0, 0.95, 0.83], np.float32), tone[..., None])
    hue = smooth / np.maximum(grey, 0.06)[..., None]
    return mix(ink, as_field(hue * (0.1 + 0.86 * tone)[..., None]), 0.66)


def _noir(picture: Field, _corner: Corner, seed: int) -> Field:
    grey = picture @ np.array([0.42, 0.4, 0.18], np.float32)
    curve = smoothstep(0.04, 0.86, as_field(grey))
    grain = stream(seed, "grain").standard_normal(grey.shape, np.float32) * 0.018
    return as_field((curve * 0.96 + grain)[..., None] * np.array([1.0, 0.985, 0.96], np.float32))


def _vaporwave(picture: Field, _corner: Corner) -> Field:
    grey = luminance(picture)[..., None]
    dark, middle, light = np.array([[0.07, 0.02, 0.2], [0.8, 0.18, 0.62], [0.75, 0.98, 1.0]], np.float32)
    map_ = mix(mix(dark, middle, smoothstep(0.02, 0.55, grey)), light, smoothstep(0.5, 1.0, grey))
    return mix(picture, map_, 0.25)


def brush_of(style: Style, picture: Field, scale: float, seed: int) -> Brush:
    """Return the function that turns parts of a displayed picture, (h, w, 3) in 0..1, into a style.

    Outlines keep their positions.
    """
    match style:
        case Style.OIL:
            return partial(_oil, scale=scale, seed=seed)
        case Style.WATERCOLOUR:
            return partial(_watercolour, scale=scale, seed=seed)
        case Style.POSTER:
            low, high = np.percentile(luminance(_median(picture, scale, 700))[::8, ::8], (1, 99))
            return partial(_poster, scale=scale, tones=(float(low), float(high)))
        case Style.NOIR:
            return partial(_noir, seed=seed)
        case Style.VAPORWAVE:
            return _vaporwave
    return lambda part, _: part
