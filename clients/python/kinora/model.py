"""The base of all models, and pages of lists."""

from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

ABSENT: Any = None  # in a field that each answer of this client's API has, but not one of an older API


class Model(BaseModel):
    """An answer of the API. Fields that a newer server adds are kept. Those that an older one lacks are None."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="allow", frozen=True, defer_build=True
    )


M = TypeVar("M", bound=Model)


class Page(Model, Generic[M]):
    """One page of a list."""

    data: list[M]
    has_more: bool
    next_cursor: str | None = ABSENT
