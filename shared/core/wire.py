"""Wire conventions: camelCase names; input is strict and finite, output is read from records."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class Wire(BaseModel):
    """Base of request bodies, queue messages and stored documents."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        str_strip_whitespace=True,
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,  # errors are logged, and the input belongs to a creator
    )


class View(BaseModel):
    """Base of response bodies and events."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)
