"""The API is the seed's: paths and methods, names of enums, events, queues and fields of queue messages."""

from importlib import import_module
from typing import Any, get_args

from infra.functions import REST_DOMAINS
from infra.queues import QUEUES
from shared.assets.record import AssetType
from shared.jobs.record import JobStatus
from shared.stages.messages import StageTask
from shared.stages.stages import Stage

# The seed's table of endpoints, for the domains there are so far.
SEED = {
    "POST /api/auth/register", "POST /api/auth/login", "POST /api/auth/logout", "POST /api/auth/refresh",
    "GET /api/auth/me",
    "GET /api/projects", "POST /api/projects", "GET /api/projects/:id", "PATCH /api/projects/:id",
    "DELETE /api/projects/:id",
    "GET /api/jobs", "POST /api/jobs", "GET /api/jobs/:id", "DELETE /api/jobs/:id", "POST /api/jobs/:id/cancel",
    "GET /api/assets", "POST /api/assets", "GET /api/assets/:id", "DELETE /api/assets/:id", "POST /api/assets/upload",
    "GET /api/presets", "GET /api/presets/:id",
}  # fmt: skip


def documents() -> list[dict[str, Any]]:
    """The OpenAPI document of each domain's app."""
    return [import_module(domain.handler.partition(":")[0]).app.openapi() for domain in REST_DOMAINS]


def operations() -> list[tuple[str, str]]:
    """Every (method, path template) that the apps serve."""
    return [
        (method.upper(), path)
        for document in documents()
        for path, verbs in document["paths"].items()
        for method in verbs
    ]


def test_the_endpoints_are_the_seeds() -> None:
    served = set()
    for method, path in operations():
        parts = [":id" if part.startswith("{") else part for part in path.split("/")]
        served.add(f"{method} {'/'.join(parts)}")
    assert served >= SEED  # docs/openapi.json holds the endpoints beyond the contract


def test_public_routes_exist() -> None:
    served = {f"{method} {path}" for method, path in operations()}
    for domain in REST_DOMAINS:
        assert domain.public <= served


def test_bodies_are_camel_case() -> None:
    for document in documents():
        for name, schema in document.get("components", {}).get("schemas", {}).items():
            for field in schema.get("properties", {}):
                if name not in {"Keyframe", "CameraMove"}:
                    assert "_" not in field, f"{name}.{field}"


def test_job_and_step_views_have_the_seeds_fields() -> None:
    [jobs] = [d["components"]["schemas"] for d in documents() if "JobView" in d["components"]["schemas"]]
    seed_job = {
        "id", "projectId", "status", "progress", "currentStep", "error", "prompt", "presetId", "settings", "imageUrl",
        "videoUrl", "thumbnailUrl", "createdAt", "updatedAt", "completedAt", "steps",
    }  # fmt: skip
    seed_step = {
        "id", "stepType", "status", "progress", "error", "resultUrl", "metadata", "startedAt", "completedAt",
    }  # fmt: skip
    assert seed_job <= set(jobs["JobView"]["properties"])
    assert seed_step <= set(jobs["StepView"]["properties"])


def test_the_enums_are_the_seeds() -> None:
    assert [status.value for status in JobStatus] == [
        "PENDING",
        "QUEUED",
        "RUNNING",
        "COMPLETED",
        "FAILED",
        "CANCELLED",
    ]
    assert [stage.value for stage in Stage] == [
        "IMAGE_GENERATION", "VIDEO_SYNTHESIS", "MOTION_TRANSFER", "POST_PROCESSING",
    ]  # fmt: skip
    assert [type.value for type in AssetType] == ["IMAGE", "VIDEO", "AUDIO", "OTHER"]


def test_the_stages_queues_are_the_seeds() -> None:
    names = ["image-generation", "video-synthesis", "motion-transfer", "post-processing"]
    assert [stage.queue for stage in Stage] == names
    assert set(names) <= {queue.name for queue in QUEUES}


def test_queue_messages_carry_the_seeds_job_data() -> None:
    seed = {
        Stage.IMAGE_GENERATION: {"jobId", "prompt", "style", "aspectRatio", "userId"},
        Stage.VIDEO_SYNTHESIS: {"jobId", "imageUrl", "presetId", "duration", "userId"},
        Stage.MOTION_TRANSFER: {"jobId", "videoUrl", "presetId", "userId"},
        Stage.POST_PROCESSING: {"jobId", "videoUrl", "operations", "userId"},
    }
    for task in get_args(StageTask):
        stage, request = task.model_fields["stage"].default, task.model_fields["request"].annotation
        assert seed[stage] <= {field.alias for field in request.model_fields.values()}
        assert request.__name__ == f"{stage.state}Job"


def test_every_operation_has_an_id_and_says_what_it_does() -> None:
    found = [verb for document in documents() for verbs in document["paths"].values() for verb in verbs.values()]
    ids = [verb["operationId"] for verb in found]
    assert len(set(ids)) == len(ids)
    assert all(verb["description"].endswith((".", "send.")) for verb in found)
