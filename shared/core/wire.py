"""Wire conventions: camelCase; what comes in is exact and finite, what goes out is read from records."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints
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
    """Base of what we answer."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)
