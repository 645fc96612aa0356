"""`/api/presets`."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from shared.access.permissions import Permission
from shared.access.principal import Principal
from shared.camera.move import CameraMove
from shared.core.wire import Id, View
from shared.presets.presets import get_preset, presets
from shared.rest.caller import may
from shared.rest.pagination import Page, whole

router = APIRouter(prefix="/api/presets", tags=["presets"])

Read = Annotated[Principal, may(Permission.PRESETS_READ)]


class PresetView(View):
    preset_id: str = Field(serialization_alias="id")
    name: str
    description: str
    category: str
    thumbnail: str = Field(
        description="Path of a small JPEG on the studio's origin", examples=["/presets/dolly-in.jpg"]
    )
    preview: str = Field(description="Path of an animated WebP of two seconds", examples=["/presets/dolly-in.webp"])
    config: CameraMove
    is_default: bool
    is_public: bool


@router.get("", operation_id="listPresets")
def list_presets(_caller: Read, category: Annotated[str | None, Query(max_length=40)] = None) -> Page[PresetView]:
    """List the presets, all or those of one category."""
    return whole(
        PresetView.model_validate(preset) for preset in presets().values() if category in {None, preset.category}
    )


@router.get("/{preset_id}", operation_id="getPreset")
def read_preset(preset_id: Id, _caller: Read) -> PresetView:
    """Read one preset."""
    return PresetView.model_validate(get_preset(preset_id))
