"""The number of workers: waking takes none to one, tracking the backlog does the rest, down to none again.

Each decides where the other does not. While tasks wait and nobody serves them, waking says one, and tracking is content
with whatever there is; from the first worker on nothing is unserved, and tracking decides alone.
"""

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

TASKS_PER_WORKER = 2  # waiting or at work: the one it does, and one to do next
MINUTE = Duration.minutes(1)


def scaling_role(scope: Construct, service: str, name: str) -> iam.IRole:
    """Return the service-linked role of Application Auto Scaling for a service: `("ecs", "ECSService")`."""
    path = f"aws-service-role/{service}.application-autoscaling.amazonaws.com"
    arn = Stack.of(scope).format_arn(
        service="iam",
        region="",
        resource="role",
        resource_name=f"{path}/AWSServiceRoleForApplicationAutoScaling_{name}",
    )
    return iam.Role.from_role_arn(scope, "Scaler", arn)


def wake(scope: Construct, target: autoscaling.ScalableTarget, *, name: str, unserved: cloudwatch.IMetric) -> None:
    """Start the first worker when something is `unserved`: without a worker there is no backlog per worker.

    Exactly one. The alarm goes on until the first worker asks for work (a GPU needs five minutes to get there) and acts
    again every minute meanwhile: "one more" would start one each time, "one" changes nothing. It takes nobody away
    from work either: where anybody is at work or asks for it, nothing is unserved.
    """
    alarm = cloudwatch.Alarm(
        scope,
        "Wake",
        alarm_name=name,
        alarm_description="Tasks wait and nobody serves them: scaling starts the first worker.",
        metric=unserved,
        threshold=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    first = autoscaling.StepScalingAction(
        scope,
        "First",
        scaling_target=target,
        adjustment_type=autoscaling.AdjustmentType.EXACT_CAPACITY,
        cooldown=MINUTE,  # short: who has just been scaled in may be woken at once
    )
    first.add_adjustment(adjustment=1, lower_bound=0)
    alarm.add_alarm_action(actions.ApplicationScalingAction(first))


def track(
    scope: Construct,
    target: autoscaling.ScalableTarget,
    *,
    name: str,
    metrics: Mapping[str, cloudwatch.Metric],
    backlog_per_worker: str,
) -> None:
    """Keep `backlog_per_worker`, an expression over `metrics`, at TASKS_PER_WORKER.

    The expression answers TASKS_PER_WORKER itself where waking decides: above it tracking would start workers for the
    same tasks every minute that the first one boots, and below it take the first one away.
    """
    policy = autoscaling.CfnScalingPolicy  # the construct above it takes no expressions
    policy(
        scope,
        "BacklogPerWorker",
        policy_name=name,
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.scalable_target_id,
        target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=TASKS_PER_WORKER,
            scale_out_cooldown=60,
            scale_in_cooldown=300,
            customized_metric_specification=policy.CustomizedMetricSpecificationProperty(
                metrics=[
                    *(_tracked(id_, metric) for id_, metric in metrics.items()),
                    policy.TargetTrackingMetricDataQueryProperty(
                        id="backlog", expression=backlog_per_worker, return_data=True
                    ),
                ]
            ),
        ),
    )


def _tracked(id_: str, metric: cloudwatch.Metric) -> autoscaling.CfnScalingPolicy.TargetTrackingMetricDataQueryProperty:
    policy = autoscaling.CfnScalingPolicy
    dimensions = [
        policy.TargetTrackingMetricDimensionProperty(name=key, value=str(value))
        for key, value in (metric.dimensions or {}).items()
    ]
    return policy.TargetTrackingMetricDataQueryProperty(
        id=id_,
        return_data=False,
        metric_stat=policy.TargetTrackingMetricStatProperty(
            stat=metric.statistic,
            metric=policy.TargetTrackingMetricProperty(
                namespace=metric.namespace, metric_name=metric.metric_name, dimensions=dimensions
            ),
        ),
    )
