"""Clients that strangers generate from the published description, against the laptop cloud with its real workers."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from local.cloud import Cloud, laptop_cloud
from local.environment import ROOT

BIN = ROOT / ".venv" / "bin"
DOCUMENT = ROOT / "docs" / "openapi.json"
# A film of one second, and twelve refusals: the request by the name of its operation, the status and the code.
REFUSALS = {
    "listProjects without a token": (401, "unauthorized"),
    "login with a wrong password": (401, "wrong_credentials"),
    "refresh from another site": (403, "forbidden"),
    "createJob without credits": (402, "not_enough_credits"),
    "createJob in an unknown project": (404, "project_not_found"),
    "createJob with an unknown preset": (404, "preset_not_found"),
    "createJob with an empty prompt": (422, "invalid"),
    "createJob with another body under one key": (422, "idempotency_key_reused"),
    "getJob of nobody": (404, "job_not_found"),
    "cancelJob of a finished job": (409, "job_ended"),
    "deleteProject with a job": (409, "project_not_empty"),
    "uploadAsset of 100 GB": (422, "invalid"),
}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with laptop_cloud(folder=tmp_path_factory.mktemp("cloud")) as running:
        yield running


@pytest.fixture
def email() -> str:
    return f"{uuid4().hex}@example.com"


def run(*command: str | Path, folder: Path, seconds: int = 240) -> str:
    """Run a program and return its output; fail with its output if it fails."""
    done = subprocess.run(  # noqa: S603  # our own arguments
        [*map(str, command)],
        cwd=folder,
        env=os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stdout[-60000:] + done.stderr[-6000:]
    return done.stdout
