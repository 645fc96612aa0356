"""The bodies of `/api/presets`."""

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from shared.camera.catalogue import Category
from shared.camera.move import CameraMove
from shared.core.ids import organization_of
from shared.core.wire import Id, Name, View, Wire
from shared.presets.presets import Preset

_MOVE: dict[str, Any] = {"keyframes": [{"at": 0}, {"at": 1, "zoom": 1.6}], "easing": "ease_in_out"}
_FIELDS = {"name": "Slow reveal", "description": "For harbours.", "category": "zoom"}


def _single(move: CameraMove) -> CameraMove:
    if move.stacked:
        raise ValueError("a preset has one move; stack two presets in the settings of a job")
    return move


PresetName = Annotated[Name, Field(min_length=1, max_length=80)]
Description = Annotated[Name, Field(max_length=300)]
Move = Annotated[CameraMove, AfterValidator(_single), Field(examples=[_MOVE])]


class PresetCreate(Wire):
    """A new preset: a camera move with its labels."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_FIELDS, "config": _MOVE}]})

    name: PresetName
    description: Description | None = None
    category: Category
    config: Move


class OwnPresetCreate(PresetCreate):
    """A new private preset of the organization, or of the caller's own account."""

    organization_id: Id | None = None


class PresetDuplicate(Wire):
    """The account that gets the copy: an organization's, or the caller's own. The copy has the same name by default."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "My crash zoom"}]})

    name: PresetName | SkipJsonSchema[None] = None
    organization_id: Id | None = None


class _PresetChanges(Wire):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Slow reveal"}], "minProperties": 1})

    name: PresetName | SkipJsonSchema[None] = Field(default=None, examples=["Slow reveal"])
    description: Description | None = None
    category: Category | SkipJsonSchema[None] = Field(default=None, examples=["zoom"])
    config: Move | SkipJsonSchema[None] = Field(default=None, examples=[_MOVE])

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        nothing = [name for name in self.model_fields_set - {"description"} if getattr(self, name) is None]
        if not self.model_fields_set or nothing:
            raise ValueError("name the fields that change, with their new values")
        return self

    def changes(self) -> dict[str, Any]:
        """Return the new values by the names of fields."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class OwnPresetUpdate(_PresetChanges):
    """New values of some fields of a private preset. Jobs that were submitted with it keep its former move."""


class PresetUpdate(_PresetChanges):
    """New values of some fields of a preset of the studio. A built-in preset keeps its move and its category."""

    is_public: bool | SkipJsonSchema[None] = Field(
        default=None, description="Whether the preset is listed. A preset that is not listed still works.",
        examples=[True],
    )  # fmt: skip


class PresetView(View):
    preset_id: str = Field(serialization_alias="id")
    name: str
    description: str | None
    category: str
    thumbnail: str | None = Field(
        description="Path of a small JPEG on the studio's origin. Only built-in presets have one.",
        examples=["/presets/dolly-in.jpg"],
    )
    preview: str | None = Field(
        description="Path of an animated WebP of two seconds. Only built-in presets have one.",
        examples=["/presets/dolly-in.webp"],
    )
    config: CameraMove
    is_default: bool = Field(description="Whether it is built in.")
    is_public: bool = Field(description="Whether the public list contains it.")
    user_id: str | None = Field(description="The user who made it. null for presets of the studio.")
    organization_id: str | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, preset: Preset) -> "PresetView":
        shown: dict[str, Any] = {name: getattr(preset, name, None) for name in cls.model_fields}
        shown |= {"organization_id": organization_of(preset.account_id or "")}
        if not preset.is_default:
            shown |= {"thumbnail": None, "preview": None}
        return cls.model_validate(shown)
