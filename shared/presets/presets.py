"""Presets: the built-in camera moves, with the fields of `Preset` in the API contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from shared.camera.catalogue import default_moves, nearest
from shared.camera.move import CameraMove
from shared.core.errors import NotFound
from shared.core.versions import etag

_PUBLISHED = datetime(2026, 1, 1, tzinfo=UTC)  # built-in presets are code, without times


class PresetNotFound(NotFound):
    """The error about a preset that the caller does not have. Its suggestions are ids of similar built-in presets."""

    code = "preset_not_found"

    def __init__(self, preset_id: str) -> None:
        close = nearest(preset_id)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        super().__init__(f"There is no such preset.{hint}", suggestions=close)


@dataclass(frozen=True, slots=True)
class Preset:
    """A preset. `account_id` is None for presets of the studio; `is_public`: the studio's list contains it."""

    preset_id: str
    name: str
    description: str | None
    category: str
    config: CameraMove
    is_default: bool = True
    is_public: bool = True
    account_id: str | None = None
    user_id: str | None = None
    created_at: datetime = _PUBLISHED
    updated_at: datetime = _PUBLISHED

    @property
    def thumbnail(self) -> str:
        """Path of a small JPEG on the site of the studio, which shows built-in presets only."""
        return f"/presets/{self.preset_id}.jpg"

    @property
    def preview(self) -> str:
        """Path of an animated WebP on the site of the studio: two seconds of the move of a built-in preset."""
        return f"/presets/{self.preset_id}.webp"

    @property
    def etag(self) -> str:
        return etag(self)

    def fits(self, text: str | None, category: str | None) -> bool:
        """Return whether the preset has the category, and its texts contain each word of `text`."""
        about = f"{self.preset_id} {self.name} {self.description or ''} {self.category}".casefold()
        return category in {None, self.category} and all(word in about for word in (text or "").casefold().split())


@cache
def presets() -> Mapping[str, Preset]:
    """Return all built-in presets by id, in the catalogue's order."""
    return {
        move.id: Preset(move.id, move.name, move.description, move.category, move.move)
        for move in default_moves().values()
    }


def get_preset(preset_id: str) -> Preset:
    """Return the built-in preset with that id. Raise PresetNotFound, with the ids that are similar."""
    if preset := presets().get(preset_id):
        return preset
    raise PresetNotFound(preset_id)
