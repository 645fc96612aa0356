"""`python -m infra.bootstrap`: makes the roles as which AWS's own services work in the account.

Consoles make them unasked; CloudFormation does not wait for them: in an empty account the first cluster fails.
"""

import sys
from collections.abc import Iterable

import boto3

SERVICES = (
    "ecs.amazonaws.com",
    "ecs.application-autoscaling.amazonaws.com",
    "sagemaker.application-autoscaling.amazonaws.com",  # of stages in `sagemaker`
    "autoscaling.amazonaws.com",  # of GPU instances in a group of ours
    "spot.amazonaws.com",  # of GPU instances with `spot`; Fargate's own needs none
)
THERE = "has been taken in this account"  # how IAM says so, with an error that it uses for other faults, too


def prepare(services: Iterable[str] = SERVICES) -> list[str]:
    """Make the services' roles; answers those that were not there."""
    iam, made = boto3.client("iam"), []
    for service in services:
        try:
            iam.create_service_linked_role(AWSServiceName=service)
        except iam.exceptions.InvalidInputException as error:
            if THERE not in str(error):
                raise
        else:
            made.append(service)
    return made


if __name__ == "__main__":
    sys.stdout.write(f"Roles of AWS's own services made: {', '.join(prepare()) or 'none, they are there'}\n")
