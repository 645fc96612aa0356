"""`python -m tools.client`: write the generated modules of the Python client.

`models.py`, `params.py` and `codes.py` follow docs/openapi.json and docs/asyncapi.json. The synchronous modules
follow the asynchronous ones: `async_films.py` becomes `films.py`.
"""

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import cache, partial
from textwrap import fill, indent
from typing import Any

from pydantic.alias_generators import to_camel

from local.environment import ROOT

CLIENT = ROOT / "clients" / "python" / "kinora"
PAIRS = ("http", "stream", "resources", "accounts", "films", "client")
EVENTS = ("JobSnapshot", "JobProgress", "StepCompleted", "JobCompleted", "JobFailed")
STATUS_CLASSES = {
    400: "BadRequest",
    401: "Unauthorized",
    402: "PaymentRequired",
    403: "Forbidden",
    404: "NotFound",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    422: "Invalid",
    429: "RateLimited",
    503: "ServerError",
}
# Each pattern of an asynchronous module, and its synchronous form.
SYNCHRONOUS = (
    (r"\basync (def|for|with)\b", r"\1"),
    (r"\bawait ", ""),
    (r"\bAsync(?=[A-Z])", ""),
    (r"\basync_(?=\w)", ""),
    (r"\b__a(enter|exit|iter)__", r"__\1__"),
    (r"\ba(close|closing)\b", r"\1"),
    (r"\baiter_", "iter_"),
    (r"\basyncio\b", "time"),
)

Schema = dict[str, Any]


@cache
def _document(name: str) -> Schema:
    document: Schema = json.loads((ROOT / "docs" / f"{name}.json").read_text())
    return document


def _schemas() -> dict[str, Schema]:
    events: dict[str, Schema] = _document("asyncapi")["components"]["schemas"]
    return {**_document("openapi")["components"]["schemas"], **{name: events[name] for name in EVENTS}}


def _operations() -> Iterator[tuple[str, Schema]]:
    for path, operations in _document("openapi")["paths"].items():
        for operation in operations.values():
            yield path, operation


def _reached(value: Any) -> set[str]:
    """Return the names of all schemas that `value` refers to, directly or through others."""
    found: set[str] = set()
    left = [value]
    while left:
        for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(left.pop())):
            if name not in found:
                found.add(name)
                left.append(_schemas()[name])
    return found


def _class_name(schema: str) -> str:
    return schema.removesuffix("View")


def _type(schema: Schema, suffix: str) -> str:  # noqa: PLR0911  # one for each form of a schema
    """Return the type of a value. `suffix` is that of classes: `Params` in what a client sends."""
    if ref := schema.get("$ref"):
        name = ref.rpartition("/")[2]
        return _class_name(name) + ("" if "enum" in _schemas()[name] else suffix)
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " | ".join(dict.fromkeys(_type(option, suffix) for option in options))
    if "const" in schema or "enum" in schema:
        values = ", ".join(json.dumps(value) for value in schema.get("enum", [schema.get("const")]))
        # A newer server may send values that this version does not know.
        return f"Literal[{values}]" if suffix or "const" in schema else f"SkipValidation[Literal[{values}]]"
    match schema.get("type"):
        case "array":
            items = _type(schema["items"], suffix)
            return f"Sequence[{items}]" if suffix else f"list[{items}]"
        case "object":
            values = _type(schema["additionalProperties"], suffix) if _is_map(schema) else "Any"
            return f"Mapping[str, {values}]" if suffix else f"dict[str, {values}]"
        case "string" if schema.get("format") in {"date-time", "date"}:
            moment = {"date-time": "datetime", "date": "calendar_date"}[schema["format"]]  # a field has the name `date`
            return f"{moment} | str" if suffix else moment
        case str() as kind:
            return {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}[kind]
    return "Any"


def _is_map(schema: Schema) -> bool:
    return isinstance(schema.get("additionalProperties"), dict)


def _docstring(text: str) -> str:
    text = " ".join(text.split())
    return indent(fill(f'"""{text}"""', 116) if len(text) < 100 else '"""' + fill(text, 112) + '\n"""', "    ")


def _fields(schema: Schema, suffix: str) -> Iterator[str]:
    required = schema.get("required", [])
    for wire, field in schema.get("properties", {}).items():
        name = re.sub(r"(?<=[a-z0-9])([A-Z])", lambda hit: "_" + hit[1].lower(), wire)
        if to_camel(name) != wire:
            raise ValueError(f"{wire} has no name in snake_case")
        hint = _type(field, suffix)
        if suffix:
            yield f"    {name}: {f'Required[{hint}]' if wire in required else hint}"
        elif wire in required and not hint.startswith("Literal"):
            yield f"    {name}: {hint} = ABSENT"
        elif wire in required:  # it tells events apart
            yield f"    {name}: {hint}"
        else:
            yield f"    {name}: {hint if 'None' in hint else f'{hint} | None'} = None"
        if text := field.get("description"):
            yield _docstring(text)


def _class(schema_name: str, base: str, suffix: str) -> str:
    schema = _schemas()[schema_name]
    text = f"{_docstring(schema['description'])}\n\n" if "description" in schema else ""
    body = "\n".join(_fields(schema, suffix))
    return f"class {_class_name(schema_name)}{suffix}({base}):\n{text}{body}\n"


def _names() -> tuple[list[str], list[str], list[str]]:
    """Return the names of the schemas of enumerations, of what clients receive, and of what they send."""
    sent = _reached([operation.get("requestBody") for _, operation in _operations()])
    answers = [operation["responses"] for _, operation in _operations()]
    received = _reached([*answers, *(_schemas()[name] for name in EVENTS)]) | {*EVENTS}
    schemas = _schemas()
    enums = sorted(name for name in sent | received if "enum" in schemas[name])
    params = [name for name in schemas if name in sent and name not in enums]
    views = [name for name in schemas if name in received and name not in enums and not name.startswith("Page_")]
    names = [*enums, *map(_class_name, views), *(f"{_class_name(name)}Params" for name in params)]
    if len({*names}) != len(names):
        raise ValueError("two schemas have one name")
    return enums, views, params


def models() -> str:
    """Return the source of `models.py`: what clients receive."""
    enums, views, _ = _names()
    return _formatted(
        '"""Models of the API. `python -m tools.client` writes them from docs/openapi.json and docs/asyncapi.json."""\n'
        "from __future__ import annotations\n"
        "from datetime import date as calendar_date\nfrom datetime import datetime\n"
        "from typing import Annotated, Any, Literal\n"
        "from pydantic import Field, SkipValidation\n"
        "from .model import ABSENT, Model\n"
        + "\n".join(f"{name} = {_type(_schemas()[name], '')}" for name in enums)
        + "\n\n"
        + "\n\n".join(_class(name, "Model", "") for name in views)
        + f'\n\nEvent = Annotated[{" | ".join(EVENTS)}, Field(discriminator="type")]\n'
    )


def params() -> str:
    """Return the source of `params.py`: what clients send. Only type checkers read it."""
    enums, _, names = _names()
    classes = "\n\n".join(_class(name, "TypedDict, total=False", "Params") for name in names)
    used = ", ".join(name for name in enums if re.search(rf"\b{name}\b", classes))
    return _formatted(
        '"""Types of requests. `python -m tools.client` writes them from docs/openapi.json."""\n'
        "from __future__ import annotations\n"
        "from collections.abc import Mapping, Sequence\n"
        "from datetime import datetime\n"
        "from typing import TYPE_CHECKING, Literal, TypedDict\n"
        f"if TYPE_CHECKING:\n    from typing_extensions import Required\n    from .models import {used}\n\n" + classes
    )


def codes() -> str:
    """Return the source of `codes.py`: a class for each documented code of a problem."""
    found: dict[str, int] = {}
    for path, operation in _operations():
        for noun in re.findall(r"{(\w+)_id}", path):
            found.setdefault(f"{noun}_not_found", 404)
        for status, response in operation["responses"].items():
            for code in re.findall(r"`(\w+)`", response.get("description", "").partition("Codes:")[2]):
                found.setdefault(code, int(status))
    known = {code: status for code, status in sorted(found.items()) if _pascal(code) not in STATUS_CLASSES.values()}
    classes = {code: STATUS_CLASSES.get(status, "ApiError") for code, status in known.items()}
    lines = [f'class {_pascal(code)}({base}):\n    """The code `{code}`."""\n' for code, base in classes.items()]
    table = "".join(f'    "{code}": {_pascal(code)},\n' for code in classes)
    return _formatted(
        '"""Errors by their `code`, generated by `python -m tools.client` from docs/openapi.json."""\n'
        f"from .errors import {', '.join(sorted({'ApiError', *classes.values()}))}\n\n"
        + "\n\n".join(lines)
        + f"\n\nCODES: dict[str, type[ApiError]] = {{\n{table}}}\n"
    )


def _pascal(code: str) -> str:
    return code.title().replace("_", "")


def synchronous(name: str) -> str:
    """Return the source of a synchronous module, from its asynchronous one."""
    source = (CLIENT / f"async_{name}.py").read_text()
    for pattern, plain in SYNCHRONOUS:
        source = re.sub(pattern, plain, source)
    docstring, rest = source.split('"""\n', 1)
    return _formatted(f'{docstring}"""\n\n# Generated by `python -m tools.client` from `async_{name}.py`.\n{rest}')


def _formatted(source: str) -> str:
    """Return the source as ruff formats it."""
    for command in (["check", "--select=I", "--fix", "--quiet"], ["format"]):
        done = subprocess.run(  # noqa: S603  # our own arguments
            [ROOT / ".venv/bin/ruff", *command, f"--stdin-filename={CLIENT / 'models.py'}", "-"],
            input=source, capture_output=True, text=True, check=True,
        )  # fmt: skip
        source = done.stdout
    return source


# Functions that return the text of a module, by its name.
MODULES: dict[str, Callable[[], str]] = {
    "models.py": models,
    "params.py": params,
    "codes.py": codes,
    **{f"{name}.py": partial(synchronous, name) for name in PAIRS},
}


def main() -> None:
    for name, text in MODULES.items():
        (CLIENT / name).write_text(text())


if __name__ == "__main__":
    main()
