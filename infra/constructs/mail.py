"""The domain's identity in Amazon SES, from which functions send email."""

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ses as ses
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.constructs.function import KinoraFunction
from infra.environments import Environment


class MailIdentity(Construct):
    """The identity of the environment's domain, with its DKIM records. Without a domain there is none.

    A new account can send to verified addresses only, until AWS has granted production access (docs/how-to/deploy.md).
    """

    def __init__(self, scope: Construct, id: str, environment: Environment) -> None:  # noqa: A002  # CDK's own name
        super().__init__(scope, id)
        self._environment = environment
        if environment.domain_name is None or environment.hosted_zone_id is None:
            return
        zone = route53.HostedZone.from_hosted_zone_attributes(
            self, "zone", hosted_zone_id=environment.hosted_zone_id, zone_name=environment.domain_name
        )
        self._configuration = ses.ConfigurationSet(
            self, "configuration", configuration_set_name=f"{environment.prefix}-mail"
        )
        self._configuration.add_event_destination(
            "refusals",
            destination=ses.EventDestination.event_bus(events.EventBus.from_event_bus_name(self, "bus", "default")),
            events=[ses.EmailSendingEvent.BOUNCE, ses.EmailSendingEvent.COMPLAINT],
        )
        ses.EmailIdentity(
            self,
            "identity",
            identity=ses.Identity.public_hosted_zone(zone),
            configuration_set=self._configuration,  # of all messages from the domain
        )

    def grant_send(self, function: KinoraFunction) -> None:
        """Allow the function to send from the environment's address, and set its address."""
        function.add_environment("KINORA_MAIL_FROM", self._environment.mail_from)
        if self._environment.domain_name is None:
            return
        stack = Stack.of(self)
        ours = f"arn:{stack.partition}:ses:{stack.region}:{stack.account}"
        used = [
            f"{ours}:identity/{self._environment.domain_name}",
            f"{ours}:configuration-set/{self._environment.prefix}-mail",
        ]
        function.add_to_role_policy(iam.PolicyStatement(actions=["ses:SendEmail"], resources=used))

    def report_refusals(self, function: KinoraFunction, missed: sqs.IQueue) -> None:
        """Call the function with the bounces and complaints of messages from the domain."""
        if self._environment.domain_name is None:
            return
        events.Rule(
            self,
            "refused",
            rule_name=f"{self._environment.prefix}-mail-refused",
            event_pattern=events.EventPattern(
                source=["aws.ses"],
                detail_type=["Email Bounced", "Email Complaint Received"],
                detail={"mail": {"tags": {"ses:from-domain": [self._environment.domain_name]}}},
            ),
            targets=[targets.LambdaFunction(function.live, dead_letter_queue=missed, retry_attempts=2)],
        )
