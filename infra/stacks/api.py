"""The public APIs: REST, WebSocket, and the CloudFront distribution in front of them.

The distribution is in this stack and not in the site's, because the functions and the distribution refer to each other.
"""

from aws_cdk import CfnOutput, Duration, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from infra.constructs.acknowledge import acknowledge
from infra.constructs.front_door import FrontDoor
from infra.constructs.function import KinoraFunction
from infra.constructs.mail import MailIdentity
from infra.constructs.rest_api import STAGE, KinoraRestApi
from infra.constructs.socket_api import SocketApi
from infra.constructs.stage_queue import DeadLetterQueue
from infra.constructs.web_acl import WebAcl, waf_log
from infra.environments import Environment
from infra.functions import (
    AUTHORIZER,
    BILLING,
    FAN_OUT,
    IMPORTS,
    JOBS_STREAM,
    MAIL_REFUSALS,
    NOTICES,
    REST_DOMAINS,
    SOCKET_ROUTES,
    WEBHOOKS,
    WEBHOOKS_STREAM,
    Function,
)
from infra.stacks.data import DataStack
from infra.stacks.pipeline import PipelineStack
from shared.jobs.record import JobRecord
from shared.stages.queues import BILLING_QUEUE, FAN_OUT_QUEUE, IMPORT_QUEUE, NOTICE_QUEUE, WEBHOOKS_QUEUE

STREAM_RETRIES = 5  # then Lambda reports the batch to the dead-letter queue; clients read the job at the next reconnect
# Maximum simultaneous pages. With the rate cap of each they use 4,000 of the account's 10,000 requests per second.
FAN_OUT_CONCURRENCY = 4
# Webhooks do not read the job at a reconnect, so their reader tries until the stream forgets the record.
WEBHOOKS_STREAM_RETRIES = 1000
WEBHOOKS_WINDOW_SECONDS = 2  # maximum wait for a full batch
WEBHOOKS_CONCURRENCY = 20  # maximum simultaneous requests to endpoints; fair queues share them among accounts
IMPORT_CONCURRENCY = 20  # maximum simultaneous downloads of all creators
NOTICE_CONCURRENCY = 2  # a new account may send one message per second
BILLING_CONCURRENCY = 4  # maximum simultaneous readers of histories, because Stripe limits requests


class ApiStack(Stack):
    """The stack. `.functions` is by name without prefix: `rest-jobs`, `socket-connect`, `realtime-push`."""

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
        self._environment, self._data = environment, data
        rows = (
            AUTHORIZER,
            *(domain.function for domain in REST_DOMAINS),
            *SOCKET_ROUTES.values(),
            *JOBS_STREAM,
            *FAN_OUT,
            *BILLING,
            *WEBHOOKS_STREAM,
            *WEBHOOKS,
            *IMPORTS,
            *NOTICES,
            MAIL_REFUSALS,
        )
        self.refusals_missed = DeadLetterQueue(
            self, "refusals-missed", queue_name=f"{environment.prefix}-{MAIL_REFUSALS.name}-dlq"
        )
        self.functions: dict[str, KinoraFunction] = {
            row.name: KinoraFunction(
                self,
                row,
                environment,
                on_failure=destinations.SqsDestination(self.refusals_missed) if row is MAIL_REFUSALS else None,
            )
            for row in rows
        }
        self.socket_api = SocketApi(self, "socket", environment)
        self.rest_api = KinoraRestApi(
            self,
            "rest",
            environment,
            domains={domain: self.functions[domain.function.name] for domain in REST_DOMAINS},
            authorizer=self.functions[AUTHORIZER.name],
            key_arn=data.key.key_arn,
        )
        self.front_door = FrontDoor(
            self,
            "front-door",
            environment,
            rest_api_id=self.rest_api.rest_api_id,
            rest_stage=STAGE,
            rest_api_key=self.rest_api.distribution_key,
            media_key_group_id=data.media_key_group_id,
            log_bucket=data.log_bucket,
        )
        # The socket's access log needs the account's logging role, which the REST API creates.
        self.socket_api.stage.node.add_dependency(self.rest_api.node.find_child("Account"))
        self._guard_rest_api()
        self._set_addresses()
        mail = MailIdentity(self, "mail", environment)
        for row in rows:
            pipeline.grant(self.functions[row.name].own_role, row.may)
            if row.may.sockets:
                self.socket_api.grant_send(self.functions[row.name])
            if row.may.mails:
                mail.grant_send(self.functions[row.name])
        # Last, because a route's integration needs the function's newest version, which contains all changes above.
        self.socket_api.add_routes(
            {route: self.functions[row.name] for route, row in SOCKET_ROUTES.items()},
            authorizer=self.functions[AUTHORIZER.name],
        )
        self.jobs_stream_failures = self._read_jobs_stream()
        for row in FAN_OUT:
            self._read_queue(row, pipeline.queues[FAN_OUT_QUEUE], FAN_OUT_CONCURRENCY)
        for row in BILLING:
            self._read_queue(row, pipeline.queues[BILLING_QUEUE], BILLING_CONCURRENCY)
        for row in WEBHOOKS:
            self._read_queue(row, pipeline.queues[WEBHOOKS_QUEUE], WEBHOOKS_CONCURRENCY)
        for row in IMPORTS:
            self._read_queue(row, pipeline.queues[IMPORT_QUEUE], IMPORT_CONCURRENCY)
        for row in NOTICES:
            self._read_queue(row, pipeline.queues[NOTICE_QUEUE], NOTICE_CONCURRENCY)
        mail.report_refusals(self.functions[MAIL_REFUSALS.name], self.refusals_missed)
        CfnOutput(self, "Studio", value=self.front_door.origin, description="URL of the studio")
        CfnOutput(
            self,
            "Distribution",
            value=self.front_door.distribution.distribution_id,
            description="Id of the distribution",
        )
        CfnOutput(self, "Socket", value=self.socket_api.url, description="URL of the WebSocket API")

    def _set_addresses(self) -> None:
        """Set this stack's addresses in all functions, because a missing variable would only fail at run time."""
        for function in self.functions.values():
            function.add_environment("KINORA_WEB_ORIGIN", self.front_door.origin)
            function.add_environment("KINORA_MEDIA_URL", f"{self.front_door.origin}/media")
            function.add_environment("KINORA_SOCKET_ENDPOINT_URL", self.socket_api.stage.callback_url)

    def _guard_rest_api(self) -> None:
        """Attach a firewall to the REST API, for calls that bypass CloudFront and have its key."""
        stage = self.rest_api.deployment_stage
        blocked = waf_log(self, self._environment, "regional")
        if self._environment.waf:
            acl = WebAcl(self, "regional", self._environment, scope_name="REGIONAL", log_group=blocked)
            wafv2.CfnWebACLAssociation(self, "rest-acl", resource_arn=stage.stage_arn, web_acl_arn=acl.attr_arn)
        else:
            reason = "Environments without a WAF are for experiments. A WAF costs $5 a month and $1 for each rule."
            acknowledge(stage, reason, "AwsSolutions-APIG3")

    def _read_jobs_stream(self) -> DeadLetterQueue:
        """Connect the stream and return its dead-letter queue, which receives the positions of failed batches."""
        failures = DeadLetterQueue(
            self, "jobs-stream-failures", queue_name=f"{self._environment.prefix}-jobs-stream-dlq"
        )
        for row in (*JOBS_STREAM, *WEBHOOKS_STREAM):
            function, lossless = self.functions[row.name], row in WEBHOOKS_STREAM
            function.live.add_event_source(
                sources.DynamoEventSource(
                    self._data.tables[JobRecord],
                    starting_position=lambda_.StartingPosition.LATEST,
                    batch_size=20,
                    bisect_batch_on_error=True,
                    report_batch_item_failures=True,
                    # Most records are progress, so fewer calls read more of them.
                    max_batching_window=Duration.seconds(WEBHOOKS_WINDOW_SECONDS) if lossless else None,
                    retry_attempts=WEBHOOKS_STREAM_RETRIES if lossless else STREAM_RETRIES,
                    # Clients of the socket do not need older events. The stream has the records of a day.
                    max_record_age=Duration.hours(23) if lossless else Duration.minutes(10),
                    on_failure=sources.SqsDlq(failures),
                )
            )
            acknowledge(
                function.own_role,
                "A stream reader must list streams, and IAM accepts that action only on *.",
                "AwsSolutions-IAM5[Resource::*]",
            )
        return failures

    def _read_queue(self, row: Function, queue: sqs.IQueue, concurrency: int) -> None:
        function = self.functions[row.name]
        function.live.add_event_source(
            sources.SqsEventSource(queue, batch_size=1, report_batch_item_failures=True, max_concurrency=concurrency)
        )
        acknowledge(
            function,
            "Lambda has no such destination for queues. Failed messages go to the queue's dead-letter queue.",
            "Serverless-LambdaEventSourceMappingDestination",
        )
