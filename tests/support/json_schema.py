"""A strict validator of JSON Schema, for the keywords that the published documents use.

An unknown keyword is an error, and so is a field that the schema does not list: every field must be described.
The project has no other validator among its dependencies.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

Schema = dict[str, Any]

_ANNOTATIONS = {"title", "description", "default", "examples", "writeOnly"}
_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def pointed(document: Schema, reference: str) -> Any:
    """Return the value to which `#/a/b` refers in the document. Raise KeyError if it does not exist."""
    assert reference.startswith("#/"), f"{reference} leaves the document"
    found: Any = document
    for part in reference[2:].split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def faults(value: Any, schema: Schema, document: Schema, at: str = "$") -> list[str]:
    """Return the faults of the value as sentences; references are resolved in the document."""
    return list(_faults(value, schema, document, at))


def _faults(value: Any, schema: Schema, document: Schema, at: str) -> Iterator[str]:
    for keyword, rule in schema.items():
        if keyword in _ANNOTATIONS:
            continue
        check = _KEYWORDS.get(keyword)
        assert check is not None, f"the validator does not support the keyword {keyword!r} at {at}"
        yield from check(value, rule, schema, document, at)


def _reference(value: Any, rule: Any, _schema: Schema, document: Schema, at: str) -> Iterator[str]:
    yield from _faults(value, pointed(document, rule), document, at)


def _type(value: Any, rule: Any, _schema: Schema, _document: Schema, at: str) -> Iterator[str]:
    if not _TYPES[rule](value):
        yield f"{at} is {value!r:.60}, not of type {rule}"


def _const(value: Any, rule: Any, _schema: Schema, _document: Schema, at: str) -> Iterator[str]:
    if value != rule:
        yield f"{at} is {value!r:.60}, not {rule!r}"


def _enum(value: Any, rule: Any, _schema: Schema, _document: Schema, at: str) -> Iterator[str]:
    if value not in rule:
        yield f"{at} is {value!r:.60}, not one of {rule}"


def _any_of(value: Any, rule: Any, _schema: Schema, document: Schema, at: str) -> Iterator[str]:
    attempts = [faults(value, option, document, at) for option in rule]
    if all(attempts):
        yield f"{at} fits no option: {attempts}"


def _required(value: Any, rule: Any, _schema: Schema, _document: Schema, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{at}.{name} is missing" for name in rule if name not in value)


def _properties(value: Any, rule: Any, schema: Schema, document: Schema, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        if "additionalProperties" not in schema:
            yield from (f"{at}.{name} is not described" for name in value.keys() - rule.keys())
        for name in rule.keys() & value.keys():
            yield from _faults(value[name], rule[name], document, f"{at}.{name}")


def _additional(value: Any, rule: Any, schema: Schema, document: Schema, at: str) -> Iterator[str]:
    if isinstance(value, dict) and rule is not True:
        for name in value.keys() - schema.get("properties", {}).keys():
            if rule is False:
                yield f"{at}.{name} is unknown"
            else:
                yield from _faults(value[name], rule, document, f"{at}.{name}")


def _property_names(value: Any, rule: Any, _schema: Schema, document: Schema, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name in value:
            yield from _faults(name, rule, document, f"{at}.{name}")


def _items(value: Any, rule: Any, _schema: Schema, document: Schema, at: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _faults(item, rule, document, f"{at}[{index}]")


def _bound(kind: type | tuple[type, ...], holds: Callable[[Any, Any], bool], text: str) -> Any:
    def check(value: Any, rule: Any, _schema: Schema, _document: Schema, at: str) -> Iterator[str]:
        if isinstance(value, kind) and not isinstance(value, bool) and not holds(value, rule):
            yield f"{at} is {value!r:.60}: {text} {rule}"

    return check


def _is_format(value: str, rule: str) -> bool:
    if rule not in {"date", "date-time"}:
        return rule in {"email", "password", "uri"}  # the server validates their values
    try:
        if rule == "date":
            return date.fromisoformat(value).isoformat() == value
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


_KEYWORDS: dict[str, Any] = {
    "$ref": _reference,
    "type": _type,
    "const": _const,
    "enum": _enum,
    "anyOf": _any_of,
    "required": _required,
    "properties": _properties,
    "additionalProperties": _additional,
    "propertyNames": _property_names,
    "items": _items,
    "minimum": _bound((int, float), lambda value, rule: value >= rule, "less than"),
    "maximum": _bound((int, float), lambda value, rule: value <= rule, "more than"),
    "exclusiveMinimum": _bound((int, float), lambda value, rule: value > rule, "not more than"),
    "minLength": _bound(str, lambda value, rule: len(value) >= rule, "shorter than"),
    "maxLength": _bound(str, lambda value, rule: len(value) <= rule, "longer than"),
    "minProperties": _bound(dict, lambda value, rule: len(value) >= rule, "fewer fields than"),
    "minItems": _bound(list, lambda value, rule: len(value) >= rule, "fewer than"),
    "maxItems": _bound(list, lambda value, rule: len(value) <= rule, "more than"),
    "pattern": _bound(str, lambda value, rule: re.search(rule, value) is not None, "does not match"),
    "format": _bound(str, _is_format, "is not of format"),
}
