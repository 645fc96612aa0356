"""The client that openapi-python-client generates makes a film, and understands each refusal."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from local.cloud import Cloud
from local.studio import newest_token
from tests.strangers.conftest import BIN, DOCUMENT, REFUSALS, run


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Any]]:
    """An import of a module of the generated client by its name."""
    folder = tmp_path_factory.mktemp("python")
    run(
        BIN / "openapi-python-client", "generate", "--path", DOCUMENT, "--output-path", "client", "--fail-on-warning",
        folder=folder,
    )  # fmt: skip
    sys.path.insert(0, str(folder / "client"))
    yield lambda name: import_module(f"kinora_client.{name}")
    sys.path.remove(str(folder / "client"))


def test_a_film_and_twelve_refusals(cloud: Cloud, generated: Callable[[str], Any], email: str, tmp_path: Path) -> None:
    models, client = generated("models"), generated("client")
    anybody = client.Client(base_url=cloud.api_url, raise_on_unexpected_status=True)
    sent = {"email": email, "password": "correct horse battery"}

    def call(name: str, *ids: str, as_: Any = None, **arguments: Any) -> Any:
        """Return the parsed response of the operation `domain.name`."""
        module = generated(f"api.{name}")
        return module.sync_detailed(*ids, client=as_ or ada, **arguments)

    call("auth.register", as_=anybody, body=models.Register.from_dict(sent))
    token = newest_token(httpx.get(cloud.outbox_url, trust_env=False).json(), email)
    call("auth.verify_email", as_=anybody, body=models.Verification.from_dict({"token": token}))
    session = call("auth.login", as_=anybody, body=models.Login.from_dict(sent)).parsed
    ada = client.AuthenticatedClient(
        base_url=cloud.api_url, token=session.access_token, raise_on_unexpected_status=True
    )
    project = call("projects.create_project", body=models.ProjectWrite(name="Harbour")).parsed
    settings = {"duration": 1, "resolution": "480p"}
    wanted = {"projectId": project.id, "prompt": "a lighthouse at dusk", "settings": settings}
    job = call("jobs.create_job", body=models.JobCreate.from_dict(wanted), idempotency_key="one").parsed
    again = call("jobs.create_job", body=models.JobCreate.from_dict(wanted), idempotency_key="one")
    assert (again.parsed.id, again.headers["idempotent-replayed"]) == (job.id, "true")
    deadline = monotonic() + 180
    while (job := call("jobs.get_job", job.id).parsed).status not in {"COMPLETED", "FAILED"}:
        assert monotonic() < deadline
        sleep(0.5)
    assert job.status == "COMPLETED"
    assert {step.step_type.value for step in job.steps} >= {"IMAGE_GENERATION", "POST_PROCESSING"}
    assert ada.get_httpx_client().get(job.video_url).status_code == 200
    assert [one.id for one in call("jobs.list_jobs").parsed.data] == [job.id]

    def create(key: str | None = None, **changed: Any) -> Any:
        more = {"idempotency_key": key} if key else {}
        return call("jobs.create_job", body=models.JobCreate.from_dict(wanted | changed), **more)

    dear = {"duration": 5, "resolution": "4k"}
    held = []
    while (last := create(settings=dear)).status_code == 202:
        held.append(last.parsed.id)
    for job_id in held:  # else the next film waits for them
        call("jobs.cancel_job", job_id)
    upload = {"name": "me.png", "type": "IMAGE", "contentType": "image/png", "size": 10**11}
    answers = {
        "listProjects without a token": call("projects.list_projects", as_=anybody),
        "login with a wrong password": call(
            "auth.login", as_=anybody, body=models.Login.from_dict(sent | {"password": "something else"})
        ),
        "refresh from another site": call("auth.refresh", as_=anybody),
        "createJob without credits": last,
        "createJob in an unknown project": create(projectId="prj_none"),
        "createJob with an unknown preset": create(presetId="none"),
        "createJob with an empty prompt": create(prompt=""),
        "createJob with another body under one key": create("one", prompt="a harbour"),
        "getJob of nobody": call("jobs.get_job", "job_none"),
        "cancelJob of a finished job": call("jobs.cancel_job", job.id),
        "deleteProject with a job": call("projects.delete_project", project.id),
        "uploadAsset of 100 GB": call("assets.upload_asset", body=models.AssetUpload.from_dict(upload)),
    }
    for answer in answers.values():
        assert isinstance(answer.parsed, models.Problem), answer
        assert answer.parsed.request_id == answer.headers["x-request-id"]
    assert {name: (int(a.status_code), a.parsed.code) for name, a in answers.items()} == REFUSALS
