"""The API contract: paths and methods, names of enums, events, queues and fields of queue messages."""

import json
import re
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

import pytest

from infra.constructs.problems import PROBLEMS
from infra.functions import REST_DOMAINS
from local.gateway.docs import openapi
from shared.assets.record import AssetType
from shared.jobs.record import JobStatus
from shared.stages.queues import QUEUES
from shared.stages.stages import STAGES, Stage
from tests.support.contract import ENDPOINTS
from tests.support.documents import PROBLEM, check_response
from tests.support.json_schema import faults

Operation = dict[str, Any]
OPERATIONS: dict[str, Operation] = {
    f"{method.upper()} {path}": operation
    for path, methods in openapi()["paths"].items()
    for method, operation in methods.items()
}
every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())


def documents() -> list[dict[str, Any]]:
    """Return the OpenAPI document of each domain's app."""
    return [import_module(domain.handler.partition(":")[0]).app.openapi() for domain in REST_DOMAINS]


def operations() -> list[tuple[str, str]]:
    """Return every (method, path template) that the apps serve."""
    return [
        (method.upper(), path)
        for document in documents()
        for path, verbs in document["paths"].items()
        for method in verbs
    ]


def test_the_endpoints_of_the_contract_exist_under_their_names() -> None:
    served = set()
    for method, path in operations():
        parts = [":id" if part.startswith("{") else part for part in path.split("/")]
        served.add(f"{method} {'/'.join(parts)}")
    assert set(ENDPOINTS) <= served


def test_no_other_route_is_public() -> None:
    """A word beside a parameter of a public route needs an entry in `beside`."""
    for domain in REST_DOMAINS:
        for method, path in operations():
            if path.startswith(f"/api/{domain.name}"):
                assert domain.is_public(method, path) == (f"{method} {path}" in domain.public), f"{method} {path}"


def test_a_resource_that_a_patch_changes_has_a_version() -> None:
    """The PATCH takes it, and the GET of the same resource shows it."""
    paths = openapi()["paths"]
    patched = {path: verbs for path, verbs in paths.items() if "patch" in verbs}
    assert len(patched) >= 5
    for path, verbs in patched.items():
        parameters = {one["name"].lower() for one in verbs["patch"]["parameters"]}
        assert "if-match" in parameters, path
        assert "ETag" in verbs["patch"]["responses"]["412"]["headers"], path
        for verb in ("get", "patch"):
            assert "ETag" in verbs[verb]["responses"]["200"]["headers"], (path, verb)


def test_public_routes_exist() -> None:
    served = {f"{method} {path}" for method, path in operations()}
    for domain in REST_DOMAINS:
        assert domain.public <= served


def test_limits_are_keywords_of_json_schema() -> None:
    """pydantic writes its own names for the limits of a number whose validator stands before them."""
    assert not re.findall(r'"(?:ge|gt|le|lt)":', json.dumps(openapi()))


def test_bodies_are_camel_case() -> None:
    for document in documents():
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            for field in schema.get("properties", {}):
                if name not in {"Keyframe", "CameraMove"}:
                    assert "_" not in field, f"{name}.{field}"


def test_job_and_step_views_have_the_contracts_fields() -> None:
    [jobs] = [d["components"]["schemas"] for d in documents() if "JobView" in d["components"]["schemas"]]
    contract_job = {
        "id", "projectId", "status", "progress", "currentStep", "error", "prompt", "presetId", "settings", "imageUrl",
        "videoUrl", "thumbnailUrl", "createdAt", "updatedAt", "completedAt", "steps",
    }  # fmt: skip
    contract_step = {
        "id", "stepType", "status", "progress", "error", "resultUrl", "metadata", "startedAt", "completedAt",
    }  # fmt: skip
    assert contract_job <= set(jobs["JobView"]["properties"])
    assert contract_step <= set(jobs["StepView"]["properties"])


def test_the_enums_match_the_contract() -> None:
    assert [status.value for status in JobStatus] == [
        "PENDING",
        "QUEUED",
        "RUNNING",
        "COMPLETED",
        "FAILED",
        "CANCELLED",
    ]
    stages = ["IMAGE_GENERATION", "VIDEO_SYNTHESIS", "MOTION_TRANSFER", "POST_PROCESSING"]
    assert [stage for stage in Stage if stage in stages] == stages, "other stages may stand between them"
    assert [type.value for type in AssetType] == ["IMAGE", "VIDEO", "AUDIO", "OTHER"]


def test_billing_has_the_contracts_fields_and_enums() -> None:
    [billing] = [d["components"]["schemas"] for d in documents() if "SubscriptionView" in d["components"]["schemas"]]
    subscription = {
        "id", "userId", "organizationId", "stripeCustomerId", "stripeSubscriptionId", "stripePriceId", "status", "plan",
        "currentPeriodStart", "currentPeriodEnd", "cancelAtPeriodEnd", "createdAt", "updatedAt",
    }  # fmt: skip
    assert subscription <= set(billing["SubscriptionView"]["properties"])
    usage = {"id", "userId", "date", "jobsCreated", "creditsUsed", "storageUsed"}
    assert usage <= set(billing["UsageDay"]["properties"])
    assert billing["PlanType"]["enum"] == ["FREE", "PRO", "ENTERPRISE"]
    assert billing["SubscriptionStatus"]["enum"] == ["ACTIVE", "CANCELLED", "PAST_DUE", "UNPAID", "TRIALING"]


def test_the_queues_of_stages_match_the_contract() -> None:
    names = ["image-generation", "video-synthesis", "motion-transfer", "post-processing"]
    assert [stage.queue for stage in Stage if stage.queue in names] == names
    assert {stage.queue for stage in Stage} <= {queue.name for queue in QUEUES}


def test_queue_messages_carry_the_contracts_job_data() -> None:
    contract = {
        Stage.IMAGE_GENERATION: {"jobId", "prompt", "style", "aspectRatio", "userId"},
        Stage.VIDEO_SYNTHESIS: {"jobId", "imageUrl", "presetId", "duration", "userId"},
        Stage.MOTION_TRANSFER: {"jobId", "videoUrl", "presetId", "userId"},
        Stage.POST_PROCESSING: {"jobId", "videoUrl", "operations", "userId"},
    }
    for stage, fields in contract.items():
        assert fields <= {field.alias for field in STAGES[stage].request.model_fields.values()}
    for stage, spec in STAGES.items():
        assert spec.request.__name__ == f"{stage.state}Job"


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


@every_operation
def test_an_operation_has_a_name_and_a_description(operation: Operation) -> None:
    """Generated clients use `operationId` as the method's name and the description as its documentation."""
    assert operation["operationId"].isidentifier()
    assert operation["operationId"][0].islower()
    assert "_" not in operation["operationId"], "give the route its own operation_id, in camelCase"
    assert operation["summary"]
    assert operation["description"].endswith((".", "send."))
    [tag] = operation["tags"]
    assert tag.isidentifier()


@every_operation
def test_an_operations_response_has_a_type(operation: Operation) -> None:
    [(status, response)] = [(status, r) for status, r in operation["responses"].items() if status < "3"]
    if status == "204":
        assert "content" not in response
        return
    schema = response["content"]["application/json"]["schema"]
    assert "$ref" in (schema["items"] if schema.get("type") == "array" else schema), "return a View or a list of Views"


@every_operation
def test_an_operations_refusals_are_problems(operation: Operation) -> None:
    refusals = {status: r["content"] for status, r in operation["responses"].items() if status >= "4"}
    assert {"400", "403", "429", "5XX"} <= refusals.keys()
    for content in refusals.values():
        assert content == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def test_refusals_follow_from_path_input_and_token() -> None:
    for name, operation in OPERATIONS.items():
        listed = operation["responses"].keys()
        assert ({} not in operation.get("security", [{}])) <= ("401" in listed), name
        assert ("{" in name) <= ("404" in listed), name
        assert ("requestBody" in operation) <= ({"413", "415", "422"} <= listed), name


@every_operation
def test_a_body_has_an_example_that_its_schema_allows(operation: Operation) -> None:
    if "requestBody" not in operation:
        return
    document = openapi()
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    [example] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["examples"]
    assert faults(example, schema, document) == []


@every_operation
def test_every_response_has_its_headers(operation: Operation) -> None:
    for status, response in operation["responses"].items():
        assert response["headers"].keys() >= {"X-Request-Id"}
        assert ("WWW-Authenticate" in response["headers"]) == (status == "401")
        assert ("Retry-After" in response["headers"]) == (status in {"429", "503"})


def test_both_ways_to_prove_an_identity_are_described() -> None:
    used = {name for operation in OPERATIONS.values() for one in operation.get("security", []) for name in one}
    assert used == openapi()["components"]["securitySchemes"].keys() == {"token", "session"}
    assert not any(p["in"] == "cookie" for o in OPERATIONS.values() for p in o.get("parameters", []))


def test_every_server_has_an_address() -> None:
    for server in openapi()["servers"]:
        address = server["url"].format(**{name: one["default"] for name, one in server["variables"].items()})
        assert urlsplit(address).hostname


def test_fastapis_own_error_schemas_are_gone() -> None:
    assert "ValidationError" not in str(openapi())


def test_the_refusals_of_api_gateway_are_described() -> None:
    statuses = {str(problem.status) if problem.status < 500 else "5XX" for problem in PROBLEMS}
    [create] = [operation for operation in OPERATIONS.values() if operation["operationId"] == "createJob"]
    assert statuses <= create["responses"].keys()


BODY = {"type": "about:blank", "title": "Conflict", "status": 409, "code": "c", "detail": "d", "requestId": "r"}


@pytest.mark.parametrize(
    ("response", "named"),
    [
        (("GET", "/api/jobs/job_1", 409, PROBLEM, BODY), "status 409 for getJob"),
        (("GET", "/api/nothing", 409, PROBLEM, BODY), "GET /api/nothing is not in docs/openapi.json"),
        (("DELETE", "/api/jobs/job_1", 409, "application/json", BODY), "deleteJob answers 409 as application/json"),
        (("DELETE", "/api/jobs/job_1", 409, PROBLEM, {"status": 409}), r"\$\.code is missing"),
        (("DELETE", "/api/jobs/job_1", 409, PROBLEM, BODY | {"odd": 1}), r"\$\.odd is not in Problem"),
        (("DELETE", "/api/jobs/job_1", 409, PROBLEM, BODY | {"status": 410}), "its body has the status 410"),
        (
            ("GET", "/api/projects", 200, "application/json", {"data": [{"id": "prj_1"}]}),
            r"listProjects .*\$\.data\[0\]\.name is missing",
        ),
        (("DELETE", "/api/jobs/job_1", 204, "", "text"), "deleteJob answers 204 with a body"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_response_check_refuses_an_undescribed_response(response: Any, named: str) -> None:
    with pytest.raises(AssertionError, match=named):
        check_response(*response)


def test_a_described_response_passes() -> None:
    check_response("DELETE", "/api/jobs/job_1", 409, PROBLEM, BODY)
    check_response("GET", "/api/projects", 200, "application/json", {"data": [], "hasMore": False, "nextCursor": None})
