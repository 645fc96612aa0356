"""The role as which AWS scales: its own, which it makes when first it is needed, and no empty one of ours."""

from aws_cdk import Stack
from aws_cdk import aws_iam as iam
from constructs import Construct


def scaling_role(scope: Construct, service: str, name: str) -> iam.IRole:
    """Of Application Auto Scaling for a service, as AWS names it: `("ecs", "ECSService")`."""
    path = f"aws-service-role/{service}.application-autoscaling.amazonaws.com"
    arn = Stack.of(scope).format_arn(
        service="iam",
        region="",
        resource="role",
        resource_name=f"{path}/AWSServiceRoleForApplicationAutoScaling_{name}",
    )
    return iam.Role.from_role_arn(scope, "Scaler", arn)
