"""Presets: the built-in camera moves with the fields of `Preset` in the API contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from shared.camera.catalogue import default_moves, nearest
from shared.camera.move import CameraMove
from shared.core.errors import NotFound


class PresetNotFound(NotFound):
    code = "preset_not_found"


@dataclass(frozen=True, slots=True)
class Preset:
    preset_id: str
    name: str
    description: str
    category: str
    config: CameraMove
    is_default: bool = True
    is_public: bool = True

    @property
    def thumbnail(self) -> str:
        """Path of a small JPEG on the site of the studio."""
        return f"/presets/{self.preset_id}.jpg"

    @property
    def preview(self) -> str:
        """Path of an animated WebP on the site of the studio: two seconds of the move."""
        return f"/presets/{self.preset_id}.webp"


@cache
def presets() -> Mapping[str, Preset]:
    """Return all built-in presets by id, in the catalogue's order."""
    return {
        move.id: Preset(move.id, move.name, move.description, move.category, move.move)
        for move in default_moves().values()
    }


def get_preset(preset_id: str) -> Preset:
    """Return the preset with that id. Raise PresetNotFound, with the ids that are similar."""
    if preset := presets().get(preset_id):
        return preset
    close = nearest(preset_id)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise PresetNotFound(f"There is no preset called {preset_id[:60]}.{hint}", suggestions=close)
