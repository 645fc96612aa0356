"""Acknowledgements of cdk-nag rules and CDK warnings that do not apply to a resource, with the reason."""

from typing import Any

from aws_cdk import Acknowledgment, Annotations, Stack, Validations
from constructs import IConstruct


def acknowledge(construct: IConstruct, reason: str, *rules: str) -> None:
    """Acknowledge rules by their whole ids: `AwsSolutions-IAM5[Resource::*]` covers only this finding."""
    Validations.of(construct).acknowledge(*(Acknowledgment(id=rule, reason=reason) for rule in rules))


def acknowledge_warning(construct: IConstruct, reason: str, warning: str) -> None:
    """Acknowledge this warning of the construct and its children; a test refuses every other warning."""
    Annotations.of(construct).acknowledge_warning(warning, reason)


def acknowledge_wildcards(construct: IConstruct, reason: str, *arns: str) -> None:
    """Acknowledge exactly these ARNs with a `*`. They must not refer to another stack's resources."""
    stack = Stack.of(construct)
    acknowledge(construct, reason, *(f"AwsSolutions-IAM5[Resource::{_shown(stack.resolve(arn))}]" for arn in arns))


def _shown(value: Any) -> str:
    """Return an ARN as cdk-nag spells it: `<AWS::AccountId>` for a value that CloudFormation fills in."""
    match value:
        case str():
            return value
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case {"Fn::Join": [glue, parts]}:
            return str(glue).join(map(_shown, parts))
    raise ValueError(f"cannot spell {value} as cdk-nag does")
