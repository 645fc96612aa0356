"""The programs of docs/recipes.md that make films."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clients.python.kinora import Kinora
from local.cloud import Cloud
from local.environment import ROOT
from tests.e2e.conftest import key_of
from tests.support.recipes import NODE, program_of, with_typescript_client

pytestmark = pytest.mark.slow

PROGRAMS: dict[str, tuple[str, str, str | Path]] = {
    "python": ("A batch", "batch.py", sys.executable),
    "js": ("A batch with Node", "batch.mjs", NODE),
}


@pytest.mark.parametrize("language", ["python", "js"])
def test_a_batch_that_runs_twice_pays_once(scripted_cloud: Cloud, tmp_path: Path, language: str) -> None:
    key = key_of(scripted_cloud)
    names = {"KINORA_API_KEY": key, "KINORA_BASE_URL": scripted_cloud.api_url}
    environment = {**os.environ, **names, "PYTHONPATH": str(ROOT / "clients/python")}
    if language == "js":
        with_typescript_client(tmp_path)
    title, program, runtime = PROGRAMS[language]
    (tmp_path / program).write_text(program_of(title, language))
    for _ in range(2):
        done = subprocess.run(  # noqa: S603  # our own program
            [runtime, program],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    presets = {"crash-zoom-in", "orbit-left", "static"}
    assert {path.stem for path in (tmp_path / "films").iterdir() if path.stat().st_size} == presets
    with Kinora(key, scripted_cloud.api_url) as direct:
        assert len([entry for entry in direct.billing.ledger() if entry.credits < 0]) == len(presets)
