"""The metrics of dashboards and alarms."""

from collections.abc import Iterator, Mapping, Sequence

from aws_cdk import CfnResource, Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import IConstruct
from pydantic.alias_generators import to_snake

from infra.environments import Environment
from infra.stores import STORES, StoreGraph, StoreKind
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

    def of_fleet(self, metric: Metric, fleet: str) -> cloudwatch.Metric:
        """Return the metric of one service of workers, which `pipeline-reconcile` measures once a minute."""
        return self._metric(metric, "Maximum", fleet=fleet).with_(period=Duration.minutes(1))

    def _metric(self, metric: Metric, statistic: str, **more_dimensions: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=NAMESPACE,
            metric_name=metric.value,
            dimensions_map=self._dimensions | more_dimensions,
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


def of_all_functions(name: str) -> cloudwatch.Metric:
    """Return a Lambda metric of all functions of the account in the region."""
    return cloudwatch.Metric(namespace="AWS/Lambda", metric_name=name, statistic="Sum", period=FIVE_MINUTES, label=name)


def age(queue: sqs.IQueue) -> cloudwatch.Metric:
    """Return the age of the queue's oldest message in seconds."""
    return queue.metric_approximate_age_of_oldest_message(statistic="Maximum", period=FIVE_MINUTES)


def waiting(queue: sqs.IQueue) -> cloudwatch.Metric:
    return queue.metric_approximate_number_of_messages_visible(statistic="Maximum", period=FIVE_MINUTES)


def arrived(dead_letters: sqs.IQueue, *, read: bool) -> cloudwatch.Metric | cloudwatch.MathExpression:
    """Return the dead letters that wait, or were received by the function that reads them (`read`).

    SQS does not count dead letters as sent messages.
    """
    if not read:
        return waiting(dead_letters)
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


def names_of_stores(scope: IConstruct) -> dict[str, list[str]]:
    """Return the names of all stores of the app that have graphs, by their type in CloudFormation."""
    nodes = [node for node in scope.node.root.node.find_all() if isinstance(node, CfnResource)]
    return {
        kind.type: [getattr(node, to_snake(kind.dimension)) for node in nodes if node.cfn_resource_type == kind.type]
        for kind in STORES if kind.graphs
    }  # fmt: skip


def of_stores(names: Sequence[str], kind: StoreKind, graph: StoreGraph) -> dict[str, cloudwatch.IMetric]:
    """Return the graph's metric of each store, by an id."""
    return {
        f"m{n}": cloudwatch.Metric(
            namespace=kind.namespace,
            metric_name=graph.metric,
            dimensions_map={kind.dimension: name, **graph.dimensions},
            statistic=graph.statistic,
            period=Duration.minutes(graph.minutes),
            label=name,
        )
        for n, name in enumerate(names)
    }


def largest(names: Sequence[str], kind: StoreKind, graph: StoreGraph) -> cloudwatch.MathExpression:
    """Return an expression for a graph without other expressions: the ten stores with the largest sums."""
    return cloudwatch.MathExpression(
        expression="SORT(METRICS(), SUM, DESC, 10)",
        using_metrics=of_stores(names, kind, graph),
        label="",  # each line has the label of its metric
        period=Duration.minutes(graph.minutes),
    )


def stored_bytes(names: Mapping[str, Sequence[str]]) -> cloudwatch.MathExpression:
    """Return the bytes in all buckets. S3 reports them once a day."""
    [(kind, graph)] = [(kind, graph) for kind in STORES for graph in kind.graphs if graph.metric == "BucketSizeBytes"]
    return cloudwatch.MathExpression(
        expression="SUM(METRICS())",
        using_metrics=of_stores(names[kind.type], kind, graph),
        label="bytes in buckets",
        period=Duration.minutes(graph.minutes),
    )
