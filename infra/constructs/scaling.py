"""Scaling of workers: target tracking of the backlog, and an alarm that starts the first worker.

Only one of them decides at a time. While tasks wait without a worker, the alarm sets the number to 1 and tracking does
not change it. From the first worker on no task is unserved, and tracking decides alone. Tracking stops workers after
15 quiet minutes. Services of ECS have an alarm that stops them earlier.
"""

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk import aws_applicationautoscaling as autoscaling
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_iam as iam
from constructs import Construct

TASKS_PER_WORKER = 2  # target: the task that a worker runs, and one that waits
QUIET_MINUTES = 5  # minutes without a task after which workers stop
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
    """Set the number of workers to 1 when tasks are `unserved`, because a backlog per worker needs a worker.

    The number is exact. The alarm stays active until the first worker polls (a GPU worker needs five minutes to start)
    and acts every minute meanwhile: adding 1 would start a worker each time; setting 1 changes nothing. It does not
    stop workers either, because no task is unserved while a worker works or polls.
    """
    alarm = cloudwatch.Alarm(
        scope,
        "Wake",
        alarm_name=name,
        alarm_description="Tasks wait and no worker runs. Scaling starts the first worker.",
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
        cooldown=MINUTE,  # short, so that a worker can start again right after the last one was stopped
    )
    first.add_adjustment(adjustment=1, lower_bound=0)
    alarm.add_alarm_action(actions.ApplicationScalingAction(first))


def rest(
    scope: Construct,
    target: autoscaling.ScalableTarget,
    *,
    name: str,
    idle: cloudwatch.IMetric,
    workers: int,
) -> None:
    """Set the number of workers to `workers` when `idle` was 1 for QUIET_MINUTES.

    The cooldown is longer than the delay with which the alarm ends. So the alarm cannot stop a worker that was started
    for the next film.
    """
    alarm = cloudwatch.Alarm(
        scope,
        "Rest",
        alarm_name=name,
        alarm_description="Workers run and no task waits. Scaling stops the workers.",
        metric=idle,
        threshold=1,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        evaluation_periods=QUIET_MINUTES,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )
    none = autoscaling.StepScalingAction(
        scope,
        "None",
        scaling_target=target,
        adjustment_type=autoscaling.AdjustmentType.EXACT_CAPACITY,
        cooldown=Duration.minutes(QUIET_MINUTES),
    )
    none.add_adjustment(adjustment=workers, lower_bound=0)
    alarm.add_alarm_action(actions.ApplicationScalingAction(none))


def track(
    scope: Construct,
    target: autoscaling.ScalableTarget,
    *,
    name: str,
    metrics: Mapping[str, cloudwatch.Metric],
    backlog_per_worker: str,
    target_value: int = TASKS_PER_WORKER,
) -> None:
    """Keep `backlog_per_worker`, an expression over `metrics`, at `target_value`.

    The expression must equal `target_value` while `wake` decides. With a higher value tracking would start more
    workers for the same tasks while the first one starts; with a lower value it would stop the first one.
    """
    policy = autoscaling.CfnScalingPolicy  # the CDK's higher-level construct does not support expressions
    policy(
        scope,
        "BacklogPerWorker",
        policy_name=name,
        policy_type="TargetTrackingScaling",
        scaling_target_id=target.scalable_target_id,
        target_tracking_scaling_policy_configuration=policy.TargetTrackingScalingPolicyConfigurationProperty(
            target_value=target_value,
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
