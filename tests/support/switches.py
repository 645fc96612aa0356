"""The CDK app of one environment before and after all its switches change.

`python -m tests.support.switches -c env=before -o FOLDER`. A switch is a field of `Environment` that an operator may
change in a deployed environment. A new field is a switch: numbers and truth values change by themselves, and the
import of this module fails for another type that EXAMPLES does not contain.
"""

import sys
from dataclasses import fields, replace
from typing import Any

from aws_cdk import App

from infra.app import build, flags
from infra.environments import ENVIRONMENTS, GPU, LARGE, NEW, SMALL, Environment
from local.environment import ACCOUNT
from shared.stages.engines import Family
from shared.stages.stages import Stage
from tools.elsewhere import CATALOGUE
from tools.template import REPOSITORY

NAME = "switched"
# Fields that stay the same, with the reason.
FIXED = {
    "name": "it names all resources: another name is another environment",
    "region": "only one is supported",
    "zones": "they cannot change after the first deployment, as the field says",
    "retain_data": "it changes only what happens after the deletion; the worst case is that resources stay",
}
EXAMPLES: dict[str, Any] = {
    "account": ACCOUNT,
    "domain_name": "studio.example.com",
    "hosted_zone_id": "Z0123456789",
    "log_retention_days": 14,
    "canary_every_hours": 12,
    "alarm_email": "operator@example.com",
    "traffic_shift": "Canary10Percent5Minutes",
    "cost_monitor": NEW,
    "sentry_dsn": "https://0123456789abcdef@errors.example.com/1",
    "sizes": {Family.CPU_MEDIA: LARGE, Family.CUDA_DIFFUSERS: replace(GPU, instance_type="g6.2xlarge")},
    "stage_sizes": {Stage.MOTION_TRANSFER: replace(LARGE, max_tasks=3)},
    "verification": replace(SMALL, max_tasks=9),
    "cpu_functions_mb": 0,
    "gpu_engines": ("flux2-klein",),
    "default_engines": ("flux-pro",),
    "weights": "/opt/weights",
    "accepted_licences": ("sana-wm",),
    "sagemaker": {Stage.IMAGE_GENERATION: "ml.g6.xlarge", Stage.POST_PROCESSING: "ml.c7g.xlarge"},
}
# Dashboards refer to the resources of other stacks.
BEFORE = replace(ENVIRONMENTS["dev"], name=NAME, retain_data=True, dashboards=True)


def other(name: str, value: Any) -> Any:
    """Return another value of the field."""
    match value:
        case _ if name in EXAMPLES:
            return EXAMPLES[name]
        case bool():
            return not value
        case int():
            return value + 1
        case float():
            return value * 2
    raise TypeError(f"{name}: add another value to EXAMPLES")


SWITCHES = {
    field.name: other(field.name, getattr(BEFORE, field.name))
    for field in fields(Environment)
    if field.name not in FIXED
}
APPS: dict[str, tuple[Environment, dict[str, object]]] = {
    "before": (BEFORE, {}),
    "after": (replace(BEFORE, **SWITCHES), {"repository": REPOSITORY}),
}

if __name__ == "__main__":
    chosen = sys.argv[sys.argv.index("-c") + 1].removeprefix("env=")
    environment, context = APPS[chosen]
    app = App(outdir=sys.argv[sys.argv.index("-o") + 1], context=flags() | context)
    build(app, environment, CATALOGUE)
    app.synth()
