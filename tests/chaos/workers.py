"""Workers of all stages with scripted engines, in forks of one process: a fork starts in milliseconds.

`python -m tests.chaos.workers NUMBER` runs NUMBER workers, and replaces each one that ends. Each worker reports the
points that it reaches to the storm, which may signal it there.
"""

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from shared.core import clock
from shared.jobs.steps import StepStore
from shared.stages.engines import ENGINES
from shared.stages.requests import StageRequest
from shared.stages.stages import STAGES, Stage
from tests.chaos.film import content
from workers.engines.contract import Output, StageResult, Workspace
from workers.runtime import queues
from workers.runtime.attempt import Attempt
from workers.runtime.queue_loop import serve

STEPS, STEP_SECONDS = 4, 0.05  # an engine reports its progress after each step


def _ask(path: str, **facts: object) -> str:
    url = f"{os.environ['AWS_ENDPOINT_URL']}/chaos/{path}?{urlencode(facts)}"
    with urlopen(url, timeout=300) as answer:  # noqa: S310  # our own address
        return str(answer.read().decode())


def reach(point: str, stage: Stage, job_id: str) -> str:
    """Report a point, and return the answer of the storm."""
    return _ask("point", point=point, stage=stage.value, job=job_id, pid=os.getpid())


class HashingEngine:
    """An engine that reads all inputs, and writes their hash into one tiny file for each role of its stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def load(self) -> None: ...

    def run(self, request: StageRequest, workspace: Workspace) -> StageResult:
        if reach("engine runs", self._stage, request.job_id) == "raise":
            raise RuntimeError("scripted crash")
        for step in range(STEPS):
            workspace.progress(step / STEPS)
            sleep(STEP_SECONDS)
        outputs = []
        for role in sorted(STAGES[self._stage].produces):
            path = workspace.folder / f"{role}.bin"
            path.write_bytes(content(self._stage, role, request, lambda url: workspace.fetch(url).read_bytes()))
            outputs.append(Output(role, path, "application/octet-stream"))
        return StageResult(tuple(outputs))


def announce_points() -> None:
    """Let the runtime of this process report each point."""

    def claimed(attempt: Attempt, *_: object, **__: object) -> None:
        reach("claimed", attempt.task.stage, attempt.task.job_id)

    def reported(_: object, attempt: Attempt) -> None:
        reach("reported", attempt.task.stage, attempt.task.job_id)

    def uploaded(_: object, job: Any, stage: Stage, *__: object, **___: object) -> None:
        reach("uploaded", stage, job.job_id)

    def recorded(_: object, __: object, job: Any, stage: Stage, *___: object, **____: object) -> None:
        reach("recorded", stage, job.job_id)

    _wrap(Attempt, "claim", after=claimed, of_class=True)
    _wrap(Attempt, "succeed", after=reported)
    _wrap(StepStore, "record_result", before=uploaded, after=recorded)


def _wrap(
    owner: Any,
    name: str,
    *,
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
    of_class: bool = False,
) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        if before:
            before(*args, **kwargs)
        result = original(*args, **kwargs)
        if after:
            after(result, *args, **kwargs)
        return result

    setattr(owner, name, staticmethod(wrapped) if of_class else wrapped)


def set_clock(error: float, after: float, later: float) -> None:
    """Let the clock of this process be wrong by `error` seconds, and by `later` seconds after a number of seconds."""
    right, born = clock.utc_now, monotonic()

    def wrong() -> datetime:
        return right() + timedelta(seconds=error if monotonic() - born < after else later)

    for module in list(sys.modules.values()):
        if getattr(module, "utc_now", None) is right:
            module.utc_now = wrong  # type: ignore[attr-defined]  # the modules that imported the function


def work() -> None:
    """Run one worker."""
    set_clock(**json.loads(_ask("birth")))
    serve([*Stage], {entry.name: HashingEngine(entry.stage) for entry in ENGINES})


def main(number: int) -> None:
    """Run the workers until this process group ends."""
    announce_points()
    queues.MAX_PAUSE_SECONDS = 4
    queues.WAIT_SECONDS = 4  # polls of idle workers were two fifths of all calls
    for _ in range(number):
        _fork()
    while True:
        os.wait()
        sleep(0.05)
        _fork()


def _fork() -> None:
    if os.fork():
        return
    try:
        work()
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
