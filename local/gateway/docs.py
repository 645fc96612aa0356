"""`/docs` and `/openapi.json`: one OpenAPI description of all REST domains, and a page that shows it, without a CDN."""

import json
import re
from importlib import import_module
from typing import Any, get_args

from aiohttp import web
from pydantic.json_schema import models_json_schema

from functions.webhooks.notices import Notice
from infra.functions import REST_DOMAINS
from shared.credentials.refresh_tokens import COOKIE
from shared.rest.problem import FASTAPIS_OWN_SCHEMAS, HEADERS, problem_schemas, with_headers, with_refusals

SERVERS = [
    {
        "url": "https://{domain}",
        "description": "A deployment in AWS. Without an own domain, the output of its stack names the address.",
        "variables": {"domain": {"default": "studio.example.com"}},
    },
    {
        "url": "http://127.0.0.1:{port}",
        "description": "The laptop cloud; `make dev` prints its address.",
        "variables": {"port": {"default": "8700"}},
    },
]
SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token that `login` and `refresh` return.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "The refresh cookie that `login` sets. Scripts of a page cannot read it.",
    },
}

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kinora API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="swagger"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script>
// This Swagger UI supports 3.0. It shows this 3.1 document correctly if the version is replaced by 3.0.
fetch("/openapi.json").then(answer => answer.json()).then(spec => SwaggerUIBundle({
  spec: { ...spec, openapi: "3.0.3" }, dom_id: "#swagger", deepLinking: true, persistAuthorization: true,
}));
</script>
</body>
</html>
"""


def openapi() -> dict[str, Any]:
    """Return the merged description. Raise ValueError if two domains use one name for different schemas."""
    merged: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "Kinora", "version": "1", "description": "A sentence and a camera move become a film."},
        "servers": SERVERS,
        "paths": {},
        "components": {"schemas": problem_schemas(), "headers": HEADERS, "securitySchemes": SCHEMES},
    }
    for domain in REST_DOMAINS:
        described = _renamed(import_module(domain.handler.partition(":")[0]).app.openapi())
        for path, operations in described["paths"].items():
            versioned = {"get", "patch"} if "patch" in operations else set()
            merged["paths"][path] = {
                method: with_headers(
                    with_refusals(path, _with_session(operation), public="security" not in operation),
                    versioned=method in versioned,
                )
                for method, operation in operations.items()
            }
        for name, schema in described.get("components", {}).get("schemas", {}).items():
            if name in FASTAPIS_OWN_SCHEMAS:
                continue
            if merged["components"]["schemas"].setdefault(name, schema) != schema:
                raise ValueError(f"the schema {name} of {domain.name} differs from another domain's")
    merged["webhooks"], schemas = _webhooks()
    for name, schema in schemas.items():
        merged["components"]["schemas"].setdefault(name, schema)
    for name in _sent(merged):
        _describe_defaults(merged["components"]["schemas"][name])
    return merged


def _webhooks() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the requests that Kinora sends to the endpoints of accounts, by event, and the schemas of the events."""
    _, whole = models_json_schema(
        [(model, "serialization") for model in get_args(Notice)], ref_template="#/components/schemas/{model}"
    )
    headers = {
        "webhook-id": "The id of the event. It is the same in all tries and replays.",
        "webhook-timestamp": "The time of this try, in seconds since 1970.",
        "webhook-signature": "Signatures as Standard Webhooks specifies them, with spaces between them: `v1,...`.",
    }
    described = {
        model.model_fields["type"].default: {
            "post": {
                "operationId": f"receive{model.__name__}",
                "description": model.__doc__,
                "tags": ["webhooks"],
                "parameters": [
                    {"in": "header", "name": name, "required": True, "schema": {"type": "string"}, "description": text}
                    for name, text in headers.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}},
                },
                "responses": {"2XX": {"description": "The event is accepted. Otherwise Kinora tries again."}},
            }
        }
        for model in get_args(Notice)
    }
    return described, whole["$defs"]


def _renamed(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with names for the two forms of a schema: in a request, fields with a default are optional.

    FastAPI names the forms `JobSettings-Input` and `JobSettings-Output`.
    """
    text = re.sub(r'(?<=[/"])(\w+)-Input"', r'\1"', json.dumps(document))
    renamed: dict[str, Any] = json.loads(re.sub(r'(?<=[/"])(\w+)-Output"', r'\1View"', text))
    for name, schema in renamed.get("components", {}).get("schemas", {}).items():
        schema["title"] = name  # generators name classes after it
    return renamed


def _sent(document: dict[str, Any]) -> set[str]:
    """Return the names of the schemas of request bodies, and of the schemas inside them."""
    names: set[str] = set()
    pieces = [
        one["requestBody"] for path in document["paths"].values() for one in path.values() if "requestBody" in one
    ]
    while pieces:
        found = set(re.findall(r"#/components/schemas/([\w-]+)", json.dumps(pieces.pop()))) - names
        names |= found
        pieces += [document["components"]["schemas"][name] for name in found]
    return names


def _describe_defaults(schema: dict[str, Any]) -> None:
    """Move the default of each field into its description.

    Generated clients require a field that has a default, or always send it. Then the server cannot choose.
    """
    for field in schema.get("properties", {}).values():
        if field.get("default") is not None:
            text = f"Default: `{json.dumps(field['default'])}`."
            field["description"] = f"{field['description']} {text}" if "description" in field else text
        field.pop("default", None)


def _with_session(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the operation with the refresh cookie as a security scheme: clients handle cookies there.

    No cookie is a parameter. The cookie of a known device is not described: browsers send it, and no client needs it.
    """
    cookies = {one["name"] for one in operation.get("parameters", []) if one["in"] == "cookie"}
    if not cookies:
        return operation
    parameters = [one for one in operation["parameters"] if one["in"] != "cookie"]
    if COOKIE not in cookies:
        return {**operation, "parameters": parameters}
    anybody: list[dict[str, Any]] = (
        [] if "401" in operation["responses"] else [{}]
    )  # who has no session can end it, too
    return {**operation, "parameters": parameters, "security": [{"session": []}, *anybody]}


async def page(_: web.Request) -> web.Response:
    return web.Response(text=_PAGE, content_type="text/html")


async def description(_: web.Request) -> web.Response:
    return web.json_response(openapi())


def add_docs(application: web.Application) -> None:
    """Serve both, and Swagger UI's files from its package."""
    application.router.add_get("/docs", page)
    application.router.add_get("/openapi.json", description)
    application.router.add_static("/docs/", import_module("swagger_ui_bundle").swagger_ui_path)
