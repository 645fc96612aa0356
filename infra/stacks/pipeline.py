"""The pipeline: the state machine, its queues, the functions around it, and what wakes them."""

import json
from collections.abc import Mapping

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
from infra.functions import PIPELINE, RECONCILE_EVERY_SECONDS, REMOTE_ENGINE_SECONDS, REMOTE_ENGINES
from infra.queues import QUEUES
from infra.stacks.data import PROVIDER_KEYS, DataStack
from shared.assets.record import AssetRecord
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord
from shared.jobs.record import JobRecord, JobSpecRecord, StepResultRecord, StepTicketRecord, StepTokenRecord
from shared.stages.messages import REMOTE_QUEUE
from shared.stages.stages import Stage

DEFINITION = "stepfunctions/generate_video.asl.json"
FUNCTION_SECONDS = 29
RECONCILE_SECONDS = RECONCILE_EVERY_SECONDS - 5  # a sweep that lasted longer would meet the next one
ANSWERS = ("states:SendTaskSuccess", "states:SendTaskFailure")
REMOTE_ENGINE_CONCURRENCY = 10  # looks at a time: providers count requests
BEATS = (*ANSWERS, "states:SendTaskHeartbeat")


class PipelineStack(Stack):
    """`.queues` and `.dead_letter_queues` by their names in `infra/queues.py`; `.functions` by those in `PIPELINE`."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        data: DataStack,
    ) -> None:
        super().__init__(scope, id, env=environment.cdk_environment)
        self._environment, self._data = environment, data
        made = {
            queue.name: StageQueue(
                self, f"{queue.name}-queue", environment=environment, queue=queue, consumer_seconds=FUNCTION_SECONDS
            )
            for queue in QUEUES
        }
        self.queues: dict[str, sqs.Queue] = {name: pair.queue for name, pair in made.items()}
        self.dead_letter_queues: dict[str, sqs.Queue] = {name: pair.dead_letters for name, pair in made.items()}
        self.state_machine_name = f"{environment.prefix}-generate-video"
        # Put together from its name: the functions that the machine calls also answer it, and references both ways
        # would be a circle.
        self.state_machine_arn = self.format_arn(
            service="states",
            resource="stateMachine",
            resource_name=self.state_machine_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        self.failed_invocations: dict[Stage, sns.Topic] = self._failed_invocations()
        self.functions: dict[str, KinoraFunction] = {
            "pipeline-dispatch": self._dispatch(),
            "pipeline-settle": self._settle(),
            "pipeline-signal": self._signal(),
            "pipeline-reconcile": self._reconcile(),
            **{name: self._remote_engine(name, handler) for name, handler in REMOTE_ENGINES.items()},
        }
        self.state_machine = self._state_machine()

    def grant_answers(self, grantee: iam.IGrantable, actions: tuple[str, ...] = ANSWERS) -> None:
        """Let the grantee answer task tokens of this state machine and no other."""
        iam.Grant.add_to_principal(grantee=grantee, actions=list(actions), resource_arns=[self.state_machine_arn])

    # --- functions, each with what it touches

    def _function(
        self,
        name: str,
        seconds: int = FUNCTION_SECONDS,
        on_failure: lambda_.IDestination | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> KinoraFunction:
        return KinoraFunction(
            self,
            name,
            self._environment,
            handler=PIPELINE[name],
            variables=variables or {},
            timeout_seconds=seconds,
            on_failure=on_failure,
        )

    def _dispatch(self) -> KinoraFunction:
        endpoints = {stage.value: f"{self._environment.prefix}-{stage.queue}" for stage in self._environment.sagemaker}
        function = self._function(
            "pipeline-dispatch", variables={"KINORA_SAGEMAKER_ENDPOINTS": json.dumps(endpoints)} if endpoints else None
        )
        self._data.grant_read(function, JobRecord, JobSpecRecord, StepResultRecord)
        self._data.grant_write(function, JobRecord, StepTokenRecord)
        for stage in sorted(set(Stage) - set(self._environment.sagemaker)):
            for name in (stage.queue, stage.priority_queue):
                self.queues[name].grant_send_messages(function)
        for name in endpoints.values():
            endpoint = self.format_arn(service="sagemaker", resource="endpoint", resource_name=name)
            iam.Grant.add_to_principal(
                grantee=function, actions=["sagemaker:InvokeEndpointAsync"], resource_arns=[endpoint]
            )
        if endpoints:  # which fetch their tasks from among the job's media
            self._data.grant_media(function.own_role, writes=("jobs/",))
        self.queues[REMOTE_QUEUE].grant_send_messages(function)
        self.grant_answers(function)
        return function

    def _remote_engine(self, name: str, handler: str) -> KinoraFunction:
        """Does steps at providers: what a step needs, the providers' keys, its own queue for the next look."""
        function = KinoraFunction(
            self,
            name,
            self._environment,
            handler=handler,
            variables={},
            timeout_seconds=REMOTE_ENGINE_SECONDS,
            memory_mb=1024,
        )
        self._data.grant_read(function, JobRecord, StepTokenRecord, StepTicketRecord)
        self._data.grant_write(function, JobRecord, StepResultRecord, StepTicketRecord)
        self._data.grant_media(function.own_role, reads=("jobs/", "assets/"), writes=("jobs/",), deletes=("jobs/",))
        self._data.grant_secrets(function, *PROVIDER_KEYS)
        self.queues[REMOTE_QUEUE].grant_send_messages(function)
        self.grant_answers(function, BEATS)
        function.add_event_source(
            sources.SqsEventSource(
                self.queues[REMOTE_QUEUE],
                batch_size=1,
                report_batch_item_failures=True,
                max_concurrency=REMOTE_ENGINE_CONCURRENCY,
            )
        )
        acknowledge(
            function,
            "Lambda has no such destination for queues: what fails goes to the queue's dead letters.",
            "Serverless-LambdaEventSourceMappingDestination",
        )
        return function

    def _failed_invocations(self) -> dict[Stage, sns.Topic]:
        """What SageMaker gives up on lies where the stage's queue puts what it gives up on: `signal` reads both."""
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

    def _settle(self) -> KinoraFunction:
        function = self._function("pipeline-settle")
        self._grant_settlement(function)
        return function

    def _signal(self) -> KinoraFunction:
        """Ends what a queue gave up on: fails the step, or rejects the asset."""
        function = self._function("pipeline-signal")
        self._data.grant_read(function, JobRecord, StepTokenRecord, AssetRecord)
        self._data.grant_write(function, AssetRecord)
        self.grant_answers(function)
        for queue in QUEUES:
            letters = self.dead_letter_queues[queue.name]
            function.add_event_source(sources.SqsEventSource(letters, batch_size=10, report_batch_item_failures=True))
        acknowledge(
            function,
            "Lambda has no such destination for queues: what fails stays in the dead-letter queue, with an alarm.",
            "Serverless-LambdaEventSourceMappingDestination",
        )
        return function

    def _reconcile(self) -> KinoraFunction:
        missed = DeadLetterQueue(
            self, "reconcile-missed", queue_name=f"{self._environment.prefix}-pipeline-reconcile-dlq"
        )
        self.dead_letter_queues["pipeline-reconcile"] = missed
        function = self._function(
            "pipeline-reconcile", RECONCILE_SECONDS, on_failure=destinations.SqsDestination(missed)
        )
        self._grant_settlement(function)
        executions = self.format_arn(
            service="states",
            resource="execution",
            resource_name=f"{self.state_machine_name}:job_*",  # an execution bears its job's id
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        iam.Grant.add_to_principal(
            grantee=function, actions=["states:StartExecution"], resource_arns=[self.state_machine_arn]
        )
        iam.Grant.add_to_principal(
            grantee=function, actions=["states:DescribeExecution", "states:StopExecution"], resource_arns=[executions]
        )
        acknowledge_wildcards(
            function.role or function, "Executions of this one state machine, each named by its job's id.", executions
        )
        target = targets.LambdaFunction(function, dead_letter_queue=missed, retry_attempts=2)
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
        return function

    def _grant_settlement(self, function: KinoraFunction) -> None:
        """What `shared/jobs/settlement.py` needs: the job's state and its money in one transaction."""
        self._data.grant_read(function, JobRecord, HoldRecord)
        self._data.grant_write(function, JobRecord, HoldRecord, AccountRecord, LedgerRecord)

    # --- the state machine

    def _state_machine(self) -> sfn.StateMachine:
        called = {"DispatchFunctionArn": "pipeline-dispatch", "SettleFunctionArn": "pipeline-settle"}
        arns = {name: self.functions[function].function_arn for name, function in called.items()}
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
                    # Under this prefix the log's resource policy need not name each group, and so never grows too long.
                    log_group_name=f"/aws/vendedlogs/states/{self.state_machine_name}",
                ),
                level=sfn.LogLevel.ALL,
                include_execution_data=False,  # task tokens are in it, and they are secrets
            ),
        )
        machine.add_to_role_policy(
            iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=list(arns.values()))
        )
        acknowledge(
            machine,
            "X-Ray segments and the delivery of vended logs belong to no resource that a policy could name.",
            "AwsSolutions-IAM5[Resource::*]",
        )
        return machine
