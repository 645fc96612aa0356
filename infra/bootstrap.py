"""`python -m infra.bootstrap`: create the service-linked roles of AWS services in the account.

AWS consoles create them automatically. CloudFormation does not wait for them, so that without them the first cluster
in an empty account fails.
"""

import sys
from collections.abc import Iterable

import boto3

SERVICES = (
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "sagemaker.application-autoscaling.amazonaws.com",  # for stages in `sagemaker`
    "autoscaling.amazonaws.com",  # for GPU instances in our own Auto Scaling group
    "spot.amazonaws.com",  # for GPU instances with `spot`; Fargate Spot needs no role
)
ROLE_EXISTS = "has been taken in this account"  # in the message, because IAM uses this error for other faults too


def prepare(services: Iterable[str] = SERVICES) -> list[str]:
    """Create the services' roles. Return the services whose roles did not exist."""
    iam, made = boto3.client("iam"), []
    for service in services:
        try:
            iam.create_service_linked_role(AWSServiceName=service)
        except iam.exceptions.InvalidInputException as error:
            if ROLE_EXISTS not in str(error):
                raise
        else:
            made.append(service)
    return made


if __name__ == "__main__":
    sys.stdout.write(f"Created service-linked roles: {', '.join(prepare()) or '0, all exist'}\n")
