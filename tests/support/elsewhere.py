"""The CDK app of an environment that no catalogue of today asks for: engines on GPUs, stages on SageMaker, and Sentry.

`python -m tests.support.elsewhere -o FOLDER`. Whatever holds for the environments that are deployed must hold for it.
"""

import sys
from dataclasses import replace

from aws_cdk import App

from infra.app import build, flags
from infra.environments import ENVIRONMENTS
from shared.stages.engines import ENGINES, Engine, Family, Runs
from shared.stages.stages import Stage


def _diffuser(stage: Stage) -> Engine:
    return Engine(
        stage, "diffuser", "workers.engines.none:None", Runs.IN_PROCESS, "Needs a GPU.", 4, Family.CUDA_DIFFUSERS
    )


ENVIRONMENT = replace(
    ENVIRONMENTS["dev"],
    name="elsewhere",
    sentry_dsn="https://0123456789abcdef@errors.example.com/1",
    sagemaker={Stage.IMAGE_GENERATION: "ml.g6.xlarge", Stage.POST_PROCESSING: "ml.c7g.xlarge"},
)
CATALOGUE = (*ENGINES, _diffuser(Stage.IMAGE_GENERATION), _diffuser(Stage.VIDEO_SYNTHESIS))

if __name__ == "__main__":
    app = App(outdir=sys.argv[sys.argv.index("-o") + 1], context=flags())
    build(app, ENVIRONMENT, CATALOGUE)
    app.synth()
