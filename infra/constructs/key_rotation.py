"""Keys that are generated at the first deployment and rotated every 30 days by `functions/rotation`."""

from collections.abc import Mapping

from aws_cdk import CustomResource, Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from infra.constructs.function import KinoraFunction
from infra.constructs.stage_queue import DeadLetterQueue
from infra.environments import Environment
from infra.functions import ROTATION_BEGIN, ROTATION_ROTATE, Function

# A key is published for one interval before it signs, and accepted for one interval after. Sessions last 7 days.
INTERVAL = Duration.days(30)


class KeyRotation(Construct):
    """Rotation of `rotated`, and of `derived`, which follows them. `.media_key_group_id` is CloudFront's key group."""

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        environment: Environment,
        *,
        rotated: Mapping[str, secretsmanager.ISecret],
        derived: secretsmanager.ISecret,
    ) -> None:
        super().__init__(scope, id)
        self.failures = DeadLetterQueue(self, "failures", queue_name=f"{environment.prefix}-rotation-dlq")
        begin = self._function(ROTATION_BEGIN, environment)
        rotate = self._function(ROTATION_ROTATE, environment)
        self.functions = {ROTATION_BEGIN.name: begin, ROTATION_ROTATE.name: rotate}
        rotate.add_permission(
            "secrets-manager",
            principal=iam.ServicePrincipal("secretsmanager.amazonaws.com"),
            source_account=Stack.of(self).account,
        )
        begun = CustomResource(
            self,
            "keys",
            resource_type="Custom::Keys",
            service_token=begin.function_arn,
            removal_policy=environment.removal_policy,
        )
        begun.node.add_dependency(*rotated.values(), derived)
        self.media_key_group_id = begun.get_att_string("MediaKeyGroupId")
        for name, secret in rotated.items():
            schedule = secretsmanager.CfnRotationSchedule(
                self,
                f"{name}-schedule",
                secret_id=secret.secret_arn,
                rotation_lambda_arn=rotate.function_arn,
                rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                    automatically_after_days=INTERVAL.to_days()
                ),
                rotate_immediately_on_update=False,  # the custom resource generates the first keys
            )
            schedule.node.add_dependency(begun, rotate)

    def _function(self, function: Function, environment: Environment) -> KinoraFunction:
        return KinoraFunction(
            self,
            function,
            environment,
            variables={"KINORA_MEDIA_KEY_GROUP": f"{environment.prefix}-media"},
            on_failure=destinations.SqsDestination(self.failures),
        )
