"""The error responses of the REST API: problem+json (RFC 9457), and their part of the OpenAPI document."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from pydantic import ConfigDict, Field

from shared.core.errors import ADVICE, AppError
from shared.core.wire import View, absent
from shared.rest.event import request_id

MEDIA_TYPE = "application/problem+json"

Responses = dict[int | str, dict[str, Any]]


class FieldProblem(View):
    """One invalid field of the request."""

    field: str = Field(description="The path to the field, joined by dots. It is empty for the body itself.")
    detail: str


class Problem(View):
    """The body of every error response (RFC 9457). A later version may add fields."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", description="Always `about:blank`: `code` names the kind of problem.")
    title: str = Field(description="The phrase of the HTTP status.", examples=["Not Found"])
    status: int = Field(ge=400, le=599, examples=[404])
    code: str = Field(description="The kind of problem. It never changes.", examples=["job_not_found"])
    detail: str = Field(description="One sentence for people. It may change.", examples=["There is no such job."])
    request_id: str = Field(description="The id of the request. Include it in a report of the problem.")
    errors: list[FieldProblem] | None = absent("The invalid fields, at most 20, for status 422.")
    suggestions: list[str] | None = absent("Known values that are similar to the unknown one.")
    credits_needed: int | None = absent(
        "The credits that the request needs, for status 402 and for `max_credits_exceeded`."
    )
    max_credits: int | None = absent("`maxCredits` of the request, for `max_credits_exceeded`.")


def problem(
    request: Request, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **facts: Any
) -> Response:
    """Return the error response. `facts` are optional fields of Problem.

    The JSON is ASCII, because text from the request may have characters that cannot be encoded as UTF-8.
    """
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        request_id=request_id(request),
        **facts,
    )
    return Response(
        json.dumps(body.model_dump(by_alias=True)),
        status_code=status,
        headers={**ADVICE.get(status, {}), **(headers or {})},
        media_type=MEDIA_TYPE,
    )


def problems(*errors: type[AppError]) -> Responses:
    """Return `responses=` of a route: the errors that its service raises.

    `with_refusals` adds the errors that do not depend on the service.
    """
    codes: dict[int, list[str]] = {}
    for error in errors:
        codes.setdefault(error.status, []).append(f"`{error.code}`")
    return {status: {"description": f"Codes: {', '.join(named)}."} for status, named in codes.items()}


def with_refusals(path: str, operation: dict[str, Any], *, public: bool) -> dict[str, Any]:
    """Return an operation of an OpenAPI document with all its error responses.

    The route declares some of them with `problems`. The others depend on its path and its input.
    """
    declared = dict(operation["responses"])
    refusals = {
        "400": "The request cannot be read.",
        "403": "The caller has no permission for this.",
        "429": "Too many requests.",
        "5XX": "The service failed.",
    }
    if not public:
        refusals["401"] = "The access token is missing, invalid or expired."
    if "{" in path:
        refusals["404"] = "There is no such resource, or it belongs to another account."
    if "requestBody" in operation:
        refusals |= {"413": "The body has more than 10 MB.", "415": "The body is not JSON."}
    if "requestBody" in operation or operation.get("parameters"):
        refusals["422"] = "A field is invalid. `errors` has its name."
    for status in [status for status in declared if status >= "4"]:
        response = declared.pop(status)
        if not _is_fastapis_own(response):
            text = refusals.get(status, f"{HTTPStatus(int(status)).phrase}.")
            refusals[status] = f"{text} {response['description']}"
    responses = declared | {status: _refusal(text) for status, text in refusals.items()}
    return {**operation, "responses": dict(sorted(responses.items()))}


QUOTA_HEADERS = ("RateLimit", "RateLimit-Policy")
HEADERS = {
    "RateLimit": {
        "description": "The rest of the caller's quota: `r` requests, and `t` seconds until it is whole again.",
        "schema": {"type": "string"},
        "example": '"read";r=299;t=1',
    },
    "RateLimit-Policy": {
        "description": "The quota: `q` requests in `w` seconds (draft-ietf-httpapi-ratelimit-headers-11).",
        "schema": {"type": "string"},
        "example": '"read";q=300;w=30',
    },
    "ETag": {
        "description": "The version of the resource. A PATCH with it as `If-Match` changes this version only.",
        "schema": {"type": "string"},
    },
    "X-Request-Id": {"description": "The id of the request. Include it in a report.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds until another try can succeed.", "schema": {"type": "integer"}},
    "WWW-Authenticate": {"description": "The scheme of the token: `Bearer`.", "schema": {"type": "string"}},
    "Set-Cookie": {
        "description": "The refresh cookie; after a sign-in also the cookie of a known device.",
        "schema": {"type": "string"},
    },
    "Deprecation": {
        "description": "If an engine of the job will be shut down: when this was announced (RFC 9745).",
        "schema": {"type": "string"},
        "example": "@1767225600",
    },
    "Sunset": {
        "description": "If an engine of the job will be shut down: from when on new jobs do not use it (RFC 8594).",
        "schema": {"type": "string"},
        "example": "Wed, 01 Jul 2026 00:00:00 GMT",
    },
    "Link": {
        "description": "With `Sunset`: the list of engines, which names the replacement.",
        "schema": {"type": "string"},
        "example": '</api/engines>; rel="deprecation"; type="application/json"',
    },
    "Idempotent-Replayed": {
        "description": "`true` if an earlier request with this Idempotency-Key had the effect.",
        "schema": {"type": "string"},
    },
}


def with_headers(operation: dict[str, Any], *, versioned: bool = False) -> dict[str, Any]:
    """Return an operation of an OpenAPI document with the headers of its responses.

    A versioned one shows the version of a resource that has a PATCH.
    """
    repeatable = any(one["name"].lower() == "idempotency-key" for one in operation.get("parameters", []))
    session = operation["operationId"] in {"login", "refresh", "logout"}
    names_engines = operation["operationId"] in {"createJob", "quoteJob", "getJob"}
    responses = {}
    for status, response in operation["responses"].items():
        counts = QUOTA_HEADERS if status.isdigit() and status != "401" else ()
        names = ["X-Request-Id", *counts, *(ADVICE.get(int(status), ()) if status.isdigit() else ())]
        if status < "4":
            names += ["Idempotent-Replayed"] * repeatable + ["Set-Cookie"] * session
            names += ["Deprecation", "Sunset", "Link"] * names_engines
        names += ["ETag"] * (status == "412" or (versioned and status < "4"))
        responses[status] = {**response, "headers": {one: {"$ref": f"#/components/headers/{one}"} for one in names}}
    return {**operation, "responses": responses}


def problem_schemas() -> dict[str, Any]:
    """Return the JSON Schemas of Problem and of its parts, by name."""
    schema = Problem.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
    return {Problem.__name__: schema, **schema.pop("$defs")}


# FastAPI describes 422 with these schemas. `shared.rest.app` returns a Problem instead.
FASTAPIS_OWN_SCHEMAS = {"HTTPValidationError", "ValidationError"}


def _is_fastapis_own(response: dict[str, Any]) -> bool:
    return any(f"/schemas/{name}" in str(response) for name in FASTAPIS_OWN_SCHEMAS)


def _refusal(description: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{Problem.__name__}"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}
