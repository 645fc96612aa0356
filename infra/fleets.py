"""The services of workers on ECS as data: which stages each one does, its queues, its image and its size.

Where functions do not do the CPU stages, one service does them all, so that a film starts one worker. A stage that
needs a GPU, or has a size of its own, has its own service: the models of two stages do not fit into the memory of one
GPU.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from infra.constructs.scaling import TASKS_PER_WORKER
from infra.environments import Environment, WorkerSize
from shared.stages.engines import Engine, Family, Runs
from shared.stages.queues import VERIFICATION_QUEUE
from shared.stages.stages import Stage


@dataclass(frozen=True, slots=True)
class Fleet:
    """The service `{prefix}-{name}`. The verifier of uploads has no stages."""

    name: str
    family: Family
    size: WorkerSize
    stages: tuple[Stage, ...] = ()
    warm: int = 0  # workers that run while nothing is to do

    @property
    def tasks_per_worker(self) -> int:
        """The number of tasks for each worker at which scaling aims.

        Another worker for steps of some seconds costs more than these steps: it boots, and it is quiet before it stops.
        `docs/cost.md` shows the result.
        """
        return 8 if self.stages and self.family is Family.CPU_MEDIA else TASKS_PER_WORKER

    @property
    def queues(self) -> tuple[str, ...]:
        """Names of the queues that its workers poll, without the environment's prefix."""
        return tuple(name for stage in self.stages for name in (stage.priority_queue, stage.queue)) or (self.name,)


def fleets(environment: Environment, engines: Sequence[Engine] | None = None) -> tuple[Fleet, ...]:
    """Return the services of the environment, in the order of their first stages. A verifier is the last one."""
    found: dict[str, Fleet] = {}
    in_functions = stages_in_functions(environment, engines)
    for stage in Stage:
        family = family_of(stage, engines or environment.engines)
        size = environment.size_of(stage, family)
        if stage not in environment.sagemaker and stage not in in_functions:
            alone = family is not Family.CPU_MEDIA or stage in environment.stage_sizes
            name = stage.queue if alone else family.value
            others = found[name].stages if name in found else ()
            found[name] = Fleet(name, family, size, (*others, stage), 0 if alone else environment.warm_workers)
    if not environment.cpu_functions_mb:
        found[VERIFICATION_QUEUE] = Fleet(VERIFICATION_QUEUE, Family.CPU_MEDIA, environment.verification)
    return tuple(found.values())


def stages_in_functions(environment: Environment, engines: Sequence[Engine] | None = None) -> tuple[Stage, ...]:
    """Return the stages whose work functions do."""
    if not environment.cpu_functions_mb:
        return ()
    elsewhere = {*environment.sagemaker, *environment.stage_sizes}
    return tuple(
        stage
        for stage in Stage
        if stage not in elsewhere and family_of(stage, engines or environment.engines) is Family.CPU_MEDIA
    )


def family_of(stage: Stage, engines: Sequence[Engine]) -> Family:
    """Return the family that suits all in-process engines of the stage, because one service loads them all."""
    needed = {entry.family for entry in engines if entry.stage is stage and entry.runs is Runs.IN_PROCESS}
    return Family.CUDA_DIFFUSERS if Family.CUDA_DIFFUSERS in needed else Family.CPU_MEDIA
