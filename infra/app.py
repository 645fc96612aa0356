"""The CDK app of one environment, chosen by `-c env=dev`. Synthesis needs neither credentials nor Docker."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import App, Tags, Validations
from cdk_nag import AwsSolutionsChecks, ServerlessChecks

from infra.bundling.archive import ROOT
from infra.bundling.report import report
from infra.constructs.function import KinoraFunction
from infra.environments import ENVIRONMENTS, Environment
from infra.repository import repository
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.delivery import DeliveryStack
from infra.stacks.observability import ObservabilityStack
from infra.stacks.pipeline import PipelineStack
from infra.stacks.web import WebStack
from infra.stacks.workers import WorkersStack
from shared.stages.engines import Engine

DEFAULT = "dev"


@dataclass(frozen=True, slots=True)
class Deployment:
    """An environment's stacks, in deployment order. Without a repository no workflow can deploy: no `delivery`."""

    data: DataStack
    pipeline: PipelineStack
    workers: WorkersStack
    api: ApiStack
    web: WebStack
    observability: ObservabilityStack
    delivery: DeliveryStack | None


def build(app: App, environment: Environment, engines: Sequence[Engine] | None = None) -> Deployment:
    """Add the environment's stacks, `{prefix}-{stack}`, and the rule checks of cdk-nag to the app."""

    def id_of(stack: str) -> str:
        return f"{environment.prefix}-{stack}"

    data = DataStack(app, id_of("data"), environment=environment)
    engines = engines or environment.engines
    pipeline = PipelineStack(app, id_of("pipeline"), environment=environment, engines=engines, data=data)
    workers = WorkersStack(
        app,
        id_of("workers"),
        environment=environment,
        engines=engines,
        data=data,
        pipeline=pipeline,
    )
    api = ApiStack(app, id_of("api"), environment=environment, data=data, pipeline=pipeline)
    web = WebStack(app, id_of("web"), environment=environment, data=data, api=api)
    observability = ObservabilityStack(
        app, id_of("observability"), environment=environment, data=data, pipeline=pipeline, workers=workers, api=api,
        web=web,
    )  # fmt: skip
    delivery = DeliveryStack(app, id_of("delivery"), environment=environment) if repository(app) else None
    Tags.of(app).add("project", "kinora")
    Tags.of(app).add("environment", environment.name)
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), ServerlessChecks(app))
    return Deployment(data, pipeline, workers, api, web, observability, delivery)


def flags() -> dict[str, object]:
    """Return the context of cdk.json. The CDK's command line passes it; a plain run of the app needs it from here."""
    context: dict[str, object] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


def main() -> None:
    """Synthesize the templates. Fail if a rule has a finding that is not acknowledged."""
    parser = argparse.ArgumentParser(prog="python -m infra.app", description=__doc__)
    parser.add_argument("-c", "--context", action="append", default=[], metavar="KEY=VALUE", help="env=staging")
    parser.add_argument("-o", "--output", help="the folder for the templates, build/cdk.out by default")
    options = parser.parse_args()
    # The CDK's command line chooses the folder itself.
    output = options.output or (None if "CDK_OUTDIR" in os.environ else str(ROOT / "build" / "cdk.out"))
    app = App(outdir=output, context=flags() | dict(pair.split("=", 1) for pair in options.context))
    name = app.node.try_get_context("env") or DEFAULT
    if name not in ENVIRONMENTS:
        raise SystemExit(f"Unknown environment {name}; there are {', '.join(ENVIRONMENTS)}.")
    build(app, ENVIRONMENTS[name])
    handlers = [node.handler_entry for node in app.node.find_all() if isinstance(node, KinoraFunction)]
    sys.stderr.write(report(handlers) + "\n")
    app.synth()


if __name__ == "__main__":
    main()
