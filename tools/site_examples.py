"""The request of each operation with curl, Python and TypeScript, as the documentation site shows it.

The bodies are the examples of docs/openapi.json. A client's method is used where the operation has one.
`tests/integration/test_examples.py` runs every request.
"""

import inspect
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from clients.python.kinora import Kinora
from clients.python.kinora.http import Pages
from local.environment import ROOT
from shared.access.permissions import KEY_SCOPES, PLATFORM, Permission
from shared.credentials.refresh_tokens import COOKIE
from tests.support.client_methods import operation_of, sent

Schema = Mapping[str, Any]
ULID = "01K0M3T5V7X9Z1B3D5F7H9K1M3"  # of every id in an example
# The ids of path parameters. The others are those of the operation's tag.
IDS = {
    "job_id": f"job_{ULID}", "project_id": f"prj_{ULID}", "asset_id": f"ast_{ULID}", "webhook_id": f"whk_{ULID}",
    "organization_id": f"org_{ULID}", "member_id": f"usr_{ULID}", "user_id": f"usr_{ULID}", "invite_id": f"inv_{ULID}",
    "delivery_id": f"evt_{ULID}", "share_id": f"shr_{ULID}", "key_id": f"key_{ULID}", "session_id": f"ses_{ULID}",
    "engine_id": "parallax", "preset_id": f"pre_{ULID}",
}  # fmt: skip
OF_THE_STUDIO = {"getPreset", "duplicatePreset"}  # presets that each studio has
OWN_PAGE = {"Origin": "https://studio.example.com", "X-Kinora-Refresh": "1", "Cookie": f"{COOKIE}=..."}
WIDTH = 100  # maximum number of characters of a line


def example(schema: Schema, schemas: Mapping[str, Schema]) -> Any:  # noqa: PLR0911  # one for each form of a schema
    """Return a value of the schema with its required fields."""
    if ref := schema.get("$ref"):
        return example(schemas[ref.rpartition("/")[2]], schemas)
    for value in (*schema.get("examples", ()), *schema.get("enum", ()), schema.get("const")):
        if value is not None:
            return value
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return example(options[0], schemas)
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: example(fields[name], schemas) for name in schema.get("required", ()) if name in fields}
        case "array":
            return [example(schema["items"], schemas)]
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return True
    return "..."


class Request:
    """The example request of an operation."""

    def __init__(self, method: str, path: str, operation: Schema, schemas: Mapping[str, Schema]) -> None:
        self.name, self.method, self.path = str(operation["operationId"]), method.upper(), path
        parameters = operation.get("parameters", ())
        self.ids = {
            one["name"]: "crash-zoom-in" if self.name in OF_THE_STUDIO else IDS[one["name"]]
            for one in parameters
            if one["in"] == "path"
        }
        self.query = {
            one["name"]: IDS[_snake(one["name"])] for one in parameters if one["in"] == "query" and one.get("required")
        }
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        self.body = None if content is None else example(content["schema"], schemas)
        headers = {one["name"] for one in parameters if one["in"] == "header"}
        self.keyed = "idempotency-key" in headers
        self.headers = OWN_PAGE if "x-kinora-refresh" in headers else {}
        scopes = [Permission(scope) for one in operation.get("security", ()) for scope in one.get("token", ())]
        self.permission = scopes[0] if scopes else None

    @property
    def access(self) -> str:
        """The key or the token that the request needs, as a sentence."""
        if self.headers:
            return "Needs the cookie of a session, which `login` sets."
        if self.permission is None:
            return "Needs no key."
        if self.permission in KEY_SCOPES:
            return f"Needs a key with the permission `{self.permission}`."
        owner = "a platform admin" if self.permission in PLATFORM else "the user"
        return f"Needs an access token of {owner}: no key has the permission `{self.permission}`."

    def examples(self) -> dict[str, tuple[str, str]]:
        """Return the language and the text of each example, by its title."""
        return {
            "curl": ("sh", self._curl()),
            "Python": ("python", self._python()),
            "TypeScript": ("ts", self._typescript()),
        }

    def _curl(self) -> str:
        query = "".join(f"?{name}={value}" for name, value in self.query.items())
        address = f'"$KINORA_BASE_URL{self.path.format(**self.ids)}{query}"'
        parts = [f"curl {'' if self.method == 'GET' else f'-X {self.method} '}{address}"]
        if self.permission:
            name = "KINORA_API_KEY" if self.permission in KEY_SCOPES else "KINORA_ACCESS_TOKEN"
            parts.append(f'-H "Authorization: Bearer ${name}"')
        parts += [f"-H '{name}: {value}'" for name, value in self.headers.items()]
        if self.keyed:
            parts.append("-H 'Idempotency-Key: a-text-of-yours'")
        if self.body is not None:
            parts += ["-H 'Content-Type: application/json'", f"-d '{json.dumps(self.body)}'"]
        return " \\\n  ".join(parts)

    def _python(self) -> str:
        if (name := python_methods().get(self.name)) and (arguments := self._arguments(name)) is not None:
            call, listed = _call(f"client.{name}", arguments), _answers_with_pages(name)
            return f"list({call})" if listed else call
        options = [f'"{self.method}"', f'"{self.path.format(**self.ids)}"']
        options += [f"headers={python_text(self.headers)}"] if self.headers else []
        options += [f"body={python_text(self.body)}"] if self.body is not None else []
        options += ['key="a-text-of-yours"'] if self.keyed else []
        return _call("client.request", options)

    def _arguments(self, name: str) -> list[str] | None:
        """Return the arguments of the method, or None if it takes other things than the fields of the request."""
        values = _snaked({**self.ids, **self.query, **(self.body or {})})
        arguments: list[str] = []
        for parameter in inspect.signature(_method(name)).parameters.values():
            if parameter.name in values:
                text = python_text(values.pop(parameter.name))
                arguments.append(f"{parameter.name}={text}" if parameter.kind is parameter.KEYWORD_ONLY else text)
            elif parameter.kind is parameter.VAR_KEYWORD:
                arguments += [f"{key}={python_text(values.pop(key))}" for key in list(values)]
            elif parameter.name == "wait":
                arguments.append("wait=False")
            elif parameter.default is parameter.empty:
                return None
        return None if values else arguments

    def _typescript(self) -> str:
        if found := typescript_methods().get((self.method.lower(), self.path)):
            name, parameters, listed = found
            values = {**{_camel(key): value for key, value in self.ids.items()}, **(self.body or {}), "body": self.body}
            values["query"] = self.query or None
            given = [values.get(one) for one in parameters]
            while given and given[-1] is None:
                given.pop()
            call = _call(f"client.{name}", map(javascript_text, given))
            return f"await {call}.all();" if listed else f"await {call};"
        fields = {"path": self.ids, "query": self.query, "headers": self.headers, "body": self.body}
        options = {name: value for name, value in fields.items() if value}
        arguments = [json.dumps(self.path), *([javascript_text(options)] if options else [])]
        if (listing := python_methods().get(self.name)) and _answers_with_pages(listing):
            return f"await {_call('client.pages', arguments)}.all();"
        return f"await {_call('client.request', [json.dumps(self.method.lower()), *arguments])};"


def requests() -> Iterator[tuple[Request, Schema]]:
    """Yield the request and the description of each operation."""
    document = json.loads((ROOT / "docs/openapi.json").read_text())
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield Request(method, path, operation, document["components"]["schemas"]), operation


@cache
def python_methods() -> dict[str, str]:
    """Return the Python client's method of each operation, `jobs.create` of `createJob`."""
    found: dict[str, str] = {}
    for name, request in sent():
        if operation := operation_of(request.method, request.url.path):
            found.setdefault(operation, name)
    return found


@cache
def typescript_methods() -> dict[tuple[str, str], tuple[str, list[str], bool]]:
    """Return the TypeScript client's method of each request: its name, its parameters, and whether it lists."""
    source = (ROOT / "clients/typescript/src/resources.ts").read_text()
    found: dict[tuple[str, str], tuple[str, list[str], bool]] = {}
    for resource in re.split(r"\nexport class ", source)[1:]:
        attribute = resource.partition(" ")[0].lower()
        for hit in re.finditer(r"\n  (\w+)\((.*?)\)[^(){}]*\{\n(.*?)\n  \}", resource, re.DOTALL):
            if sends := re.search(r'return (?:this\.http\.request\("(\w+)"|pagesOf\(this\.http), "([^"]+)"', hit[3]):
                parameters = re.findall(r"(?:^|, )(\w+)(?=:| =)", re.sub(r"\{.*?\}", "", hit[2]))
                key = (sends[1] or "get", sends[2])
                found.setdefault(key, (f"{attribute}.{hit[1]}", parameters, sends[1] is None))
    return found


def python_text(value: Any) -> str:
    """Return the value as Python writes it, with double quotes."""
    match value:
        case dict():
            return f"{{{', '.join(f'{python_text(name)}: {python_text(inner)}' for name, inner in value.items())}}}"
        case list():
            return f"[{', '.join(map(python_text, value))}]"
        case str():
            return json.dumps(value)
    return repr(value)


def javascript_text(value: Any) -> str:
    """Return the value as JavaScript writes it."""
    match value:
        case dict():
            fields = (f"{_name(name)}: {javascript_text(inner)}" for name, inner in value.items())
            return f"{{ {', '.join(fields)} }}" if value else "{}"
        case list():
            return f"[{', '.join(map(javascript_text, value))}]"
    return json.dumps(value)


@cache
def _client() -> Kinora:
    return Kinora("kin_x", "https://studio.example.com")


def _method(name: str) -> Any:
    resource, _, method = name.partition(".")
    return getattr(getattr(_client(), resource), method)


def _answers_with_pages(name: str) -> bool:
    return str(inspect.signature(_method(name)).return_annotation).startswith(Pages.__name__)


def _call(name: str, arguments: Iterable[str]) -> str:
    given = list(arguments)
    line = f"{name}({', '.join(given)})"
    return line if len(line) <= WIDTH else f"{name}(\n" + "".join(f"    {one},\n" for one in given) + ")"


def _name(name: str) -> str:
    return name if name.isidentifier() else json.dumps(name)


def _snake(name: str) -> str:
    return name if name.isupper() else re.sub(r"(?<=[a-z0-9])([A-Z])", lambda hit: f"_{hit[1].lower()}", name)


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda hit: hit[1].upper(), name)


def _snaked(value: Any) -> Any:
    match value:
        case dict():
            return {_snake(name): _snaked(inner) for name, inner in value.items()}
        case list():
            return [_snaked(inner) for inner in value]
    return value
