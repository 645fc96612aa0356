"""Wire conventions: names are camelCase, and input has no unknown fields and no infinite numbers."""

import re
from typing import Annotated, Any, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue

T = TypeVar("T")

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")]

# Control characters, line separators, and characters that reverse the direction of the text around them.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _printable(name: str) -> str:
    if found := _UNPRINTABLE.search(name):
        raise ValueError(f"a name may not contain the character U+{ord(found[0]):04X}")
    return name


Name = Annotated[
    str,
    AfterValidator(_printable),
    Field(examples=["Harbour at night"], json_schema_extra={"pattern": f"^[^{_UNPRINTABLE.pattern[1:-1]}]*$"}),
]


def number(value: object) -> object:
    """Refuse a text and a truth value, which pydantic would convert."""
    if isinstance(value, str | bool):
        raise ValueError("a text or a truth value is no number")
    return value


Integer = Annotated[int, BeforeValidator(number)]
Number = Annotated[float, BeforeValidator(number)]


def _written(value: object) -> object:
    """Refuse a number, which pydantic would read as seconds since 1970."""
    try:
        float(str(value))
    except ValueError:
        return value
    raise ValueError("a number is no time")


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]  # "2026-11-27T12:00:00Z"


class _WithoutNull:
    """Describe an optional value without its null. None stands for an omitted field, which a client never sends."""

    @staticmethod
    def __get_pydantic_json_schema__(optional: Any, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(optional)
        [value] = [choice for choice in schema.pop("anyOf") if choice != {"type": "null"}]
        return {**value, **schema}


Change = Annotated[T | None, _WithoutNull]  # the new value of a field in the body of a PATCH


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
        json_schema_serialization_defaults_required=True,  # a field with a default is always sent
        defer_build=True,  # until its first use: a function uses few of the models that it imports
    )

    def encoded(self) -> str:
        """Return the JSON of a message or a document. A field that is None is absent.

        So the previous release, which refuses unknown fields, reads it while a new optional field is not used.
        """
        return self.model_dump_json(by_alias=True, exclude_none=True)


class View(BaseModel):
    """Base of response bodies and events. A field with the default `absent` is omitted while it is None."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        from_attributes=True,
        json_schema_serialization_defaults_required=True,  # a field with a default is always sent
        defer_build=True,
    )


def absent(description: str | None = None) -> Any:
    """Return the default of a View's field that is omitted while it is None."""
    return Field(default=None, exclude_if=_is_none, description=description)


def _is_none(value: object) -> bool:
    return value is None
