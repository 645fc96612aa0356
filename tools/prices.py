"""The list prices and assumptions of docs/prices.toml."""

import tomllib
from typing import Any

from local.environment import ROOT
from shared.stages.stages import STAGES, Stage

PRICES: dict[str, Any] = tomllib.loads((ROOT / "docs" / "prices.toml").read_text())
MONTH, USE, HOUR, ASSUMED = (PRICES[part] for part in ("month", "use", "hour", "assumed"))
WORKER_SECONDS: dict[Stage, float] = {
    stage: ASSUMED["worker_seconds"].get(stage.value, ASSUMED["worker_seconds"]["default"]) for stage in Stage
}
PLANNED = [stage for stage, spec in STAGES.items() if spec.needed_for(frozenset())]  # stages of a job from a prompt
JOBS = 1000  # number of jobs in the tables of use
HOURS = 30 * 24  # hours of a month
