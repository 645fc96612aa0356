"""The form of all our Lambda functions: own code, layers, an own role, JSON logs, traces."""

from collections.abc import Mapping

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundling.archive import Archive
from infra.bundling.code import function_bundle
from infra.bundling.layers import layer_bundle, layers_of
from infra.constructs.acknowledge import acknowledge, acknowledge_warning
from infra.constructs.log_group import KinoraLogGroup
from infra.constructs.traffic_shift import shift_traffic
from infra.constructs.variables import common_variables
from infra.environments import Environment
from infra.functions import ALIAS, Function, Rollout

SENTRY = "sentry"  # the layer that `shared/observability.py` needs if the environment has a DSN


class KinoraFunction(lambda_.Function):
    """The function of a row of `infra/functions.py`. `variables` are set in addition to those of every function.

    Callers call `.live`: the alias of a published version, or the function itself if the row has no versions.
    `on_failure` receives events of asynchronous invocations that failed after `retry_attempts` retries (default 2). A
    function without `on_failure` states the reason: its `callers` wait for the response, or they store what they send.
    `.own_role` is the role that receives the grants of the row.
    """

    def __init__(
        self,
        scope: Construct,
        row: Function,
        environment: Environment,
        *,
        variables: Mapping[str, str] | None = None,
        on_failure: lambda_.IDestination | None = None,
        retry_attempts: int | None = None,
        callers: str = "The callers (API Gateway, Step Functions, an event source with a destination) wait.",
    ) -> None:
        stack = Stack.of(scope)
        name = f"{environment.prefix}-{row.name}"
        snap_start = row.snap_start and environment.snap_start
        log_group = KinoraLogGroup(
            scope, f"{row.name}-logs", environment=environment, log_group_name=f"/aws/lambda/{name}"
        )
        role = iam.Role(
            scope,
            f"{row.name}-role",
            assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            description=f"Permissions of {name}",
        )
        log_group.grant_write(role)
        bundle = function_bundle(row.handler)
        super().__init__(
            scope,
            row.name,
            function_name=name,
            description=row.handler,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=row.handler.replace(":", "."),
            code=code(bundle),
            layers=[
                _layer(stack, environment, layer)
                for layer in layers_of(row.handler, besides=(SENTRY,) if environment.sentry_dsn else ())
            ],
            role=role,
            environment={**common_variables(environment, stack), **(variables or {})},
            timeout=Duration.seconds(row.seconds),
            memory_size=row.memory_mb,
            tracing=lambda_.Tracing.ACTIVE,
            logging_format=lambda_.LoggingFormat.JSON,
            log_group=log_group,
            recursive_loop=lambda_.RecursiveLoop.ALLOW if row.loops else None,
            snap_start=lambda_.SnapStartConf.ON_PUBLISHED_VERSIONS if snap_start else None,
            # `make rollback` returns to the version that a deployment replaces. The version of a deployment that failed
            # must not stay, because Lambda refuses to publish the same code again.
            current_version_options=lambda_.VersionOptions(removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE),
        )
        self.handler_entry = row.handler
        self.own_role: iam.Role = role
        self.live: lambda_.IFunction = self
        if row.rollout is not Rollout.UNVERSIONED:
            self.live = alias = lambda_.Alias(self, "Live", alias_name=ALIAS, version=self.current_version)
            if row.rollout is Rollout.GRADUAL and environment.traffic_shift:
                shift_traffic(alias, name, log_group, environment.traffic_shift)
        if on_failure:
            self.live.configure_async_invoke(on_failure=on_failure, retry_attempts=retry_attempts)
        acknowledge_warning(self, "`.live` is the published version.", "@aws-cdk/aws-lambda:snapStartRequirePublish")
        acknowledge(
            role,
            "Traces have no ARN: IAM accepts xray:PutTraceSegments and PutTelemetryRecords only on *.",
            "AwsSolutions-IAM5[Resource::*]",
        )
        latest = "Bundles are compiled for 3.13. To raise the version, change RUNTIME in bytecode.py."
        acknowledge(self, latest, "AwsSolutions-L1", "Serverless-LambdaLatestVersion")
        reason = "The on-failure destination receives failed events with the error." if on_failure else callers
        acknowledge(self, reason, "Serverless-LambdaDLQ")


def code(bundle: Archive) -> lambda_.Code:
    """Return the archive as an asset. The CDK uses the archive's digest and does not hash it again."""
    return lambda_.Code.from_asset(str(bundle.path), asset_hash=bundle.digest)


def _layer(stack: Stack, environment: Environment, name: str) -> lambda_.ILayerVersion:
    """Return the stack's own copy. Its ARN changes with every update, so it cannot be exported to another stack."""
    known = stack.node.try_find_child(f"layer-{name}")
    if isinstance(known, lambda_.LayerVersion):
        return known
    return lambda_.LayerVersion(
        stack,
        f"layer-{name}",
        layer_version_name=f"{environment.prefix}-{stack.node.id}-{name}",
        description="Built from uv.lock; layers/layers.toml lists its packages",
        code=code(layer_bundle(name)),
        compatible_runtimes=[lambda_.Runtime.PYTHON_3_13],
        compatible_architectures=[lambda_.Architecture.ARM_64],
    )
