"""Presets: the default camera moves, as the seed's `Preset`."""

from dataclasses import dataclass

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
        """Path of a small JPEG below the studio's own address."""
        return f"/presets/{self.preset_id}.jpg"

    @property
    def preview(self) -> str:
        """Path of two seconds of the move, an animated WebP, below the studio's own address."""
        return f"/presets/{self.preset_id}.webp"


def presets() -> list[Preset]:
    """All default presets, in the catalogue's order."""
    return [Preset(move.id, move.name, move.description, move.category, move.move) for move in default_moves().values()]


def get_preset(preset_id: str) -> Preset:
    """The preset of that id; for an id that is nearly right the error names those it may have meant."""
    for preset in presets():
        if preset.preset_id == preset_id:
            return preset
    close = nearest(preset_id)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    raise PresetNotFound(f"There is no preset called {preset_id[:60]}.{hint}", suggestions=close)
