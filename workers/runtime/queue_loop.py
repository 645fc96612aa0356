"""A worker of one stage: `python -m workers.runtime.queue_loop IMAGE_GENERATION`."""

import sys
from importlib import import_module
from typing import Any

from shared.jobs.store import jobs
from shared.observability import logger
from shared.stages.engines import ENGINES, Runs
from shared.stages.stages import Stage
from workers.engines.contract import InProcessEngine
from workers.runtime.config import WorkerConfig
from workers.runtime.granted import reach_media
from workers.runtime.queues import Shutdown, consume
from workers.runtime.step import Engines, StepRunner


def load_engines(stage: Stage) -> Engines:
    """Load the catalogue's in-process engines of the stage, and return them by name."""
    engines: dict[str, InProcessEngine[Any]] = {}
    for entry in ENGINES:
        if entry.stage is stage and entry.runs is Runs.IN_PROCESS:
            module, _, name = entry.code.partition(":")
            engine = getattr(import_module(module), name)()
            engine.load()
            engines[entry.name] = engine
    return engines


def serve(stage: Stage, engines: Engines) -> None:
    """Handle the stage's tasks until SIGTERM. Print `ready` at the start."""
    shutdown = Shutdown()
    shutdown.listen()
    runner = StepRunner(engines, shutdown_requested=lambda: shutdown.requested)
    logger.append_keys(worker=stage.value)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    queues = (stage.priority_queue, stage.queue)
    consume(
        queues,
        runner.handle,
        shutdown,
        visibility_seconds=WorkerConfig().lease_seconds,
        probe=reach_aws,
    )


def reach_aws() -> None:
    """Raise one of `AWS_ERRORS` unless the services answer that an attempt needs."""
    jobs.is_over("job_probe")
    reach_media()


if __name__ == "__main__":
    chosen = Stage(sys.argv[1])
    serve(chosen, load_engines(chosen))
