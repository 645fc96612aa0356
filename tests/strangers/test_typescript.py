"""The types that openapi-typescript generates fit a program, and the program makes a film."""

import json
import shutil
from pathlib import Path

import pytest

from local.cloud import Cloud
from local.environment import ROOT
from tests.strangers.conftest import BIN, DOCUMENT, REFUSALS, run

PACKAGES = ("openapi-typescript@7.13.0", "openapi-fetch@0.17.0", "typescript@5.9.3", "@types/node@24")
STRICT = ("--noEmit", "--strict", "--skipLibCheck", "--allowImportingTsExtensions", "--module", "nodenext",
          "--target", "es2023", "--types", "node")  # fmt: skip


@pytest.fixture(scope="module")
def folder() -> Path:
    """A folder below `build/` with the npm packages, the generated types, and the program."""
    made = ROOT / "build" / "strangers"
    made.mkdir(parents=True, exist_ok=True)
    (made / "package.json").write_text('{"type": "module", "private": true}')
    if not (made / "node_modules" / "openapi-fetch").exists():
        run(BIN / "npm", "install", "--no-save", "--silent", *PACKAGES, folder=made)
    run(BIN / "npx", "openapi-typescript", DOCUMENT, "--output", "api.ts", folder=made)
    shutil.copy(Path(__file__).with_name("client.ts"), made)
    return made


def test_the_types_fit_the_program(folder: Path) -> None:
    run(BIN / "npx", "tsc", *STRICT, "client.ts", folder=folder)


def test_a_film_and_twelve_refusals(cloud: Cloud, folder: Path, email: str) -> None:
    printed = json.loads(run(BIN / "node", "client.ts", cloud.api_url, email, cloud.outbox_url, folder=folder))
    assert {name: tuple(answer) for name, answer in printed.items()} == REFUSALS
