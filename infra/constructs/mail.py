"""The domain's identity in Amazon SES, from which functions send email."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_route53 as route53
from aws_cdk import aws_ses as ses
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
        ses.EmailIdentity(self, "identity", identity=ses.Identity.public_hosted_zone(zone))

    def grant_send(self, function: KinoraFunction) -> None:
        """Allow the function to send from the environment's address, and set its address."""
        function.add_environment("KINORA_MAIL_FROM", self._environment.mail_from)
        if self._environment.domain_name is None:
            return
        stack = Stack.of(self)
        identity = f"arn:{stack.partition}:ses:{stack.region}:{stack.account}:identity/{self._environment.domain_name}"
        function.add_to_role_policy(iam.PolicyStatement(actions=["ses:SendEmail"], resources=[identity]))
