"""Each request of the documentation site, with curl, Python and TypeScript, against a deployment in this process."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from clients.python.kinora import Kinora
from local.environment import ROOT
from tests.support.examples import ExampleWorld, served, world
from tests.support.life import no_beats
from tests.support.studio import Studio
from tools.site import pages
from tools.site_examples import ULID, requests

# The list may only become shorter.
NOT_RUN = {"receiveStripeEvent": "Stripe sends it, with a signature that only Stripe and the studio can make"}
REQUESTS = {request.name: request for request, _ in requests() if request.name not in NOT_RUN}
NODE = """
import { readFile } from "node:fs/promises";
import { Kinora } from "%s/src/index.ts";
const AsyncFunction = (async () => {}).constructor;
const baseUrl = process.env.KINORA_BASE_URL;
const failures = {};
for (const name of JSON.parse(await readFile(process.argv[2], "utf8"))) {
  const { text, apiKey } = await (await fetch(`${baseUrl}/prepare/${name}`, { method: "POST" })).json();
  const client = new Kinora({ apiKey, baseUrl, maxRetries: 0 });
  await new AsyncFunction("client", text)(client).catch((error) => (failures[name] = String(error)));
}
await fetch(`${baseUrl}/prepare/end`, { method: "POST" });
console.log(JSON.stringify(failures));
"""


class Sent:
    """The requests that the examples of one language have sent."""

    def __init__(self, one: ExampleWorld, language: str) -> None:
        self.world, self.wrong = one, dict[str, object]()
        self._language, self._name = language, ""

    def prepare(self, name: str) -> dict[str, str]:
        """Judge the requests since the last call. Return the text of the operation's example, and its key."""
        answers = [(operation, status // 100) for operation, status in self.world.served]
        if self._name and answers != [(self._name, 2)]:
            self.wrong[self._name] = list(self.world.served)
        self._name = name if name in REQUESTS else ""
        if not self._name:
            return {}
        request = REQUESTS[name]
        return {
            "text": self.world.texts(request)(request.examples()[self._language][1]),
            "apiKey": self.world.caller(request).token,
        }


@pytest.fixture
def one(studio: Studio) -> Iterator[ExampleWorld]:
    with no_beats():
        yield world(studio)


@pytest.mark.slow
def test_the_requests_with_python(one: ExampleWorld) -> None:
    sent = Sent(one, "Python")
    with served(one, sent.prepare) as url:
        for name in REQUESTS:
            given = sent.prepare(name)
            with Kinora(given["apiKey"], url, max_retries=0) as client:
                try:
                    exec(given["text"], {"client": client})  # noqa: S102  # our own page
                except Exception as error:  # noqa: BLE001  # shown below
                    sent.wrong[name] = repr(error)
        sent.prepare("end")
    assert sent.wrong == {}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.slow
def test_the_requests_with_curl(one: ExampleWorld) -> None:
    sent = Sent(one, "curl")
    with served(one, sent.prepare) as url:
        for name in REQUESTS:
            given = sent.prepare(name)
            keys = {"KINORA_API_KEY": given["apiKey"], "KINORA_ACCESS_TOKEN": given["apiKey"]}
            done = subprocess.run(  # noqa: S603  # our own page
                ["/bin/sh", "-c", given["text"]], env={**os.environ, **keys, "KINORA_BASE_URL": url},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode:
                sent.wrong[name] = done.stderr
        sent.prepare("end")
    assert sent.wrong == {}


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_first_film_with_curl(one: ExampleWorld) -> None:
    start = pages()[0]["index.md"]
    program = max(re.findall(r"```sh\n(.*?)```", start, re.DOTALL), key=len)
    for prefix in ("prj", "job"):
        program = program.replace(f"{prefix}_...", one.ids[f"{prefix}_{ULID}"])
    with served(one, lambda _: {}) as url:
        keys = {"KINORA_BASE_URL": url, "KINORA_API_KEY": one.key.token}
        subprocess.run(["/bin/sh", "-e", "-c", program], env={**os.environ, **keys}, capture_output=True, check=True)  # noqa: S603  # our own page
    assert one.served == [("createProject", 201), ("createJob", 202), ("getJob", 200)]


@pytest.mark.slow
def test_the_requests_with_typescript(one: ExampleWorld, tmp_path: Path) -> None:
    sent = Sent(one, "TypeScript")
    (tmp_path / "names.json").write_text(json.dumps(list(REQUESTS)))
    (tmp_path / "run.mjs").write_text(NODE % (ROOT / "clients/typescript"))
    with served(one, sent.prepare) as url:
        done = subprocess.run(  # noqa: S603  # our own program
            [ROOT / ".venv/bin/node", tmp_path / "run.mjs", tmp_path / "names.json"],
            env={**os.environ, "KINORA_BASE_URL": url}, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (sent.wrong, json.loads(done.stdout)) == ({}, {})
