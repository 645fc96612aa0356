from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from clients.python.kinora.models import Permission
from local.cloud import Cloud, laptop_cloud
from local.studio import StudioClient

# A worker that was killed is noticed after its lease, and progress is known early: the tests wait less.
TIMING = {"KINORA_LEASE_SECONDS": "9", "KINORA_BEAT_SECONDS": "3", "KINORA_PROGRESS_SECONDS": "0.5"}


@pytest.fixture(scope="package")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The laptop cloud with its real workers and engines."""
    with laptop_cloud(folder=tmp_path_factory.mktemp("cloud"), worker_variables=TIMING) as running:
        yield running


@pytest.fixture(scope="package")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder from which the engines of the scripted cloud read their scripts."""
    return tmp_path_factory.mktemp("script")


@pytest.fixture(scope="package")
def scripted_cloud(tmp_path_factory: pytest.TempPathFactory, script: Path) -> Iterator[Cloud]:
    """The laptop cloud with real workers whose engines follow a script."""
    with laptop_cloud(
        folder=tmp_path_factory.mktemp("cloud"),
        worker_module="tests.support.scripted_worker",
        worker_variables={**TIMING, "KINORA_SCRIPT_FOLDER": str(script)},
    ) as running:
        yield running


SCOPES: tuple[Permission, ...] = (
    "profile:read", "projects:read", "projects:write", "jobs:read", "jobs:write", "assets:read", "assets:write",
    "presets:read", "billing:read",
)  # fmt: skip


def key_of(cloud: Cloud) -> str:
    """Return an API key of a new creator."""
    with closing(signed_up(cloud)) as studio:
        return str(studio.call("POST", "/api/auth/keys", {"name": "e2e", "scopes": SCOPES})["key"])


def signed_up(cloud: Cloud) -> StudioClient:
    studio = StudioClient(cloud.api_url, cloud.socket_url, cloud.outbox_url)
    studio.sign_up(f"{uuid4().hex}@example.com", uuid4().hex)
    return studio


@pytest.fixture
def creator(cloud: Cloud) -> Iterator[StudioClient]:
    with closing(signed_up(cloud)) as studio:
        yield studio


@pytest.fixture
def scripted(scripted_cloud: Cloud, script: Path) -> Iterator[StudioClient]:
    for left in script.iterdir():
        left.unlink()
    with closing(signed_up(scripted_cloud)) as studio:
        yield studio
