"""The built package in an empty environment, as a stranger installs it."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from local.cloud import Cloud
from local.environment import ROOT
from tests.e2e.conftest import key_of
from tools.site_examples import requests

pytestmark = pytest.mark.slow

BIN = ROOT / ".venv" / "bin"
THREE_LINES = """
from kinora import Kinora
film = Kinora().films.create("a lighthouse at dusk", preset="crash-zoom-in")
film.save("out.mp4")
"""
TYPED = """
import asyncio
from pathlib import Path
from kinora import AsyncKinora, Film, Kinora, NotEnoughCredits, webhooks
from kinora.models import Job

def report(film: Film) -> None:
    print(film.progress, film.step)

def make(client: Kinora) -> Path:
    try:
        film = client.films.create("a lake", image=Path("me.jpg"), resolution="720p", duration=2, on_progress=report)
    except NotEnoughCredits as error:
        raise SystemExit(f"{error.credits_needed} credits are missing, request {error.request_id}") from None
    jobs: list[Job] = list(client.jobs.list())
    for event in client.jobs.stream(jobs[0].id):
        if event.type == "job.progress":
            print(event.progress)
    return film.save("out.mp4")

async def several() -> None:
    async with AsyncKinora() as client:
        film = await client.films.create("a lake")
        async for job in client.jobs.list():
            print(job.status)
        await film.save("out.mp4")

print(webhooks.verify(b"{}", {}, "whsec_")["type"], make, several, asyncio.run)
"""


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    done = subprocess.run(  # noqa: S603  # our own arguments
        [*map(str, command)], cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the built wheel and its dependencies only."""
    folder = tmp_path_factory.mktemp("wheel")
    run(BIN / "uv", "build", "--wheel", "--out-dir", folder, ROOT / "clients/python", folder=folder)
    run(BIN / "uv", "venv", "--python", BIN / "python", folder / "env", folder=folder)
    [wheel] = folder.glob("*.whl")
    run(BIN / "uv", "pip", "install", "--python", folder / "env/bin/python", wheel, folder=folder)
    return folder / "env/bin/python"


def test_a_stranger_makes_a_film_in_three_lines(scripted_cloud: Cloud, installed: Path, tmp_path: Path) -> None:
    run(
        installed, "-c", THREE_LINES, folder=tmp_path,
        KINORA_API_KEY=key_of(scripted_cloud), KINORA_BASE_URL=scripted_cloud.api_url,
    )  # fmt: skip
    assert (tmp_path / "out.mp4").stat().st_size > 0


def test_the_package_brings_three_dependencies_and_theirs(installed: Path, tmp_path: Path) -> None:
    listed = json.loads(run(BIN / "uv", "pip", "list", "--python", installed, "--format", "json", folder=tmp_path))
    assert len(listed) <= 15, listed
    assert "kinora[cli]" in subprocess.run([installed.with_name("kinora")], capture_output=True, text=True).stderr  # noqa: S603, PLW1510  # our own program, which fails


def test_mypy_checks_a_users_program_for_python_3_10(installed: Path, tmp_path: Path) -> None:
    mypy = (BIN / "mypy", "--config-file=", "--strict", "--python-version=3.10", f"--python-executable={installed}")
    (tmp_path / "typed.py").write_text(TYPED)
    run(*mypy, "typed.py", folder=tmp_path)
    (tmp_path / "typed.py").write_text(TYPED.replace("720p", "721p"))
    with pytest.raises(AssertionError, match="721p"):
        run(*mypy, "typed.py", folder=tmp_path)


def test_the_requests_of_the_site_have_the_types_of_the_client(installed: Path, tmp_path: Path) -> None:
    """The requests that no method sends have a body of any type."""
    lines = ["from kinora import Kinora", "client = Kinora()", *(one.examples()["Python"][1] for one, _ in requests())]
    (tmp_path / "examples.py").write_text("\n".join(lines))
    run(BIN / "mypy", "--config-file=", "--strict", f"--python-executable={installed}", "examples.py", folder=tmp_path)


@pytest.fixture(scope="module")
def command(installed: Path) -> Path:
    """The command with the library of keyrings, and a keyring that is a file."""
    wheel = next(installed.parents[2].glob("*.whl"))
    packages = (f"kinora[cli,keyring] @ {wheel.as_uri()}", "keyrings.alt>=5")
    run(BIN / "uv", "pip", "install", "--python", installed, *packages, folder=installed.parent)
    return installed.with_name("kinora")


def test_login_stores_the_key_in_the_keyring_of_the_system(
    scripted_cloud: Cloud, command: Path, tmp_path: Path
) -> None:
    variables = {
        "PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring", "HOME": str(tmp_path),
        "XDG_DATA_HOME": str(tmp_path / "data"), "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "KINORA_BASE_URL": scripted_cloud.api_url,
    }  # fmt: skip
    key = key_of(scripted_cloud)
    printed = run(command, "login", "--key", key, folder=tmp_path, **variables)
    assert "the keyring" in " ".join(printed.split())
    [stored] = (tmp_path / "config").rglob("credentials.json")
    assert json.loads(stored.read_text()) == {"base_url": scripted_cloud.api_url}
    assert run(command, "ls", "--json", folder=tmp_path, **variables) == "[]\n"


def test_the_shell_completes_the_names_of_commands(command: Path, tmp_path: Path) -> None:
    asked = {"_KINORA_COMPLETE": "complete_bash", "COMP_WORDS": "kinora b", "COMP_CWORD": "1"}
    assert run(command, folder=tmp_path, **asked).split() == ["batch"]


def test_each_dependency_has_a_release_for_python_3_10(tmp_path: Path) -> None:
    project = ROOT / "clients/python/pyproject.toml"
    options = ("--python-version", "3.10", "--all-extras", "--no-build", "--no-header", "--no-annotate")
    resolved = run(BIN / "uv", "pip", "compile", "--quiet", *options, project, folder=tmp_path)
    assert {"httpx", "pydantic", "websockets", "typer", "mcp", "keyring"} <= {
        line.partition("==")[0] for line in resolved.splitlines()
    }
