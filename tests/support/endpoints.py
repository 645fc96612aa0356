"""The endpoints of the REST apps, read from their OpenAPI documents, and example requests to them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from infra.functions import REST_DOMAINS

Ids = Mapping[str, str]  # by kind of resource: {"project": "prj_1"}
PUBLIC = frozenset(route for domain in REST_DOMAINS for route in domain.public)


@dataclass(frozen=True, slots=True)
class IdPlace:
    """A field of a request that contains an id. `kind` is the kind of the resource."""

    where: str  # path, query or body
    field: str
    kind: str


@dataclass(frozen=True, slots=True)
class ApiEndpoint:
    """One method of one path. `schemas` are the schemas that its body refers to."""

    method: str
    path: str
    operation: Mapping[str, Any]
    schemas: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def permissions(self) -> list[str]:
        """The permissions that the route declares."""
        return [scope for needed in self.operation.get("security", []) for scope in needed.get("token", [])]

    @property
    def fields(self) -> Mapping[str, Any]:
        """The schemas of the body's fields; empty without a body."""
        content = self.operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        fields: Mapping[str, Any] = resolved(schema, self.schemas).get("properties", {})
        return {name: resolved(field, self.schemas) for name, field in fields.items()}

    def places(self) -> Iterator[IdPlace]:
        """Yield each field that contains an id, in the path, the query and the body, including lists."""
        for parameter in self.operation.get("parameters", []):
            if parameter["in"] in {"path", "query"} and (kind := kind_of(parameter["name"])):
                yield IdPlace(parameter["in"], parameter["name"], kind)
        for name, field in self.fields.items():
            inner = resolved(field.get("items", field), self.schemas).get("properties", {})
            for kind in filter(None, (kind_of(name), *map(kind_of, inner))):
                yield IdPlace("body", name, kind)

    def body(self, ids: Ids) -> dict[str, Any] | None:
        """Return an example of the body that contains `ids`."""
        return {name: example(name, field, self.schemas, ids) for name, field in self.fields.items()} or None

    def request(self, ids: Ids, place: IdPlace | None = None, others_id: str = "") -> dict[str, Any]:
        """Return the arguments of `Studio.call` for an example request. At `place` the request contains `others_id`."""
        path, body = self.path, self.body(ids)
        query = {
            one["name"]: ids[kind]
            for one in self.operation.get("parameters", [])
            if one["in"] == "query" and one.get("required") and (kind := kind_of(one["name"]))
        }
        if place and place.where == "path":
            path = path.replace(f"{{{place.field}}}", others_id)
        if place and place.where == "query":
            query |= {place.field: others_id}
        if place and place.where == "body":
            changed = {**ids, place.kind: others_id}
            field = {key: value for key, value in self.fields[place.field].items() if key != "default"}
            body = {**(body or {}), place.field: example(place.field, field, self.schemas, changed)}
        path = re.sub(r"{(\w+)}", lambda found: ids[str(kind_of(found[1]))], path)
        return {"method": self.method, "path": path, "query": query, "body": body}


def endpoints() -> list[ApiEndpoint]:
    """Return every endpoint of every domain."""
    documents = [import_module(domain.handler.partition(":")[0]).app.openapi() for domain in REST_DOMAINS]
    return [
        ApiEndpoint(method.upper(), path, operation, document.get("components", {}).get("schemas", {}))
        for document in documents
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]


def kind_of(name: str) -> str | None:
    """Return the kind of resource that a field refers to, `project` for `projectId`; None for other fields."""
    found = re.fullmatch(r"([a-z_]+)(?:_id|Id)", name)
    return found[1] if found else None


def resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema without its reference, and without null as an alternative."""
    if "$ref" in schema:
        return {**schemas[schema["$ref"].rpartition("/")[2]], **{k: v for k, v in schema.items() if k != "$ref"}}
    if "anyOf" in schema:
        [first, *_] = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return {**resolved(first, schemas), **{k: v for k, v in schema.items() if k != "anyOf"}}
    return schema


def example(name: str, schema: Mapping[str, Any], schemas: Mapping[str, Any], ids: Ids) -> Any:
    """Return a value that `schema` allows. Raise LookupError if the field needs an example in its model."""
    schema = resolved(schema, schemas)
    if kind := kind_of(name):
        return ids[kind]
    known = [
        *schema.get("examples", ()),
        *([schema["default"]] if "default" in schema else ()),
        *schema.get("enum", ()),
    ]
    if known:
        return known[0]
    match schema:
        case {"type": "object"}:
            value: Any = {n: example(n, field, schemas, ids) for n, field in schema.get("properties", {}).items()}
        case {"type": "array"}:
            value = [example("", schema["items"], schemas, ids)]
        case {"type": "string", "format": "email"}:
            value = "new@example.com"
        case {"type": "string"} if "pattern" not in schema:
            value = "x" * schema.get("minLength", 1)
        case {"type": "integer" | "number"}:
            value = schema.get("minimum", 1)
        case {"type": "boolean"}:
            value = False
        case _:
            raise LookupError(f"Give the field {name} an example: Field(examples=[...]).")
    return value


def is_allowed(schema: Mapping[str, Any], value: object) -> bool:
    """Return whether an odd value may be valid for the field: control characters in text, or true."""
    if schema.get("type") == "string":
        return (
            isinstance(value, str)
            and len(value) < 10
            and not ({"pattern", "enum"} & set(schema))
            and (schema.get("format") in {None, "password"})
        )
    if schema.get("type") in {"integer", "number", "boolean"}:
        return schema["type"] == "boolean" and value is True
    return schema.get("type") == "object" and value == {} and not schema.get("required")
