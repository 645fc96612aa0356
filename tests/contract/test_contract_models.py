"""The models of the API contract for accounts: fields, their null, and enums, against the published document."""

from typing import Any

import pytest

from local.gateway.docs import openapi

# The contract's models, each with the schema that shows it. "?" marks a field that may be null.
MODELS = {
    "Project": ("ProjectView", "id name thumbnail? userId organizationId? createdAt updatedAt"),
    "Organization": ("OrganizationView", "id name slug createdAt updatedAt"),
    # `url` is null until the asset is READY.
    "Asset": (
        "AssetView",
        "id name type url? thumbnailUrl? size width? height? duration? userId projectId? createdAt",
    ),
    "Preset": (
        "PresetView",
        "id name description? category thumbnail? config isDefault isPublic userId? createdAt updatedAt",
    ),
    "OrganizationMember": ("MemberView", "id role userId organizationId createdAt"),
}
ROLES = ["OWNER", "ADMIN", "MEMBER", "VIEWER"]
# The bodies of the contract's requests, with the fields that a client may omit in brackets.
BODIES = {
    "POST /api/projects": "name [organizationId]",
    "POST /api/presets": "name [description] category config",
    "PATCH /api/presets/{preset_id}": "[name] [description] [category] [config] [isPublic]",
    "POST /api/teams/{organization_id}/members/invite": "email [role]",
    "PATCH /api/teams/{organization_id}/members/{member_id}": "[role] [monthlyCap]",
}


def schema_of(name: str) -> Any:
    return openapi()["components"]["schemas"][name]


def may_be_null(field: Any) -> bool:
    return any(option.get("type") == "null" for option in field.get("anyOf", []))


@pytest.mark.parametrize("model", MODELS)
def test_a_model_has_the_contracts_fields(model: str) -> None:
    name, fields = MODELS[model]
    shown = schema_of(name)
    for field in fields.split():
        assert may_be_null(shown["properties"][field.rstrip("?")]) == field.endswith("?"), field
        assert field.rstrip("?") in shown["required"], "a field of an answer is never omitted"


def test_the_roles_are_the_contracts() -> None:
    assert schema_of("AccountRole")["enum"] == ROLES
    assert schema_of("MemberInvite")["properties"]["role"]["description"] == 'Default: `"MEMBER"`.'


@pytest.mark.parametrize("route", BODIES)
def test_a_body_has_the_contracts_names(route: str) -> None:
    method, _, path = route.partition(" ")
    content = openapi()["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
    body = schema_of(content["schema"]["$ref"].rpartition("/")[2])
    needed = set(body.get("required", []))
    assert {name if name in needed else f"[{name}]" for name in body["properties"]} == set(BODIES[route].split())
