"""A log group with the environment's retention and removal policy."""

from typing import cast

from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.environments import Environment


class KinoraLogGroup(logs.LogGroup):
    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002  # CDK's own name
        *,
        environment: Environment,
        log_group_name: str,
        data_protection_policy: logs.DataProtectionPolicy | None = None,
    ) -> None:
        super().__init__(
            scope,
            id,
            log_group_name=log_group_name,
            removal_policy=environment.removal_policy,
            data_protection_policy=data_protection_policy,
        )
        group = cast(logs.CfnLogGroup, self.node.default_child)
        group.retention_in_days = environment.log_retention_days  # `LogGroup` accepts only an enumeration
