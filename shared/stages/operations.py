"""The post-processing operations of a film, and their grammar: `name` or `name:choice`."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from shared.stages.failures import StageFailure
from shared.stages.frames import LONGEST_SIDE, Resolution

LARGEST_SHORT_SIDE = Resolution.ULTRA_HD.short_side
LOOKS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("looks.toml").read_text("utf-8"))

_AMOUNTS = {"light": 0.5, "medium": 0.75, "strong": 1.0}
_AMOUNT_NAMES = tuple(_AMOUNTS)
_CORNERS = ("bottom-right", "bottom-left", "top-right", "top-left")
_YES = ("yes",)  # the only choice of an operation that is on or off


class _Kind(NamedTuple):
    about: str
    choices: tuple[str, ...]
    default: str


OPERATIONS: dict[str, _Kind] = {
    "stabilise": _Kind("removes camera shake", _AMOUNT_NAMES, "strong"),
    "denoise": _Kind("reduces noise and keeps motion sharp", _AMOUNT_NAMES, "medium"),
    "loop": _Kind("joins the end to the start: the crossfade's seconds", ("0.25", "0.5", "1"), "0.5"),
    "interpolate": _Kind(
        "frames per second, which the camera draws, or which are made along the motion", ("48", "60"), "60"
    ),
    "upscale": _Kind("factor of width and height", ("2", "4"), "2"),
    "sharpen": _Kind("sharper edges", _AMOUNT_NAMES, "medium"),
    "grade": _Kind("a colour look", tuple(LOOKS), "teal-orange"),
    "vignette": _Kind("darker towards the corners", _AMOUNT_NAMES, "medium"),
    "grain": _Kind("film grain", _AMOUNT_NAMES, "medium"),
    "letterbox": _Kind("black bars around this aspect ratio", ("1.85", "2", "2.35", "2.39"), "2.39"),
    "watermark": _Kind("the Kinora watermark in a corner", _CORNERS, "bottom-right"),
    "fade": _Kind("fade in from black, fade out to black", ("in", "out", "both"), "both"),
    "av1": _Kind("also encode the film as AV1", _YES, "yes"),
    "gif": _Kind("also make the preview as GIF", _YES, "yes"),
}


class Operation(NamedTuple):
    """One requested operation with its choice."""

    name: str
    choice: str

    def __str__(self) -> str:
        return self.name if OPERATIONS[self.name].choices == _YES else f"{self.name}:{self.choice}"

    @property
    def amount(self) -> float:
        """The amount, 0..1, of an operation whose choices are light, medium and strong."""
        return _AMOUNTS[self.choice]


def parse(texts: Iterable[str]) -> dict[str, Operation]:
    """Return the requested operations by name, in order.

    Raise StageFailure `operation_unknown`, which lists the known ones, or `operation_repeated`.
    """
    requested: dict[str, Operation] = {}
    for text in texts:
        operation = _parse(text)
        if operation.name in requested:
            raise StageFailure("operation_repeated", f"The operation “{operation.name}” appears twice.")
        requested[operation.name] = operation
    return requested


def final_size(width: int, height: int, requested: dict[str, Operation]) -> tuple[int, int]:
    """Return width and height in pixels, even, after `upscale`. Raise StageFailure `upscale_too_large` beyond 4K."""
    factor = int(requested["upscale"].choice) if "upscale" in requested else 1
    too_large = factor * min(width, height) > LARGEST_SHORT_SIDE or factor * max(width, height) > LONGEST_SIDE
    if factor > 1 and too_large:
        sentence = f"“upscale:{factor}” of {width} x {height} pixels is more than 4K, the maximum."
        raise StageFailure("upscale_too_large", sentence)
    return (width & ~1) * factor, (height & ~1) * factor


def _parse(text: str) -> Operation:
    name, _, choice = text.strip().lower().partition(":")
    if name not in OPERATIONS:
        raise StageFailure(
            "operation_unknown", f"There is no operation “{name}”. Known operations: {', '.join(OPERATIONS)}."
        )
    kind = OPERATIONS[name]
    choice = choice or kind.default
    if choice not in kind.choices:
        known = ", ".join(kind.choices)
        raise StageFailure("operation_unknown", f"The operation “{name}” has no choice “{choice}”. Known: {known}.")
    return Operation(name, choice)
