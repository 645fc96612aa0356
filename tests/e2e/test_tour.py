"""`make tour`: each part of the API, used as a customer does."""

import subprocess
import sys

import pytest

from local.environment import ROOT


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tour_reaches_its_end() -> None:
    made = subprocess.run(  # our own module
        [sys.executable, "-m", "local.tour"], cwd=ROOT, check=False, capture_output=True, text=True, timeout=580
    )
    assert made.returncode == 0, made.stdout + made.stderr
    assert made.stdout.count("\N{HEAVY CHECK MARK}") == 15, made.stdout
