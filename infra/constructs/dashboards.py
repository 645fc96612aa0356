"""The dashboards of operations and of business. From the fourth dashboard of an account on, AWS charges for each."""

from collections.abc import Iterator, Mapping, Sequence

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.constructs import meters
from infra.constructs.meters import KinoraMetrics
from infra.constructs.probe import Probe
from infra.constructs.worker_service import WorkerService
from infra.environments import Environment
from infra.stores import STORES
from shared.observability import JOB_ACCEPTED, JOBS_BY, Metric, Panel

WIDTH = 24  # width of a dashboard in grid units
Metrics = Sequence[cloudwatch.IMetric]


class OperationsDashboard(cloudwatch.Dashboard):
    """Alarms first, then what creators use: the API, the pipeline, the queues and the workers."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        alarms: Sequence[cloudwatch.IAlarm],
    ) -> None:
        super().__init__(scope, id, dashboard_name=f"{environment.prefix}-operations")
        self.add_widgets(cloudwatch.AlarmStatusWidget(alarms=list(alarms), title="Alarms", width=WIDTH, height=4))

    def edge(self, distribution: cloudfront.Distribution, probe: Probe | None) -> None:
        """Add the section of CloudFront, which serves the site, the API and all media."""
        errors = [distribution.metric4xx_error_rate(label="4xx"), distribution.metric5xx_error_rate(label="5xx")]
        self._section(
            "Front door",
            _graph("Requests", [distribution.metric_requests(label="requests")]),
            _graph("Bytes to creators", [distribution.metric_bytes_downloaded(label="bytes")]),
            _graph("Errors, %", errors),
            *([_graph("No answer outside", [*probe.failures.values()])] if probe else ()),
        )

    def api(self, rest: apigateway.RestApiBase, socket_api_id: str, functions: Mapping[str, lambda_.IFunction]) -> None:
        socket = meters.socket_metric
        self._section(
            "API",
            _graph("Requests", [rest.metric_count(label="requests"), socket(socket_api_id, "MessageCount")]),
            _graph(
                "Error responses",
                [rest.metric_client_error(label="4xx"), rest.metric_server_error(label="5xx")],
            ),
            _graph(
                "Latency, ms",
                [rest.metric_latency(statistic=f"p{rank}", label=f"p{rank}") for rank in (50, 90, 99)],
            ),
            _graph(
                "WebSocket",
                [socket(socket_api_id, name) for name in ("ConnectCount", "IntegrationError", "ExecutionError")],
            ),
        )
        self._functions("Functions of the API", functions)

    def pipeline(
        self, machine: sfn.StateMachine, functions: Mapping[str, lambda_.IFunction], ours: KinoraMetrics
    ) -> None:
        self._section(
            "Pipeline",
            _graph(
                "Executions",
                [
                    machine.metric_started(label="started"),
                    machine.metric_succeeded(label="succeeded"),
                    machine.metric_failed(label="failed"),
                    machine.metric_timed_out(label="timed out"),
                    machine.metric_aborted(label="aborted"),
                ],
            ),
            _graph(
                "Duration of executions, ms", [machine.metric_time(statistic=f"p{n}", label=f"p{n}") for n in (50, 99)]
            ),
            *_panels("operations", ours),
        )
        self._functions("Functions of the pipeline", functions)

    def queues(self, queues: Mapping[str, sqs.IQueue], dead_letters: Mapping[str, sqs.IQueue]) -> None:
        self._section(
            "Queues",
            _graph("Waiting messages", [_named(meters.waiting(queue), name) for name, queue in queues.items()]),
            _graph("Age of the oldest message, s", [_named(meters.age(queue), name) for name, queue in queues.items()]),
            _graph("Dead letters", [_named(meters.waiting(queue), name) for name, queue in dead_letters.items()]),
        )

    def workers(self, services: Mapping[str, WorkerService], isolated: Mapping[str, lambda_.IFunction]) -> None:
        if isolated:
            self._functions("Functions that decode files", isolated)
        if not services:
            return
        running = [_named(service.running, name) for name, service in services.items()]
        tasks = [_named(service.tasks, name) for name, service in services.items()]
        processors = [service.service.metric_cpu_utilization(label=name) for name, service in services.items()]
        memory = [service.service.metric_memory_utilization(label=name) for name, service in services.items()]
        self._section(
            "Workers",
            _graph("Tasks that wait or run", tasks),
            _graph("Running workers", running),
            _graph("CPU, %", processors),
            _graph("Memory, %", memory),
        )

    def stores(self, names: Mapping[str, Sequence[str]], readers_of_streams: Mapping[str, lambda_.IFunction]) -> None:
        """Add the graphs of all stores, whose names are by their type in CloudFormation."""
        ages = [f.metric("IteratorAge", statistic="Maximum", label=name) for name, f in readers_of_streams.items()]
        self._section(
            "Stores",
            *(
                _graph(graph.title, [meters.largest(names[kind.type], kind, graph)])
                for kind in STORES
                for graph in kind.graphs
            ),
            _graph("Age of stream records, ms", ages),
        )

    def _functions(self, title: str, functions: Mapping[str, lambda_.IFunction]) -> None:
        each = functions.items()
        self.add_widgets(
            _graph(f"{title}: errors", [f.metric_errors(statistic="Sum", label=name) for name, f in each], of=3),
            _graph(f"{title}: p99, ms", [f.metric_duration(statistic="p99", label=name) for name, f in each], of=3),
            _graph(f"{title}: throttles", [f.metric_throttles(statistic="Sum", label=name) for name, f in each], of=3),
        )

    def _section(self, title: str, *graphs: cloudwatch.GraphWidget) -> None:
        self.add_widgets(cloudwatch.TextWidget(markdown=f"## {title}", width=WIDTH, height=1))
        self.add_widgets(*graphs)


class BusinessDashboard(cloudwatch.Dashboard):
    """Sign-ups, jobs, revenue and credits, including those of the canary."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        ours: KinoraMetrics,
    ) -> None:
        super().__init__(scope, id, dashboard_name=f"{environment.prefix}-business")
        counted = (
            Metric.SIGN_UPS,
            Metric.JOBS_CREATED,
            Metric.JOBS_COMPLETED,
            Metric.CREDITS_CAPTURED,
            Metric.REVENUE_CENTS,
        )
        self.add_widgets(
            cloudwatch.SingleValueWidget(
                metrics=list(map(ours.sum, counted)),
                title="Totals of the displayed time",
                width=WIDTH,
                set_period_to_time_range=True,
            )
        )
        self.add_widgets(
            *_panels("business", ours),
            _graph("Failed jobs, %", [meters.job_failure_percent(ours)]),
        )
        # A metric for each preset and engine would cost $0.30 a month each. A query costs $0.005 for each GB of log.
        self.add_widgets(
            *(
                cloudwatch.LogQueryWidget(
                    title=f"Submitted jobs by {title}",
                    log_group_names=[f"/aws/lambda/{environment.prefix}-rest-jobs"],
                    query_lines=[
                        f'filter message = "{JOB_ACCEPTED}"',
                        f"stats count(*) as jobs by {field}",
                        "sort jobs desc",
                        "limit 20",
                    ],
                    view=cloudwatch.LogQueryVisualizationType.TABLE,
                    width=WIDTH // len(JOBS_BY),
                    height=6,
                )
                for title, field in JOBS_BY.items()
            )
        )


def _panels(board: str, ours: KinoraMetrics) -> Iterator[cloudwatch.GraphWidget]:
    """Yield the board's graphs of our own metrics. Metrics whose unit differs from the first one use the right axis."""
    for panel in Panel:
        metrics = [metric for metric in Metric if metric.panel is panel]
        if panel.board == board and metrics and panel is not Panel.WORKERS:  # each service has its own: `workers`
            left = [ours.of(metric) for metric in metrics if metric.unit == metrics[0].unit]
            right = [ours.of(metric) for metric in metrics if metric.unit != metrics[0].unit]
            yield _graph(panel.title, left, right)


def _graph(title: str, left: Metrics, right: Metrics = (), of: int = 4) -> cloudwatch.GraphWidget:
    """Return a graph whose width fits `of` graphs into a row."""
    return cloudwatch.GraphWidget(title=title, left=list(left), right=list(right), width=WIDTH // of, height=6)


def _named(metric: cloudwatch.Metric, label: str) -> cloudwatch.Metric:
    return metric.with_(label=label)
