"""Every number that dashboards show and alarms watch, by its name, in one place."""

from collections.abc import Iterator, Mapping

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from infra.environments import Environment
from shared.observability import NAMESPACE, SERVICE, Metric

FIVE_MINUTES = Duration.minutes(5)
MOST = 10  # metrics that one alarm can reckon with


class Ours:
    """What our own code measures, with `shared.observability.measure`."""

    def __init__(self, environment: Environment) -> None:
        self._dimensions = {"service": SERVICE, "environment": environment.name}

    def of(self, metric: Metric) -> cloudwatch.Metric:
        """The metric as its kind is read: counts by their sum, states by their maximum."""
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


def job_failure_percent(ours: Ours) -> cloudwatch.MathExpression:
    """Of the jobs that ended; none failed when fewer than three did, for one of one is no rate."""
    return cloudwatch.MathExpression(
        expression="IF(FILL(failed, 0) > 2, 100 * failed / (failed + FILL(completed, 0)), 0)",
        using_metrics={"failed": ours.sum(Metric.JOBS_FAILED), "completed": ours.sum(Metric.JOBS_COMPLETED)},
        label="failed, %",
        period=FIVE_MINUTES,
    )


def revenue_cents(ours: Ours, environment: Environment) -> cloudwatch.MathExpression:
    """What paying accounts used up, at the list price of a credit: nobody pays through our own code."""
    return cloudwatch.MathExpression(
        expression=f"{environment.credit_cents:g} * used",
        using_metrics={"used": ours.sum(Metric.PAID_CREDITS_CAPTURED)},
        label="revenue at list price, cents",
        period=FIVE_MINUTES,
    )


def total(
    functions: Mapping[str, lambda_.IFunction], name: str, label: str = ""
) -> Iterator[tuple[str, cloudwatch.MathExpression]]:
    """A Lambda metric summed over the functions, in groups no larger than an alarm takes, each with its number."""
    names = sorted(functions)
    for start in range(0, len(names), MOST):
        metrics = {
            f"m{n}": functions[name_].metric(name, statistic="Sum", period=FIVE_MINUTES)
            for n, name_ in enumerate(names[start : start + MOST])
        }
        expression = cloudwatch.MathExpression(
            expression="SUM(METRICS())", using_metrics=metrics, label=label or name, period=FIVE_MINUTES
        )
        yield f"{start // MOST + 1}", expression


def age(queue: sqs.IQueue) -> cloudwatch.Metric:
    """Seconds that its oldest message has waited."""
    return queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=FIVE_MINUTES)


def waiting(queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=FIVE_MINUTES)


def arrived(dead_letters: sqs.IQueue) -> cloudwatch.MathExpression:
    """Dead letters that lie there, or came and were taken out: SQS counts none of them as sent."""
    return cloudwatch.MathExpression(
        expression="FILL(lying, 0) + FILL(taken, 0)",
        using_metrics={
            "lying": waiting(dead_letters),
            "taken": dead_letters.metric_number_of_messages_received(statistic="Sum", period=FIVE_MINUTES),
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
