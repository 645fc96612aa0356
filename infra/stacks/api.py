"""What the outside calls: the REST API, the WebSocket API, and the CloudFront distribution in front of them.

The distribution stands in this stack and not beside the site: functions must know its address, and it must know theirs.
"""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra.constructs.acknowledge import acknowledge, acknowledge_wildcards
from infra.constructs.front_door import FrontDoor
from infra.constructs.function import KinoraFunction
from infra.constructs.rest_api import STAGE, KinoraRestApi
from infra.constructs.socket_api import SocketApi
from infra.constructs.stage_queue import DeadLetterQueue
from infra.constructs.web_acl import WebAcl
from infra.environments import Environment
from infra.functions import AUTHORIZER, JOBS_STREAM, REST_DOMAINS, SOCKET_ROUTES
from infra.stacks.data import PROVIDER_KEYS, VERIFICATION_KEYS, DataStack
from infra.stacks.pipeline import PipelineStack
from shared.assets.record import AssetRecord
from shared.connections.record import ConnectionRecord, ListenerRecord
from shared.credentials.record import PasswordRecord, RefreshFamilyRecord
from shared.credits.record import AccountRecord, HoldRecord, LedgerRecord
from shared.idempotency.record import IdempotencyRecord
from shared.jobs.record import JobRecord, JobSpecRecord, StepResultRecord, StepTicketRecord, StepTokenRecord
from shared.projects.record import ProjectRecord
from shared.subscriptions.record import SubscriptionRecord
from shared.users.record import EmailClaimRecord, UserRecord

STREAM_RETRIES = 5  # then the records go to the dead-letter queue: listeners read the job anew when they return


class ApiStack(Stack):
    """`.functions` by the names under which they are deployed: `rest-jobs`, `socket-connect`, `realtime-push`."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        data: DataStack,
        pipeline: PipelineStack,
    ) -> None:
        super().__init__(scope, id, env=environment.cdk_environment)
        self._environment, self._data, self._pipeline = environment, data, pipeline
        self.functions: dict[str, KinoraFunction] = {
            "authorizer": self._function("authorizer", AUTHORIZER, fast=True),
            **{
                f"rest-{domain.name}": self._function(f"rest-{domain.name}", domain.handler, fast=True)
                for domain in REST_DOMAINS
            },
            **{
                f"socket-{route.removeprefix('$')}": self._function(f"socket-{route.removeprefix('$')}", handler)
                for route, handler in SOCKET_ROUTES.items()
            },
            **{name: self._function(name, handler) for name, handler in JOBS_STREAM.items()},
        }
        self.socket_api = SocketApi(self, "socket", environment)
        self.rest_api = KinoraRestApi(
            self,
            "rest",
            environment,
            domains={domain: self.functions[f"rest-{domain.name}"] for domain in REST_DOMAINS},
            authorizer=self.functions["authorizer"],
        )
        self.front_door = FrontDoor(
            self,
            "front-door",
            environment,
            rest_api_id=self.rest_api.rest_api_id,
            rest_stage=STAGE,
            media_key_group_id=data.media_key_group_id,
            log_bucket=data.log_bucket,
        )
        # Its log needs the account's role for logs, which comes with the REST API.
        self.socket_api.stage.node.add_dependency(self.rest_api.node.find_child("Account"))
        self._guard_rest_api()
        self._tell_addresses()
        self._grant_rest()
        self._grant_realtime()
        # Last: a route's integration needs the function's newest version, which all of the above is part of.
        self.socket_api.add_routes(
            {route: self.functions[f"socket-{route.removeprefix('$')}"] for route in SOCKET_ROUTES},
            authorizer=self.functions["authorizer"],
        )
        self.jobs_stream_failures = self._read_jobs_stream()
        CfnOutput(self, "Studio", value=self.front_door.origin, description="Where the studio is")
        CfnOutput(
            self, "Distribution", value=self.front_door.distribution.distribution_id, description="What caches it"
        )
        CfnOutput(self, "Socket", value=self.socket_api.url, description="Where its events are")

    def _function(self, name: str, handler: str, *, fast: bool = False) -> KinoraFunction:
        """`fast`: a person waits for it, so it starts from a snapshot where the environment pays for that."""
        return KinoraFunction(
            self,
            name,
            self._environment,
            handler=handler,
            variables={},
            memory_mb=1024 if fast else 512,  # processor time comes with memory
            snap_start=fast and self._environment.snap_start,
        )

    def _tell_addresses(self) -> None:
        """What only this stack knows; told to all, for a variable that is missing shows late."""
        for function in self.functions.values():
            function.add_environment("KINORA_WEB_ORIGIN", self.front_door.origin)
            function.add_environment("KINORA_MEDIA_URL", f"{self.front_door.origin}/media")
            function.add_environment("KINORA_SOCKET_ENDPOINT_URL", self.socket_api.stage.callback_url)

    def _guard_rest_api(self) -> None:
        """Calls that go past CloudFront meet a firewall, too."""
        stage = self.rest_api.deployment_stage
        if self._environment.waf:
            acl = WebAcl(self, "regional", self._environment, scope_name="REGIONAL")
            wafv2.CfnWebACLAssociation(self, "rest-acl", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn)
        else:
            cheap = "Environments without a WAF are for trying things; one costs $5 a month and $1 for each rule."
            acknowledge(stage, cheap, "AwsSolutions-APIG3")

    # --- what each function touches

    def _grant_rest(self) -> None:
        data, of = self._data, self.functions
        data.grant_secrets(of["authorizer"], VERIFICATION_KEYS)

        auth = of["rest-auth"]
        data.grant_read(auth, UserRecord, EmailClaimRecord, PasswordRecord, RefreshFamilyRecord)
        data.grant_write(
            auth, UserRecord, EmailClaimRecord, PasswordRecord, RefreshFamilyRecord, AccountRecord, LedgerRecord
        )
        data.grant_secrets(auth, "access-token-signing-key", "refresh-token-key")

        projects = of["rest-projects"]
        data.grant_read(projects, ProjectRecord, IdempotencyRecord)
        data.grant_write(projects, ProjectRecord, IdempotencyRecord)

        assets = of["rest-assets"]
        data.grant_read(assets, AssetRecord, ProjectRecord, IdempotencyRecord)
        data.grant_write(assets, AssetRecord, IdempotencyRecord)
        data.grant_secrets(assets, "media-signing-key")
        data.grant_media(assets.own_role, writes=("quarantine/",), deletes=("quarantine/", "assets/"))
        self._pipeline.queues["asset-verification"].grant_send_messages(assets)

        self._grant_jobs(of["rest-jobs"])

    def _grant_jobs(self, jobs: KinoraFunction) -> None:
        data = self._data
        data.grant_read(
            jobs, JobRecord, JobSpecRecord, StepResultRecord, StepTokenRecord, StepTicketRecord, ProjectRecord,
            AssetRecord, HoldRecord, SubscriptionRecord, IdempotencyRecord,
        )  # fmt: skip
        data.grant_write(
            jobs, JobRecord, JobSpecRecord, StepResultRecord, StepTokenRecord, StepTicketRecord, ProjectRecord,
            HoldRecord, AccountRecord, LedgerRecord, IdempotencyRecord,
        )  # fmt: skip
        data.grant_secrets(jobs, "media-signing-key")
        data.grant_secrets_seen(jobs, *PROVIDER_KEYS)
        data.grant_media(jobs.own_role, reads=("jobs/",), deletes=("jobs/",))
        self._grant_executions(jobs.own_role)

    def _grant_executions(self, role: iam.IRole) -> None:
        """Starting the job's execution, and stopping it."""
        machine = self._pipeline.state_machine_arn
        executions = f"{machine.replace(':stateMachine:', ':execution:')}:job_*"
        role.add_to_principal_policy(iam.PolicyStatement(actions=["states:StartExecution"], resources=[machine]))
        role.add_to_principal_policy(iam.PolicyStatement(actions=["states:StopExecution"], resources=[executions]))
        acknowledge_wildcards(role, "Executions of this one state machine, each named by its job's id.", executions)

    def _grant_realtime(self) -> None:
        data, of = self._data, self.functions
        connect, disconnect = of["socket-connect"], of["socket-disconnect"]
        subscribe, unsubscribe, push = of["socket-subscribe"], of["socket-unsubscribe"], of["realtime-push"]
        data.grant_write(connect, ConnectionRecord)
        data.grant_read(disconnect, ListenerRecord)
        data.grant_write(disconnect, ConnectionRecord, ListenerRecord)
        data.grant_read(subscribe, ConnectionRecord, JobRecord, JobSpecRecord, StepResultRecord)
        data.grant_write(subscribe, ListenerRecord)
        data.grant_write(unsubscribe, ListenerRecord)
        data.grant_read(push, ListenerRecord, StepResultRecord)
        data.grant_write(push, ConnectionRecord, ListenerRecord)
        for function in (subscribe, push):
            data.grant_secrets(function, "media-signing-key")
        for function in (subscribe, unsubscribe, of["socket-default"], push):
            self.socket_api.grant_send(function)

    def _read_jobs_stream(self) -> DeadLetterQueue:
        """The dead letters: where in the stream a batch was that could not be pushed."""
        failures = DeadLetterQueue(
            self, "jobs-stream-failures", queue_name=f"{self._environment.prefix}-jobs-stream-dlq"
        )
        for name in JOBS_STREAM:
            self.functions[name].add_event_source(
                sources.DynamoEventSource(
                    self._data.tables[JobRecord],
                    starting_position=lambda_.StartingPosition.LATEST,
                    batch_size=20,
                    bisect_batch_on_error=True,
                    report_batch_item_failures=True,
                    retry_attempts=STREAM_RETRIES,
                    max_record_age=Duration.minutes(10),  # older news is no news
                    on_failure=sources.SqsDlq(failures),
                )
            )
            acknowledge(
                self.functions[name].own_role,
                "Whoever reads a stream must be able to list streams, and that is granted on * or not at all.",
                "AwsSolutions-IAM5[Resource::*]",
            )
        return failures
