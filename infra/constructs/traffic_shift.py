"""Gradual releases: CodeDeploy moves calls to the new version of a function, and back if alarms see its failures."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs

from infra.constructs.acknowledge import acknowledge
from infra.repository import runbook_page
from shared.observability import NAMESPACE

APPLICATION, ROLE = "releases", "releases-role"  # ids of the constructs that all functions of a stack share
MOST_FAILURES = 2  # maximum failures of the new version in five minutes


def shift_traffic(alias: lambda_.Alias, name: str, log_group: logs.ILogGroup, steps: str) -> None:
    """Let CodeDeploy move the alias of the function `name` to a new version in `steps`.

    Two alarms end the shift. One counts crashes and timeouts. The other counts error lines, which also report a 500 of
    the REST API and a failed message of a batch: for Lambda these are successful calls.
    """
    version = alias.version.version
    crashes = cloudwatch.Metric(
        namespace="AWS/Lambda",
        metric_name="Errors",
        dimensions_map={"FunctionName": name, "Resource": f"{name}:{alias.alias_name}", "ExecutedVersion": version},
    )
    lines = logs.MetricFilter(
        alias,
        "ErrorLines",
        log_group=log_group,
        filter_pattern=logs.FilterPattern.any(
            *(logs.FilterPattern.string_value("$.level", "=", level) for level in ("ERROR", "CRITICAL"))
        ),
        metric_namespace=f"{NAMESPACE}/Releases",
        metric_name=name,
        dimensions={"version": "$.function_version"},
    )
    codedeploy.LambdaDeploymentGroup(
        alias,
        "Shift",
        application=_application(Stack.of(alias)),
        role=_role(Stack.of(alias)),
        deployment_group_name=name,
        alias=alias,
        deployment_config=codedeploy.LambdaDeploymentConfig.from_lambda_deployment_config_name(
            alias, "Steps", f"CodeDeployDefault.Lambda{steps}"
        ),
        alarms=[
            _alarm(alias, "Crashes", f"{name}-release-crashes-{version}", crashes),
            _alarm(
                alias, "Errors", f"{name}-release-errors-{version}", lines.metric(dimensions_map={"version": version})
            ),
        ],
        # A stopped shift would leave the alias with two versions, and the next deployment would fail.
        auto_rollback=codedeploy.AutoRollbackConfig(stopped_deployment=True),
    )


def _alarm(alias: lambda_.Alias, id: str, name: str, failures: cloudwatch.Metric) -> cloudwatch.Alarm:  # noqa: A002  # CDK's own name
    """Create an alarm without actions, because CodeDeploy polls it and the deployment reports the failure.

    Its name contains the version. An updated alarm would keep its state, so an alarm of the old version, whose errors
    this release corrects, would stop the release.
    """
    return cloudwatch.Alarm(
        alias,
        id,
        alarm_name=name,
        alarm_description=f"The version that is being released fails. What to do: {runbook_page(alias, 'release')}",
        metric=failures.with_(period=Duration.minutes(5), statistic="Sum"),
        threshold=MOST_FAILURES,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def _application(stack: Stack) -> codedeploy.ILambdaApplication:
    known = stack.node.try_find_child(APPLICATION)
    if isinstance(known, codedeploy.LambdaApplication):
        return known
    return codedeploy.LambdaApplication(stack, APPLICATION, application_name=stack.stack_name)


def _role(stack: Stack) -> iam.IRole:
    known = stack.node.try_find_child(ROLE)
    if isinstance(known, iam.Role):
        return known
    role = iam.Role(
        stack,
        ROLE,
        assumed_by=iam.ServicePrincipal("codedeploy.amazonaws.com"),
        description=f"Moves the aliases of {stack.stack_name} to new versions",
    )
    acknowledge(
        role,
        "AWS's own policy with which CodeDeploy updates aliases and reads alarms. The CDK attaches it.",
        "AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSCodeDeployRoleForLambdaLimited]",
    )
    return role
