"""Observability for the operator: dashboards, alarms that each have a section of the runbook, a budget, a canary."""

from collections.abc import Collection, Mapping, Sequence

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_xray as xray
from constructs import Construct

from infra.constructs import meters
from infra.constructs.alarms import Alarms, AlarmTopic
from infra.constructs.canary import Canary
from infra.constructs.costs import watch_costs
from infra.constructs.dashboards import BusinessDashboard, OperationsDashboard
from infra.constructs.meters import KinoraMetrics
from infra.constructs.probe import Probe
from infra.environments import Environment
from infra.functions import CANARY, JOBS_STREAM, MAIL_REFUSALS, UPKEEP, WEBHOOKS_STREAM
from infra.stacks.api import ApiStack
from infra.stacks.data import DataStack
from infra.stacks.pipeline import PipelineStack
from infra.stacks.web import WebStack
from infra.stacks.workers import WorkersStack
from infra.stores import DAY
from shared.credits.record import AccountRecord
from shared.jobs.record import JobRecord
from shared.observability import Metric
from shared.stages.queues import QUEUES

BREACHING = cloudwatch.TreatMissingData.BREACHING
IGNORE = cloudwatch.TreatMissingData.IGNORE
STORAGE_USD = 0.023  # price of a GB in a bucket for a month


class ObservabilityStack(Stack):
    """The stack. `.alarms.all` publish to `.topic`; each alarm links to its section of `docs/runbook.md`."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        data: DataStack,
        pipeline: PipelineStack,
        workers: WorkersStack,
        api: ApiStack,
        web: WebStack,
    ) -> None:
        super().__init__(scope, id, env=environment.cdk_environment)
        self._ours = KinoraMetrics(environment)
        self.topic = AlarmTopic(self, "alarm-topic", environment=environment)
        self.alarms = Alarms(self, "alarms", environment=environment, topic=self.topic)
        self.canary = Canary(self, "canary", environment=environment, site_url=api.front_door.origin)
        data.grant(self.canary.function.own_role, CANARY.may)
        host = environment.domain_name or web.distribution.distribution_domain_name
        self.probe = Probe(self, "probe", environment=environment, host=host) if environment.probe else None
        dead_letters = {
            **pipeline.dead_letter_queues,
            "canary": self.canary.dead_letters,
            "jobs-stream": api.jobs_stream_failures,
            MAIL_REFUSALS.name: api.refusals_missed,
            "rotation": data.rotation.failures,
        }
        self._watch_creators(environment)
        self._watch_edge(web)
        self._watch_api(api)
        self._watch_pipeline(pipeline)
        self._watch_upkeep(pipeline)
        self._watch_errors(environment, api, pipeline, workers, data)
        self._watch_queues(pipeline.queues, dead_letters, {queue.name for queue in QUEUES if queue.has_tasks})
        self._watch_workers(workers)
        self._watch_throttles(pipeline, data)
        stores = meters.names_of_stores(self)
        self._watch_stores(environment, stores)
        watch_costs(self, environment, self.topic.topic_arn)
        xray.CfnSamplingRule(
            self,
            "traces",
            sampling_rule=xray.CfnSamplingRule.SamplingRuleProperty(
                rule_name=environment.prefix,
                service_name=f"{environment.prefix}*",
                fixed_rate=environment.trace_share,
                reservoir_size=0,
                priority=100,
                host="*",
                http_method="*",
                resource_arn="*",
                service_type="*",
                url_path="*",
                version=1,
            ),
        )
        if environment.dashboards:
            self._show(environment, pipeline, workers, api, web, dead_letters, stores)

    def _show(
        self,
        environment: Environment,
        pipeline: PipelineStack,
        workers: WorkersStack,
        api: ApiStack,
        web: WebStack,
        dead_letters: Mapping[str, sqs.IQueue],
        stores: Mapping[str, Sequence[str]],
    ) -> None:
        operations = OperationsDashboard(self, "operations", environment=environment, alarms=self.alarms.all)
        operations.edge(web.distribution, self.probe)
        operations.api(api.rest_api, api.socket_api.api_id, api.functions)
        operations.pipeline(pipeline.state_machine, pipeline.functions, self._ours)
        operations.queues(pipeline.queues, dead_letters)
        operations.workers(workers.services, workers.isolated)
        operations.stores(stores, {row.name: api.functions[row.name] for row in (*JOBS_STREAM, *WEBHOOKS_STREAM)})
        BusinessDashboard(self, "business", environment=environment, ours=self._ours)

    # --- alarms, starting with effects on creators

    def _watch_creators(self, environment: Environment) -> None:
        self.alarms.when(
            "canary",
            "The canary could not make its film.",
            self.canary.function.metric_errors(statistic="Sum"),
            above=0,
            minutes=60,
            missing=IGNORE,  # the canary runs every few hours; the alarm keeps its state until the next run
        )
        self.alarms.when(
            "canary",
            "The canary does not run.",
            _silence(self.canary.function),
            above=0,
            about="silent",
            minutes=60 * environment.canary_every_hours,
            times=2,
            missing=BREACHING,
        )
        self.alarms.when(
            "job-failures",
            "More than one job in ten fails.",
            meters.job_failure_percent(self._ours),
            above=10,
            minutes=30,
        )
        self.alarms.when(
            "stuck-jobs",
            "A job has been open for an hour since its admission.",
            self._ours.maximum(Metric.OLDEST_OPEN_JOB_SECONDS),
            above=3600,
            times=2,
        )
        self.alarms.when(
            "long-waits",
            "A job has waited for its admission for two hours.",
            self._ours.maximum(Metric.OLDEST_WAITING_JOB_SECONDS),
            above=7200,
            times=2,
        )

    def _watch_edge(self, web: WebStack) -> None:
        for name, failures in (self.probe.failures if self.probe else {}).items():
            self.alarms.when(
                "probe", "The studio does not answer outside.", failures, above=0, minutes=1, times=3, about=name,
                missing=BREACHING,
            )  # fmt: skip
        self.alarms.when(
            "edge-errors",
            "CloudFront answers 5xx to more than one request in twenty.",
            web.distribution.metric5xx_error_rate(statistic="Average"),
            above=5,
            times=2,
        )

    def _watch_api(self, api: ApiStack) -> None:
        self.alarms.when(
            "api-errors", "The API answers 5xx.", api.rest_api.metric_server_error(statistic="Sum"), above=3
        )
        self.alarms.when(
            "api-latency",
            "One request in a hundred takes longer than three seconds.",
            api.rest_api.metric_latency(statistic="p99"),
            above=3000,
            times=3,
        )
        self.alarms.when(
            "socket-errors",
            "The WebSocket API cannot call its functions.",
            meters.socket_metric(api.socket_api.api_id, "ExecutionError"),
            above=3,
        )
        for row in (*JOBS_STREAM, *WEBHOOKS_STREAM):
            self.alarms.when(
                "events-late",
                "Live progress reaches creators a minute late.",
                api.functions[row.name].metric("IteratorAge", statistic="Maximum"),
                above=60_000,
                times=2,
                about=row.name,
            )

    def _watch_pipeline(self, pipeline: PipelineStack) -> None:
        machine = pipeline.state_machine
        self.alarms.when(
            "executions-failed",
            "Executions of the state machine failed or timed out without reaching its Catch.",
            cloudwatch.MathExpression(
                expression="FILL(failed, 0) + FILL(timed_out, 0)",
                using_metrics={"failed": machine.metric_failed(), "timed_out": machine.metric_timed_out()},
                label="failed or timed out",
            ),
            above=0,
        )
        self.alarms.when(
            "reconcile-silent",
            "The sweep of reconcile does not run or fails for every job, so stuck jobs are not ended.",
            cloudwatch.MathExpression(
                expression="IF(FILL(sweeps, 0) > 0, 0, 1)",
                using_metrics={"sweeps": self._ours.sum(Metric.SWEEPS)},
                label="silent",
            ),
            above=0,
            times=2,
            missing=BREACHING,
        )

    def _watch_upkeep(self, pipeline: PipelineStack) -> None:
        self.alarms.when(
            "audit-findings",
            "The audit found a broken invariant.",
            self._ours.sum(Metric.AUDIT_FINDINGS),
            above=0,
            minutes=60,
        )
        for row in UPKEEP:
            self.alarms.when(
                "upkeep-silent",
                "A function of the upkeep does not run.",
                _silence(pipeline.functions[row.name]),
                above=0,
                minutes=120,
                missing=BREACHING,
                about=row.name,
            )

    def _watch_errors(
        self, environment: Environment, api: ApiStack, pipeline: PipelineStack, workers: WorkersStack, data: DataStack
    ) -> None:
        if not environment.alarms_by_function:
            every = meters.of_all_functions("Errors")
            self.alarms.when("function-errors", "Functions of the account fail.", every, above=3)
            return
        watched: tuple[tuple[str, str, Mapping[str, lambda_.IFunction], int], ...] = (
            ("api", "Functions of the API fail.", api.functions, 3),
            ("pipeline", "Functions of the pipeline fail.", pipeline.functions, 3),
            ("workers", "Functions that decode files fail.", workers.isolated, 3),
            (
                "rotation",
                "The rotation of keys failed.",
                data.rotation.functions,
                0,
            ),  # it runs rarely: one error matters
        )
        for where, summary, functions, most in watched:
            for group, errors in meters.total(functions, "Errors"):
                self.alarms.when("function-errors", summary, errors, above=most, about=f"{where}-{group}")

    def _watch_queues(
        self, queues: Mapping[str, sqs.IQueue], dead_letters: Mapping[str, sqs.IQueue], read: Collection[str]
    ) -> None:
        """Watch queues and dead letters. A function reads those of `read`, so that they do not wait."""
        for name, queue in queues.items():
            self.alarms.when(
                "queue-age", "A message has waited for 15 minutes.", meters.age(queue), above=900, times=2, about=name
            )
        for name, letters in dead_letters.items():
            self.alarms.when(
                "dead-letters", "A dead-letter queue received a message.", meters.arrived(letters, read=name in read),
                above=0, about=name,
            )  # fmt: skip

    def _watch_workers(self, workers: WorkersStack) -> None:
        for stage, endpoint in workers.endpoints.items():
            self.alarms.when(
                "queue-age", "A task has waited for 15 minutes.", endpoint.age, above=900, times=2,
                about=f"{stage.queue}-endpoint",
            )  # fmt: skip
        unserved: dict[str, cloudwatch.IMetric] = {
            **{name: service.unserved(meters.FIVE_MINUTES) for name, service in workers.services.items()},
            **{stage.queue: endpoint.unserved for stage, endpoint in workers.endpoints.items()},
        }
        for name, metric in unserved.items():
            self.alarms.when("workers-missing", "Tasks wait and no worker runs.", metric, above=0, times=3, about=name)

    def _watch_throttles(self, pipeline: PipelineStack, data: DataStack) -> None:
        # The functions of the account share its concurrency, so one metric has the throttles of all.
        every = meters.of_all_functions("Throttles")
        self.alarms.when("throttles", "Lambda throttles calls.", every, above=0, about="functions")
        for record in (JobRecord, AccountRecord):  # tables with single items that are written often
            table = data.tables[record]
            self.alarms.when(
                "throttles",
                "DynamoDB throttles writes.",
                table.metric("WriteThrottleEvents", statistic="Sum"),
                above=0,
                times=2,
                about=str(record.Meta.table_name.rpartition("-")[2]),
            )
        self.alarms.when(
            "throttles",
            "Step Functions throttles state transitions.",
            pipeline.state_machine.metric_throttled(statistic="Sum"),
            above=0,
            about="executions",
        )

    def _watch_stores(self, environment: Environment, names: Mapping[str, Sequence[str]]) -> None:
        self.alarms.when(
            "store-failures",
            "Tables, buckets, queues or secrets refuse the calls of functions and workers.",
            self._ours.sum(Metric.STORE_FAILURES),
            above=5,
            times=2,
        )
        self.alarms.when(
            "storage",
            "The buckets cost a tenth of the budget.",
            meters.stored_bytes(names),
            above=environment.monthly_budget_usd / 10 / STORAGE_USD * 2**30,
            minutes=DAY,
            missing=IGNORE,
        )


def _silence(function: lambda_.IFunction) -> cloudwatch.MathExpression:
    """Return 0 in a period in which the function ran. Without a run there is no point."""
    return cloudwatch.MathExpression(
        expression="IF(runs > 0, 0, 1)",
        using_metrics={"runs": function.metric_invocations(statistic="Sum")},
        label="silent",
    )
