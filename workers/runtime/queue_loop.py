"""A worker of some stages: `python -m workers.runtime.queue_loop IMAGE_GENERATION VIDEO_SYNTHESIS`."""

import sys
from collections.abc import Collection
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


def load_engines(stages: Collection[Stage]) -> Engines:
    """Load the catalogue's in-process engines of the stages, and return them by name."""
    engines: dict[str, InProcessEngine[Any]] = {}
    for entry in ENGINES:
        if entry.stage in stages and entry.runs is Runs.IN_PROCESS:
            module, _, name = entry.code.partition(":")
            engine = getattr(import_module(module), name)()
            engine.load()
            engines[entry.name] = engine
    return engines


def polled(stages: Collection[Stage]) -> tuple[str, ...]:
    """Return the queues of the stages in the order in which a worker polls them.

    The queues of paid plans are first. Among them, and among the others, later stages are first, because their jobs
    started earlier: a worker ends the oldest job before it begins a new one.
    """
    last_first = [stage for stage in reversed(Stage) if stage in stages]
    return (*(stage.priority_queue for stage in last_first), *(stage.queue for stage in last_first))


def serve(stages: Collection[Stage], engines: Engines) -> None:
    """Handle the tasks of the stages until SIGTERM. Print `ready` at the start."""
    shutdown = Shutdown()
    shutdown.listen()
    runner = StepRunner(engines, shutdown_requested=lambda: shutdown.requested)
    logger.append_keys(worker=" ".join(stages))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    consume(
        polled(stages),
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
    chosen = [Stage(name) for name in sys.argv[1:]]
    serve(chosen, load_engines(chosen))
