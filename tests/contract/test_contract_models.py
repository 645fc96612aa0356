"""The models and enums of the API contract, and the bodies of its requests, against the published document."""

from typing import Any

import pytest

from local.gateway.docs import openapi

# The contract's models, each with the schema that shows it. "?" marks a field that may be null. Nobody sees
# `User.passwordHash`. An asset has a URL when it is READY. A subscription has ids of Stripe after a purchase.
MODELS = {
    "User": ("MeView", "id email name? avatar? emailVerified? createdAt updatedAt"),
    "Job": (
        "JobView",
        "id projectId status progress currentStep? error? prompt presetId settings imageUrl? videoUrl? thumbnailUrl? "
        "createdAt updatedAt completedAt?",
    ),
    "JobStep": (
        "StepView",
        "id jobId stepType status progress error? resultUrl? metadata? startedAt? completedAt?",
    ),
    "Preset": (
        "PresetView",
        "id name description? category thumbnail? config isDefault isPublic userId? createdAt updatedAt",
    ),
    "Asset": (
        "AssetView",
        "id name type url? thumbnailUrl? size width? height? duration? userId projectId? createdAt",
    ),
    "Subscription": (
        "SubscriptionView",
        "id userId organizationId? stripeCustomerId? stripeSubscriptionId? stripePriceId? status plan "
        "currentPeriodStart? currentPeriodEnd? cancelAtPeriodEnd createdAt? updatedAt?",
    ),
    "Usage": ("UsageDay", "id userId date jobsCreated creditsUsed storageUsed"),
    "Project": ("ProjectView", "id name thumbnail? userId organizationId? createdAt updatedAt"),
    "Organization": ("OrganizationView", "id name slug createdAt updatedAt"),
    "OrganizationMember": ("MemberView", "id role userId organizationId createdAt"),
}
ENUMS = {  # `Stage` is the contract's `StepType`
    "AccountRole": "OWNER ADMIN MEMBER VIEWER",
    "JobStatus": "PENDING QUEUED RUNNING COMPLETED FAILED CANCELLED",
    "Stage": "IMAGE_GENERATION VIDEO_SYNTHESIS MOTION_TRANSFER POST_PROCESSING",
    "AssetType": "IMAGE VIDEO AUDIO OTHER",
    "SubscriptionStatus": "ACTIVE CANCELLED PAST_DUE UNPAID TRIALING",
    "PlanType": "FREE PRO ENTERPRISE",
}
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


@pytest.mark.parametrize("name", ENUMS)
def test_an_enum_has_the_contracts_values(name: str) -> None:
    assert schema_of(name)["enum"] == ENUMS[name].split()


def test_no_answer_shows_the_hash_of_a_password() -> None:
    assert "passwordHash" not in str(openapi())


def test_an_invite_is_for_a_member_by_default() -> None:
    assert schema_of("MemberInvite")["properties"]["role"]["description"] == 'Default: `"MEMBER"`.'


@pytest.mark.parametrize("route", BODIES)
def test_a_body_has_the_contracts_names(route: str) -> None:
    method, _, path = route.partition(" ")
    content = openapi()["paths"][path][method.lower()]["requestBody"]["content"]["application/json"]
    body = schema_of(content["schema"]["$ref"].rpartition("/")[2])
    needed = set(body.get("required", []))
    assert {name if name in needed else f"[{name}]" for name in body["properties"]} == set(BODIES[route].split())
