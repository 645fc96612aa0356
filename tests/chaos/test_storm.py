"""A small storm, as a test: `pytest -m storm tests/chaos`. `make test` leaves it out: it takes minutes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.environment import ROOT


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_a_small_storm_breaks_no_promise(tmp_path: Path) -> None:
    """The storm has a process of its own: records read the environment at import, and tests have another one."""
    command = [sys.executable, "-m", "tests.chaos", "--jobs=40", "--faults=200", "--seed=11", f"--folder={tmp_path}"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("KINORA_")}
    done = subprocess.run(command, cwd=ROOT, env=own, capture_output=True, text=True, check=False)  # noqa: S603  # ours
    assert done.returncode == 0, done.stdout + done.stderr
