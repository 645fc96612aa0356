"""Names on the wire: Python's snake_case becomes JSON's camelCase."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any


def to_wire(value: Any) -> Any:
    """Return the value as JSON has it. Keys such as `VIDEO_SYNTHESIS`, which are data, stay."""
    match value:
        case Mapping():
            return {_camel(str(name)): to_wire(inner) for name, inner in value.items()}
        case str():
            return value
        case Sequence():
            return [to_wire(inner) for inner in value]
        case date():
            return value.isoformat()
    return value


def given(**fields: Any) -> dict[str, Any]:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def _camel(name: str) -> str:
    return re.sub(r"_([a-z0-9])", lambda hit: hit[1].upper(), name)
