"""Each engine that the API contract and the design card name does its step. `docs/engines.md` lists these tests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from functions.jobs import service
from functions.pipeline import requests
from functions.pipeline.dispatch import handler as dispatch
from local.imitation.app import imitation
from local.imitation.service import Service
from shared.jobs.record import JobStatus
from shared.jobs.store import jobs
from shared.stages.engines import Family, catalogue, engine
from shared.stages.stages import Role, Stage
from tests.integration.test_provider_faults import begun, file_of, imitated, stage_of
from tests.integration.test_remote_engines import run_out
from tests.integration.test_sagemaker import sent as sent  # noqa: PLC0414  # a fixture
from tests.support.studio import Creator, Studio

IMAGE = Stage.IMAGE_GENERATION


@pytest.fixture
def providers(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with imitation(file_of) as running, imitated(running, monkeypatch):
        yield running


@pytest.fixture
def with_a_gpu(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offer SDXL, as a deployment with it in `gpu_engines` does. A process reads its engines when it starts."""
    for module in (service, requests):
        monkeypatch.setattr(module, "ENGINES", catalogue(["sdxl"]))


def made(ada: Creator, name: str) -> Any:
    """Return the result of the engine's step, which the function of remote engines does."""
    job_id = begun(ada, name)
    run_out()
    step = jobs.get(job_id).step(stage_of(name))
    assert (step.status, step.engine) == (JobStatus.COMPLETED, name)
    return jobs.results(jobs.get(job_id))[stage_of(name)]


def painted_by_sdxl(ada: Creator) -> str:
    job_id = str(ada.job(ada.project(), engines={"IMAGE_GENERATION": "sdxl"})["id"])
    dispatch({"jobId": job_id, "stage": IMAGE.value, "taskToken": "token-1"}, None)
    return job_id


def test_openai_paints_the_picture(providers: Service, ada: Creator) -> None:
    """OpenAI ended DALL-E in May 2026. Its API of pictures has GPT Image instead."""
    result = made(ada, "openai-image")
    assert result.outputs[0].role is Role.PICTURE
    [request] = providers.requests
    assert request.body["model"] == engine(IMAGE, "openai-image").model


@pytest.mark.parametrize("name", ["runway-gen4.5", "fal-pika"])
def test_runway_and_pika_make_the_clip(providers: Service, ada: Creator, name: str) -> None:
    result = made(ada, name)
    assert result.outputs[0].role is Role.CLIP
    [request] = providers.requests
    assert str(engine(Stage.VIDEO_SYNTHESIS, name).model) in json.dumps(dict(request.body))


def test_a_worker_with_a_gpu_gets_the_step_of_sdxl(studio: Studio, ada: Creator, with_a_gpu: None) -> None:
    """Such workers are tasks of ECS. `tests/gpu` runs this engine's pipeline, and `tests/infra` its service."""
    job_id = painted_by_sdxl(ada)
    [task] = studio.messages(IMAGE.queue)
    assert (task["jobId"], task["engine"]) == (job_id, "sdxl")
    assert engine(IMAGE, "sdxl").family is Family.CUDA_DIFFUSERS


def test_an_endpoint_of_sagemaker_gets_the_step_of_sdxl(
    studio: Studio, ada: Creator, with_a_gpu: None, sent: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KINORA_SAGEMAKER_ENDPOINTS", '{"IMAGE_GENERATION": "kinora-test-image-generation"}')
    painted_by_sdxl(ada)
    [invocation] = sent
    assert invocation["EndpointName"] == "kinora-test-image-generation"
    assert studio.messages(IMAGE.queue) == []
