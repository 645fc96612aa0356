"""A picture in parts, as a stage is set: a backdrop with its depth, and flats standing upright before it.

Whoever paints a picture knows what its near things hide. Handed on in parts, a moving camera shows that, where it would
have to guess from the picture alone.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple, Self
from zipfile import ZIP_STORED, BadZipFile, ZipFile

import cv2
import numpy as np
import numpy.typing as npt

from workers.media.planes import Bytes, Floats, as_bytes, as_floats

_PLAN = "scenery.json"
_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class Flat(NamedTuple):
    """One upright thing at one distance, whole: `rgba` (height x width x 4) stands with its corner at that pixel."""

    left: int
    top: int
    rgba: Bytes  # the thing's own colour all over, and how much of each pixel is the thing's
    nearness: float  # 0 far .. 1 near, as that of the picture


class Scenery(NamedTuple):
    """`backdrop` is RGB of the picture's size, `nearness` its own 0..1 of any size; `flats` from far to near."""

    backdrop: Bytes
    nearness: Floats
    flats: tuple[Flat, ...]

    def picture(self) -> Bytes:
        """All of it together: RGB, height x width x 3."""
        whole = self.backdrop.copy()
        for flat in self.flats:
            rows, columns = flat.rgba.shape[:2]
            place = whole[flat.top : flat.top + rows, flat.left : flat.left + columns]
            share = as_floats(flat.rgba[..., 3] / np.float32(255))
            place[:] = cv2.blendLinear(np.ascontiguousarray(flat.rgba[..., :3]), place.copy(), share, 1 - share)
        return whole

    def save(self, folder: Path) -> Path:
        """Write `scenery.zip`: a plan in JSON, and PNGs."""
        path = folder / "scenery.zip"
        with ZipFile(path, "w", ZIP_STORED) as file:
            file.writestr("backdrop.png", _png(cv2.cvtColor(self.backdrop, cv2.COLOR_RGB2BGR)))
            file.writestr("depth.png", _png(np.rint(self.nearness * 65535).astype(np.uint16)))
            plan = []
            for number, flat in enumerate(self.flats):
                file.writestr(f"flat{number}.png", _png(cv2.cvtColor(flat.rgba, cv2.COLOR_RGBA2BGRA)))
                plan.append({"left": flat.left, "top": flat.top, "nearness": flat.nearness})
            file.writestr(_PLAN, json.dumps(plan))
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """What `save` wrote; ValueError if it is not that."""
        try:
            with ZipFile(path) as file:
                backdrop = as_bytes(cv2.cvtColor(_image(file, "backdrop.png", 3), cv2.COLOR_BGR2RGB))
                nearness = as_floats(_image(file, "depth.png", 2).astype(np.float32) / np.float32(65535))
                plan = json.loads(file.read(_PLAN))
                flats = tuple(_flat(file, number, place) for number, place in enumerate(plan))
        except (BadZipFile, KeyError, TypeError, cv2.error) as unreadable:
            raise ValueError("no scenery") from unreadable
        return cls(backdrop, nearness, flats)


def _flat(file: ZipFile, number: int, place: dict[str, Any]) -> Flat:
    rgba = as_bytes(cv2.cvtColor(_image(file, f"flat{number}.png", 3), cv2.COLOR_BGRA2RGBA))
    return Flat(int(place["left"]), int(place["top"]), rgba, float(place["nearness"]))


def _png(picture: npt.NDArray[Any]) -> bytes:
    return cv2.imencode(".png", picture, _FAST)[1].tobytes()


def _image(file: ZipFile, name: str, dimensions: int) -> npt.NDArray[Any]:
    picture = cv2.imdecode(np.frombuffer(file.read(name), np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != dimensions:
        raise ValueError(f"{name} is not what it should be")
    return picture
