"""The metrics of dashboards and alarms."""

from collections.abc import Iterator, Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from infra.environments import Environment
from shared.observability import NAMESPACE, SERVICE, Metric

FIVE_MINUTES = Duration.minutes(5)
MAX_METRICS = 10  # maximum number of metrics in one alarm's expression


class KinoraMetrics:
    """The metrics that Kinora's code writes with `shared.observability.measure`."""

    def __init__(self, environment: Environment) -> None:
        self._dimensions = {"service": SERVICE, "environment": environment.name}

    def of(self, metric: Metric) -> cloudwatch.Metric:
        """Return the metric with the statistic of its kind: the sum of counts, the maximum of states."""
        return self.sum(metric) if metric.summed else self.maximum(metric)

    def sum(self, metric: Metric) -> cloudwatch.Metric:
        return self._metric(metric, "Sum")

    def maximum(self, metric: Metric) -> cloudwatch.Metric:
        return self._metric(metric, "Maximum")

    def _metric(self, metric: Metric, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=metric.value,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=FIVE_MINUTES,
            label=metric.value,
        )


def job_failure_percent(ours: KinoraMetrics) -> cloudwatch.MathExpression:
    """Return the failure rate of ended jobs in percent; 0 below three failures."""
    return cloudwatch.MathExpression(
        expression="IF(FILL(failed, 0) > 2, 100 * failed / (failed + FILL(completed, 0)), 0)",
        using_metrics={"failed": ours.sum(Metric.JOBS_FAILED), "completed": ours.sum(Metric.JOBS_COMPLETED)},
        label="failed, %",
        period=FIVE_MINUTES,
    )


def total(
    functions: Mapping[str, lambda_.IFunction], name: str, label: str = ""
) -> Iterator[tuple[str, cloudwatch.MathExpression]]:
    """Yield the number of each group of up to MAX_METRICS functions, and a Lambda metric summed over the group."""
    names = sorted(functions)
    for start in range(0, len(names), MAX_METRICS):
        metrics = {
            f"m{n}": functions[name_].metric(name, statistic="Sum", period=FIVE_MINUTES)
            for n, name_ in enumerate(names[start : start + MAX_METRICS])
        }
        expression = cloudwatch.MathExpression(
            expression="SUM(METRICS())", using_metrics=metrics, label=label or name, period=FIVE_MINUTES
        )
        yield f"{start // MAX_METRICS + 1}", expression


def age(queue: sqs.IQueue) -> cloudwatch.Metric:
    """Return the age of the queue's oldest message in seconds."""
    return queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=FIVE_MINUTES)


def waiting(queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=FIVE_MINUTES)


def arrived(dead_letters: sqs.IQueue) -> cloudwatch.MathExpression:
    """Return the dead letters that wait or were received. SQS does not count dead letters as sent messages."""
    return cloudwatch.MathExpression(
        expression="FILL(waiting, 0) + FILL(received, 0)",
        using_metrics={
            "waiting": waiting(dead_letters),
            "received": dead_letters.metric_number_of_messages_received(statistic="Sum", period=FIVE_MINUTES),
        },
        label="dead letters",
        period=FIVE_MINUTES,
    )


def socket_metric(api_id: str, name: str, statistic: str = "Sum") -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace="AWS/ApiGateway",
        metric_name=name,
        dimensions_map={"ApiId": api_id},
        statistic=statistic,
        period=FIVE_MINUTES,
        label=name,
    )
