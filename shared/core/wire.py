"""Wire conventions: camelCase; what comes in is exact and finite, what goes out is read from records."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Wire(BaseModel):
    """Base of what is sent to us or between us: request bodies, queue messages, stored documents."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        str_strip_whitespace=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # errors are logged, and input is a creator's
    )


class View(BaseModel):
    """Base of the documents that the API sends; `absent` fields are left out while they are None."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        from_attributes=True,
        json_schema_serialization_defaults_required=True,  # a field with a default is sent all the same
    )


def absent(description: str | None = None) -> Any:
    """Return the default of a View's field that is left out while it is None."""
    return Field(default=None, exclude_if=_is_none, description=description)


def _is_none(value: object) -> bool:
    return value is None
