"""A picture in parts: a backdrop with its depth, and billboard layers (flats) in front of it.

The painter also paints the pixels behind its near objects. The renderer shows them when the camera moves. In a single
picture they are missing, and the renderer would have to invent them.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple, Self
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import cv2
import numpy as np
import numpy.typing as npt

from workers.media.planes import Bytes, Floats, as_bytes, as_floats

_PLAN = "scenery.json"
_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


class Flat(NamedTuple):
    """A billboard layer: one whole object at one distance. `rgba` is height x width x 4, its corner at (left, top)."""

    left: int  # pixels
    top: int  # pixels
    rgba: Bytes  # the object's colour, not premultiplied, and its coverage
    nearness: float  # disparity, 0 far .. 1 near, on the picture's scale


class Scenery(NamedTuple):
    """A backdrop (RGB of the picture's size), its disparity `nearness` (0..1, any size), and flats from far to near."""

    backdrop: Bytes
    nearness: Floats
    flats: tuple[Flat, ...]

    def picture(self) -> Bytes:
        """Return the composited picture: RGB, height x width x 3."""
        whole = self.backdrop.copy()
        for flat in self.flats:
            rows, columns = flat.rgba.shape[:2]
            place = whole[flat.top : flat.top + rows, flat.left : flat.left + columns]
            share = as_floats(flat.rgba[..., 3] / np.float32(255))
            place[:] = cv2.blendLinear(np.ascontiguousarray(flat.rgba[..., :3]), place.copy(), share, 1 - share)
        return whole

    def save(self, folder: Path) -> Path:
        """Write `scenery.zip`, which holds a JSON plan and PNGs, and return its path."""
        path = folder / "scenery.zip"
        files: dict[str, bytes | str] = {
            "backdrop.png": _png(cv2.cvtColor(self.backdrop, cv2.COLOR_RGB2BGR)),
            "depth.png": _png(np.rint(self.nearness * 65535).astype(np.uint16)),
        }
        plan = []
        for number, flat in enumerate(self.flats):
            files[f"flat{number}.png"] = _png(cv2.cvtColor(flat.rgba, cv2.COLOR_RGBA2BGRA))
            plan.append({"left": flat.left, "top": flat.top, "nearness": flat.nearness})
        with ZipFile(path, "w", ZIP_STORED) as file:
            for name, content in (files | {_PLAN: json.dumps(plan)}).items():
                file.writestr(ZipInfo(name), content)  # without the time, so that equal sceneries give equal files
        return path

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file that `save` wrote. Raise ValueError for any other file."""
        try:
            with ZipFile(path) as file:
                backdrop = as_bytes(cv2.cvtColor(_image(file, "backdrop.png", 3), cv2.COLOR_BGR2RGB))
                nearness = as_floats(_image(file, "depth.png", 2).astype(np.float32) / np.float32(65535))
                plan = json.loads(file.read(_PLAN))
                flats = tuple(_flat(file, number, place) for number, place in enumerate(plan))
        except (BadZipFile, KeyError, TypeError, cv2.error) as unreadable:
            raise ValueError("the file is not a scenery") from unreadable
        return cls(backdrop, nearness, flats)


def _flat(file: ZipFile, number: int, place: dict[str, Any]) -> Flat:
    rgba = as_bytes(cv2.cvtColor(_image(file, f"flat{number}.png", 3), cv2.COLOR_BGRA2RGBA))
    return Flat(int(place["left"]), int(place["top"]), rgba, float(place["nearness"]))


def _png(picture: npt.NDArray[Any]) -> bytes:
    return cv2.imencode(".png", picture, _FAST)[1].tobytes()


def _image(file: ZipFile, name: str, dimensions: int) -> npt.NDArray[Any]:
    picture = cv2.imdecode(np.frombuffer(file.read(name), np.uint8), cv2.IMREAD_UNCHANGED)
    if picture is None or picture.ndim != dimensions:
        raise ValueError(f"{name} is not a picture of {dimensions} dimensions")
    return picture
