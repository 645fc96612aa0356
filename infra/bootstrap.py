"""`python -m infra.bootstrap ENV`: create service-linked roles, and print what the account lacks for ENV.

AWS consoles create the roles automatically. CloudFormation does not wait for them, so that without them the first
cluster in an empty account fails.
"""

import sys
from collections.abc import Iterable

import boto3

from infra.account import cost_monitor, quotas, zones
from infra.environments import ENVIRONMENTS

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


def main(name: str) -> None:
    sys.stdout.write(f"Created service-linked roles: {', '.join(prepare()) or '0, all exist'}\n")
    environment = ENVIRONMENTS[name]
    found = [*quotas(environment), *zones(environment), *cost_monitor(environment)]
    for sentence in found:
        sys.stdout.write(f"- {sentence}\n")
    sys.stdout.write(f"{len(found)} things to do before `make deploy ENV={name}`.\n")


if __name__ == "__main__":
    main(sys.argv[1])
