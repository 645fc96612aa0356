"""The pipeline: the state machine, its queues, its functions, and the rules and queues that call them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aws_cdk import ArnFormat, Duration, Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.constructs.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.function import KinoraFunction
from infra.constructs.log_group import KinoraLogGroup
from infra.constructs.stage_queue import DeadLetterQueue, StageQueue
from infra.environments import Environment
from infra.fleets import fleets, stages_in_functions
from infra.functions import (
    ALIAS,
    FUNCTION_SECONDS,
    PIPELINE,
    PROVIDER_WEBHOOK,
    RECONCILE_EVERY_SECONDS,
    REMOTE_ENGINES,
    STAGE_CALLER,
    UPKEEP,
    VERIFICATION_CALLER,
    Function,
)
from infra.grants import DESCRIBE, STOP, Grants
from infra.secrets import PROVENANCE_SECRETS
from infra.stacks.data import DataStack
from infra.workers import GRANT
from shared.assets.record import ASSETS, QUARANTINE
from shared.jobs.keys import JOBS, WORK
from shared.stages.engines import Engine, Family
from shared.stages.queues import QUEUES, REMOTE_QUEUE, VERIFICATION_QUEUE
from shared.stages.stages import Stage

DEFINITION = "stepfunctions/generate_video.asl.json"
MEDIA_ROLE = "media"
REMOTE_ENGINE_CONCURRENCY = 10  # maximum simultaneous polls, because providers limit requests


class PipelineStack(Stack):
    """The stack. `.queues`, `.dead_letter_queues` and `.functions` are by name without the environment's prefix."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        engines: Sequence[Engine],
        data: DataStack,
    ) -> None:
        super().__init__(scope, id, env=environment.cdk_environment)
        self._environment, self._data = environment, data
        self._fleets = fleets(environment, engines)
        made = {
            queue.name: StageQueue(
                self, f"{queue.name}-queue", environment=environment, queue=queue, consumer_seconds=FUNCTION_SECONDS
            )
            for queue in QUEUES
        }
        self.queues: dict[str, sqs.Queue] = {name: pair.queue for name, pair in made.items()}
        self.dead_letter_queues: dict[str, sqs.Queue] = {name: pair.dead_letters for name, pair in made.items()}
        self.state_machine_name = f"{environment.prefix}-generate-video"
        # Built from the name: the machine refers to its functions and they refer to it, which would be a circular
        # reference.
        self.state_machine_arn = self.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=self.state_machine_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self.failed_invocations: dict[Stage, sns.Topic] = self._failed_invocations()
        endpoints = {stage.value: self._endpoint(stage) for stage in environment.sagemaker}
        missed = DeadLetterQueue(self, "reconcile-missed", queue_name=f"{environment.prefix}-pipeline-reconcile-dlq")
        self.dead_letter_queues["pipeline-reconcile"] = missed
        for row in UPKEEP:
            letters = DeadLetterQueue(self, f"{row.name}-missed", queue_name=f"{environment.prefix}-{row.name}-dlq")
            self.dead_letter_queues[row.name] = letters
        scheduled = {"pipeline-reconcile", *(row.name for row in UPKEEP)}
        rows = (*PIPELINE, *UPKEEP, *REMOTE_ENGINES, PROVIDER_WEBHOOK, STAGE_CALLER, VERIFICATION_CALLER)
        self.functions: dict[str, KinoraFunction] = {
            row.name: KinoraFunction(
                self,
                row,
                environment,
                variables=self._more_variables(row, endpoints),
                on_failure=destinations.SqsDestination(self.dead_letter_queues[row.name])
                if row.name in scheduled
                else None,
            )
            for row in rows
        }
        self._media_role()
        for row in rows:
            self.grant(self.functions[row.name].own_role, row.may)
        self._read_dead_letters(self.functions["pipeline-signal"])
        self._wake(self.functions["pipeline-reconcile"], missed)
        for row in UPKEEP:
            self._schedule(row)
        for row in REMOTE_ENGINES:
            self._read_tasks(row, REMOTE_QUEUE, at_once=REMOTE_ENGINE_CONCURRENCY)
            self._receive_webhooks(self.functions[row.name])
        most = environment.sizes[Family.CPU_MEDIA].max_tasks
        for stage in stages_in_functions(environment, engines):
            for name in (stage.queue, stage.priority_queue):
                self._read_tasks(STAGE_CALLER, name, at_once=most)
        if environment.cpu_functions_mb:
            self._read_tasks(VERIFICATION_CALLER, VERIFICATION_QUEUE, at_once=environment.verification.max_tasks)
        self.state_machine = self._state_machine()

    def grant(self, role: iam.IRole, may: Grants) -> None:
        """Add the grants on data, queues, SageMaker and the state machine to the role."""
        self._data.grant(role, may)
        for name in may.calls:
            function = self.format_arn(
                service="lambda", resource="function", resource_name=f"{self._environment.prefix}-{name}",
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )  # fmt: skip
            _allow(role, ["lambda:InvokeFunction"], f"{function}:{ALIAS}")
            if name == GRANT:
                _allow(role, ["lambda:InvokeFunction"], function)  # workers of the previous release call it
        if may.measures_workers or may.starts_workers:
            self._grant_workers(role, may)
        if may.lends_media:
            _allow(role, ["sts:AssumeRole"], self._media_role_arn)
        on_endpoints = [stage for stage in may.dispatches if stage in self._environment.sagemaker]
        on_queues = sorted(set(may.dispatches) - set(on_endpoints))
        for name in (*(name for stage in on_queues for name in (stage.queue, stage.priority_queue)), *may.sends):
            self.queues[name].grant_send_messages(role)
        for stage in on_endpoints:
            endpoint = self.format_arn(service="sagemaker", resource="endpoint", resource_name=self._endpoint(stage))
            _allow(role, ["sagemaker:InvokeEndpointAsync"], endpoint)
        if on_endpoints:  # an endpoint reads its task from the job's media
            self._data.grant_media(role, writes=(WORK,))
        of_executions = {STOP, DESCRIBE}
        _allow(role, sorted(set(may.executions) - of_executions), self.state_machine_arn)
        if on_executions := sorted(set(may.executions) & of_executions):
            # An execution has its job's id as its name.
            executions = f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:job_*"
            _allow(role, on_executions, executions)
            reason = "Executions of this one state machine. Each has its job's id as its name."
            acknowledge_wildcards(role, reason, executions)

    def _grant_workers(self, role: iam.IRole, may: Grants) -> None:
        """Grant the services of workers. Their stack is deployed after this one, so the names are built here."""
        prefix = self._environment.prefix
        chosen = [fleet for fleet in self._fleets if fleet.stages or may.measures_workers]
        services = [
            self.format_arn(service="ecs", resource="service", resource_name=f"{prefix}/{prefix}-{fleet.name}")
            for fleet in chosen
        ]
        if services:  # all stages may be on SageMaker
            _allow(role, ["ecs:DescribeServices"], *services)
        if may.measures_workers and chosen:
            queues = [self.queues[name].queue_arn for fleet in chosen for name in fleet.queues]
            _allow(role, ["sqs:GetQueueAttributes"], *queues)
        if may.starts_workers and services:  # not with another task definition, and without a shell in the container
            unset = {"ecs:task-definition": "true", "ecs:enable-execute-command": "true"}
            _allow(role, ["ecs:UpdateService"], *services, conditions={"Null": unset})

    def _more_variables(self, row: Function, endpoints: Mapping[str, str]) -> dict[str, str]:
        """Return the variables that a function has because of its grants."""
        more = {}
        if row.may.dispatches and endpoints:
            more["KINORA_SAGEMAKER_ENDPOINTS"] = json.dumps(endpoints)
        if row.may.measures_workers or row.may.starts_workers:
            more["KINORA_WORKER_CLUSTER"] = self._environment.prefix
            more["KINORA_WORKER_FLEETS"] = json.dumps({fleet.name: fleet.queues for fleet in self._fleets})
        for name in row.may.calls:
            variable = "KINORA_GRANT_FUNCTION" if name == GRANT else "KINORA_ISOLATED_FUNCTION"
            more[variable] = f"{self._environment.prefix}-{name}:{ALIAS}"
        if row.may.secrets == PROVENANCE_SECRETS:
            more["KINORA_SIGNS_FILMS"] = str(self._environment.signs_films).lower()
        if row.may.lends_media:
            more["KINORA_MEDIA_ROLE_ARN"] = self._media_role_arn
        return more

    def _media_role(self) -> None:
        """Create the role behind the credentials of workers. Session policies narrow it to the media of one task."""
        role = iam.Role(
            self,
            "media-role",
            role_name=f"{self._environment.prefix}-{MEDIA_ROLE}",
            assumed_by=self.functions[GRANT].own_role,
            description="Media of all tasks. A session policy narrows each use to one task.",
        )
        self._data.grant_media(
            role,
            reads=(JOBS, WORK, ASSETS, QUARANTINE),
            writes=(JOBS, WORK, ASSETS),
            deletes=(QUARANTINE, ASSETS),
        )
        _allow(role, ["kms:Decrypt", "kms:GenerateDataKey"], self._data.key.key_arn)

    @property
    def _media_role_arn(self) -> str:
        name = f"{self._environment.prefix}-{MEDIA_ROLE}"
        return self.format_arn(service="iam", region="", resource="role", resource_name=name)

    def _endpoint(self, stage: Stage) -> str:
        """Return the name of the SageMaker endpoint that serves the stage."""
        return f"{self._environment.prefix}-{stage.queue}"

    # --- what calls the functions

    def _read_tasks(self, row: Function, queue: str, *, at_once: int) -> None:
        function = self.functions[row.name]
        function.live.add_event_source(
            sources.SqsEventSource(
                self.queues[queue], batch_size=1, report_batch_item_failures=True, max_concurrency=at_once
            )
        )
        acknowledge(
            function,
            "Lambda has no such destination for queues. Failed messages go to the queue's dead-letter queue.",
            "Serverless-LambdaEventSourceMappingDestination",
        )

    def _receive_webhooks(self, function: KinoraFunction) -> None:
        """Let providers call the URL of `provider-webhook`, which the function of remote engines tells them."""
        receiver = self.functions[PROVIDER_WEBHOOK.name].live
        url = receiver.add_function_url(auth_type=lambda_.FunctionUrlAuthType.NONE)  # it checks signatures
        function.add_environment("KINORA_PROVIDER_WEBHOOK_URL", url.url)

    def _failed_invocations(self) -> dict[Stage, sns.Topic]:
        """Send SageMaker's failed invocations to the stage's dead-letter queue, which `signal` reads."""
        topics: dict[Stage, sns.Topic] = {}
        for stage in self._environment.sagemaker:
            name = f"{self._environment.prefix}-{stage.queue}-failed"
            topics[stage] = sns.Topic(
                self, f"{stage.queue}-failed", topic_name=name, master_key=self._data.key, enforce_ssl=True
            )
            undelivered = DeadLetterQueue(self, f"{stage.queue}-untold", queue_name=f"{name}-dlq")
            self.dead_letter_queues[f"{stage.queue}-failed"] = undelivered
            letters = self.dead_letter_queues[stage.queue]
            topics[stage].add_subscription(
                subscriptions.SqsSubscription(letters, raw_message_delivery=True, dead_letter_queue=undelivered)
            )
        return topics

    def _read_dead_letters(self, function: KinoraFunction) -> None:
        for queue in (queue for queue in QUEUES if queue.has_tasks):
            letters = self.dead_letter_queues[queue.name]
            source = sources.SqsEventSource(letters, batch_size=10, report_batch_item_failures=True)
            function.live.add_event_source(source)
        acknowledge(
            function,
            "Lambda has no such destination for queues. Failed messages stay in the dead-letter queue, with an alarm.",
            "Serverless-LambdaEventSourceMappingDestination",
        )

    def _wake(self, function: KinoraFunction, missed: DeadLetterQueue) -> None:
        """Call the function every minute, and also when an execution fails, is aborted or times out."""
        target = targets.LambdaFunction(function.live, dead_letter_queue=missed, retry_attempts=2)
        events.Rule(
            self,
            "every-minute",
            rule_name=f"{self._environment.prefix}-reconcile",
            schedule=events.Schedule.rate(Duration.seconds(RECONCILE_EVERY_SECONDS)),
            targets=[target],
        )
        events.Rule(
            self,
            "execution-ended-badly",
            rule_name=f"{self._environment.prefix}-execution-ended-badly",
            event_pattern=events.EventPattern(
                source=["aws.states"],
                detail_type=["Step Functions Execution Status Change"],
                detail={
                    "stateMachineArn": [self.state_machine_arn],
                    "status": ["FAILED", "ABORTED", "TIMED_OUT"],
                },
            ),
            targets=[target],
        )

    def _schedule(self, row: Function) -> None:
        function, letters = self.functions[row.name].live, self.dead_letter_queues[row.name]
        events.Rule(
            self,
            f"{row.name}-schedule",
            rule_name=f"{self._environment.prefix}-{row.name}",
            schedule=events.Schedule.rate(Duration.seconds(row.every_seconds)),
            targets=[targets.LambdaFunction(function, dead_letter_queue=letters, retry_attempts=2)],
        )

    # --- the state machine

    def _state_machine(self) -> sfn.StateMachine:
        called = {"DispatchFunctionArn": "pipeline-dispatch", "SettleFunctionArn": "pipeline-settle"}
        arns = {name: self.functions[function].live.function_arn for name, function in called.items()}
        # Executions that the previous release started call the functions themselves.
        earlier = [self.functions[function].function_arn for function in called.values()]
        machine = sfn.StateMachine(
            self,
            "generate-video",
            state_machine_name=self.state_machine_name,
            definition_body=sfn.DefinitionBody.from_file(DEFINITION),
            definition_substitutions=arns,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                destination=KinoraLogGroup(
                    self,
                    "generate-video-log",
                    environment=self._environment,
                    # With this prefix the resource policy of the logs does not name each group, so it stays below its
                    # maximum length.
                    log_group_name=f"/aws/vendedlogs/states/{self.state_machine_name}",
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,  # it contains task tokens, which are secrets
            ),
        )
        machine.add_to_role_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[*arns.values(), *earlier])
        )
        acknowledge(
            machine,
            "IAM accepts the actions for X-Ray segments and vended logs only on *.",
            "AwsSolutions-IAM5[Resource::*]",
        )
        return machine


def _allow(
    role: iam.IRole, actions: Sequence[str], *resources: str, conditions: Mapping[str, Any] | None = None
) -> None:
    if actions:
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=[*actions], resources=[*resources], conditions=conditions)
        )
