"""The CDK app of a test environment with options that no real environment uses: a domain, GPUs, SageMaker, Sentry.

`python -m tools.elsewhere -o FOLDER`. The tests of the real environments must also pass for this one.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace

from aws_cdk import App

from infra.app import build, flags
from infra.environments import ENVIRONMENTS, Environment, WorkerSize
from shared.stages.engines import ENGINES, Engine, Family, Runs
from shared.stages.stages import Stage
from tools.template import REPOSITORY


def _diffuser(stage: Stage) -> Engine:
    return Engine(
        stage, "diffuser", "workers.engines.none:None", Runs.IN_PROCESS, "Needs a GPU.", 4, Family.CUDA_DIFFUSERS
    )


ACCOUNTS_MONITOR = "arn:aws:ce::210987654321:anomalymonitor/00000000-0000-0000-0000-000000000000"
ENVIRONMENT = replace(
    ENVIRONMENTS["dev"],
    name="elsewhere",
    cpu_functions_mb=0,
    domain_name="studio.example.com",
    hosted_zone_id="Z0123456789",
    probe=True,
    dashboards=True,
    alarms_by_function=True,
    trace_share=1,
    cost_monitor=ACCOUNTS_MONITOR,
    sentry_dsn="https://0123456789abcdef@errors.example.com/1",
    sagemaker={Stage.IMAGE_GENERATION: "ml.g6.xlarge", Stage.POST_PROCESSING: "ml.c7g.xlarge"},
    stage_sizes={
        Stage.MOTION_TRANSFER: WorkerSize(cpu_units=8192, memory_mb=16384, max_tasks=3),
        Stage.POST_PROCESSING: WorkerSize(cpu_units=2048, memory_mb=4096, max_tasks=5),
    },
)
CATALOGUE = (*ENGINES, _diffuser(Stage.IMAGE_GENERATION), _diffuser(Stage.VIDEO_SYNTHESIS))


def synth(environment: Environment, engines: Sequence[Engine]) -> None:
    """Write the templates of the environment into the folder that follows `-o`."""
    app = App(outdir=sys.argv[sys.argv.index("-o") + 1], context=flags() | {"repository": REPOSITORY})
    build(app, environment, engines)
    app.synth()


if __name__ == "__main__":
    synth(ENVIRONMENT, CATALOGUE)
