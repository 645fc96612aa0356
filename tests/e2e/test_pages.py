"""The programs of both clients' pages, as a user copies them."""

import json
import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from PIL import Image

from clients.python.kinora import webhooks
from clients.python.kinora.errors import BadWebhook
from local.cloud import Cloud
from local.environment import ROOT
from shared.access.permissions import KEY_SCOPES
from shared.core.clock import utc_now
from shared.webhooks import signing
from tests.e2e.conftest import signed_up
from tests.support.recipes import NODE, with_typescript_client

pytestmark = pytest.mark.slow

PYTHON, TYPESCRIPT = "clients/python/README.md", "clients/typescript/README.md"
SETTINGS = """
const { KINORA_API_KEY: apiKey, KINORA_BASE_URL: baseUrl } = process.env;
const signal = AbortSignal.timeout(240_000);
"""
BODY = json.dumps({"type": "job.completed", "timestamp": "2026-11-28T00:00:00Z", "data": {}})


def programs(readme: str, languages: str) -> list[str]:
    return re.findall(rf"```(?:{languages})\n(.*?)```", (ROOT / readme).read_text(), re.DOTALL)


@pytest.fixture
def variables(scripted_cloud: Cloud, tmp_path: Path) -> dict[str, str]:
    """The environment of a program with a key, in a folder with the picture of the examples."""
    Image.new("RGB", (640, 360), "red").save(tmp_path / "me.jpg")
    with_typescript_client(tmp_path)
    with closing(signed_up(scripted_cloud)) as studio:
        key = studio.call("POST", "/api/auth/keys", {"name": "pages", "scopes": sorted(KEY_SCOPES)})["key"]
    names = {"KINORA_API_KEY": str(key), "KINORA_BASE_URL": scripted_cloud.api_url}
    return {**os.environ, **names, "PYTHONPATH": str(ROOT / "clients/python")}


def run(*command: str | Path, folder: Path, variables: dict[str, str]) -> str:
    done = subprocess.run(  # noqa: S603  # our own programs
        [*command], cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_programs_of_the_python_page(variables: dict[str, str], tmp_path: Path) -> None:
    first, films, receiver = programs(PYTHON, "python")
    for program in (first, films):
        run(sys.executable, "-c", program, folder=tmp_path, variables=variables)
    assert {path.name for path in tmp_path.glob("*.*") if path.stat().st_size} >= {
        "out.mp4", "poster.jpg", "from-the-still.mp4",
    }  # fmt: skip
    secret = signing.new_secret()
    setup = f"""
from types import SimpleNamespace
request = SimpleNamespace(body={BODY!r}, headers={dict(signing.headers("evt_1", BODY, [secret], at=utc_now()))!r})
"""
    program = receiver.replace("whsec_...", secret) + "print(event['type'])"
    assert run(sys.executable, "-c", setup + program, folder=tmp_path, variables=variables) == "job.completed\n"
    with pytest.raises(BadWebhook):
        webhooks.verify(BODY, {}, secret)


def test_the_programs_of_the_typescript_page(variables: dict[str, str], tmp_path: Path) -> None:
    first, films, requests, receiver = programs(TYPESCRIPT, "js|ts")
    secret = signing.new_secret()
    signed = json.dumps(dict(signing.headers("evt_1", BODY, [secret], at=utc_now())))
    printed = [
        run(NODE, path, folder=tmp_path, variables=variables)
        for number, program in enumerate((
            first,
            SETTINGS + films,
            'import { Kinora } from "kinora";\nconst client = new Kinora();\n' + requests,
            f"const request = new Request('https://x.test', {{ method: 'POST', body: {BODY!r}, headers: {signed} }});\n"
            + receiver.replace("whsec_...", secret) + "console.log(event.type);",
        ))
        if (path := tmp_path / f"program{number}.ts").write_text(program)
    ]  # fmt: skip
    assert printed[2:] == ["OWNER\n", "job.completed\n"]
    assert {path.name for path in tmp_path.glob("*.*") if path.stat().st_size} >= {"out.mp4", "poster.jpg"}
