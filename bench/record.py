"""docs/bench.json: the newest runs of `make bench RECORD=1`, from which `make docs` writes docs/performance.md."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from bench.measure import Measure
from local.environment import ROOT

FILE = ROOT / "docs" / "bench.json"
KEPT = 3  # runs


@dataclass(frozen=True, slots=True)
class BenchRun:
    """The measures of one run on one machine."""

    at: str  # date and time in UTC
    machine: str
    measures: tuple[Measure, ...]


def runs(file: Path = FILE) -> list[BenchRun]:
    """Return the recorded runs, oldest first."""
    recorded = json.loads(file.read_text())["runs"]
    return [BenchRun(run["at"], run["machine"], tuple(Measure(**one) for one in run["measures"])) for run in recorded]


def record(measures: Sequence[Measure], at: datetime, file: Path = FILE) -> None:
    """Add a run, and drop the oldest runs over KEPT."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    run = BenchRun(f"{at:%Y-%m-%d %H:%M}", machine, tuple(measures))
    newest = [*(runs(file) if file.exists() else ()), run][-KEPT:]
    file.write_text(json.dumps({"runs": [asdict(one) for one in newest]}, indent=2) + "\n")
