"""What finishing can do to a film: the operations, and how they are asked for (`name` or `name:choice`)."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from shared.stages.failures import StageFailure
from shared.stages.frames import Resolution

LARGEST_SHORT_SIDE = Resolution.ULTRA_HD.short_side
LOOKS: dict[str, dict[str, Any]] = tomllib.loads(Path(__file__).with_name("looks.toml").read_text("utf-8"))

_AMOUNTS = {"light": 0.5, "medium": 0.75, "strong": 1.0}
_HOW_MUCH = tuple(_AMOUNTS)
_CORNERS = ("bottom-right", "bottom-left", "top-right", "top-left")
_ASKED = ("yes",)  # the only choice of an operation that is done or not


class _Kind(NamedTuple):
    about: str
    choices: tuple[str, ...]
    default: str


OPERATIONS: dict[str, _Kind] = {
    "stabilise": _Kind("takes the shake out of the camera", _HOW_MUCH, "strong"),
    "denoise": _Kind("calms noise and leaves motion alone", _HOW_MUCH, "medium"),
    "loop": _Kind("ends as it begins: a crossfade of so many seconds", ("0.25", "0.5", "1"), "0.5"),
    "interpolate": _Kind("frames a second, those between drawn along the motion", ("48", "60"), "60"),
    "upscale": _Kind("so many times as wide and high", ("2", "4"), "2"),
    "sharpen": _Kind("crisper edges", _HOW_MUCH, "medium"),
    "grade": _Kind("a colour look", tuple(LOOKS), "teal-orange"),
    "vignette": _Kind("darker towards the corners", _HOW_MUCH, "medium"),
    "grain": _Kind("the grain of film", _HOW_MUCH, "medium"),
    "letterbox": _Kind("black bars that leave this aspect ratio", ("1.85", "2", "2.35", "2.39"), "2.39"),
    "watermark": _Kind("our mark in a corner", _CORNERS, "bottom-right"),
    "fade": _Kind("from black, to black", ("in", "out", "both"), "both"),
    "av1": _Kind("the film in AV1 too", _ASKED, "yes"),
    "gif": _Kind("the preview as GIF too", _ASKED, "yes"),
}


class Operation(NamedTuple):
    """One thing asked for."""

    name: str
    choice: str

    def __str__(self) -> str:
        return self.name if OPERATIONS[self.name].choices == _ASKED else f"{self.name}:{self.choice}"

    @property
    def amount(self) -> float:
        """How much, 0..1, of an operation that is done more or less."""
        return _AMOUNTS[self.choice]


def parse(texts: Iterable[str]) -> dict[str, Operation]:
    """What is asked for, by name, in its order.

    StageFailure `operation_unknown` names what there is instead, `operation_repeated` what stands there twice.
    """
    asked: dict[str, Operation] = {}
    for text in texts:
        operation = _parse(text)
        if operation.name in asked:
            raise StageFailure("operation_repeated", f"The operation “{operation.name}” can be asked for once.")
        asked[operation.name] = operation
    return asked


def final_size(width: int, height: int, asked: dict[str, Operation]) -> tuple[int, int]:
    """Width and height in pixels, even, with `upscale`; StageFailure `upscale_too_large` beyond 4K."""
    factor = int(asked["upscale"].choice) if "upscale" in asked else 1
    if factor > 1 and factor * min(width, height) > LARGEST_SHORT_SIDE:
        sentence = f"“upscale:{factor}” of {min(width, height)} lines is more than 4K, the largest there is."
        raise StageFailure("upscale_too_large", sentence)
    return (width & ~1) * factor, (height & ~1) * factor


def _parse(text: str) -> Operation:
    name, _, choice = text.strip().lower().partition(":")
    if name not in OPERATIONS:
        raise StageFailure("operation_unknown", f"There is no operation “{name}”. There is: {', '.join(OPERATIONS)}.")
    kind = OPERATIONS[name]
    choice = choice or kind.default
    if choice not in kind.choices:
        there_is = ", ".join(kind.choices)
        raise StageFailure("operation_unknown", f"The operation “{name}” has no “{choice}”. There is: {there_is}.")
    return Operation(name, choice)
