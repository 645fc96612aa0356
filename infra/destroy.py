"""`python -m infra.destroy ENV CDK...`: ask for confirmation, empty the environment's buckets, delete its stacks."""

import os
import subprocess
import sys
from collections.abc import Sequence

import boto3

from infra.environments import ENVIRONMENTS, Environment
from infra.releases import parameter_name

WITH_DELIVERY = ("-c", "repository=any/any")  # without a repository the app would leave out the stack `delivery`


def main(name: str, cdk: Sequence[str]) -> int:
    """Delete the stacks with the command `cdk` and return its exit status. Without confirmation change nothing."""
    if name not in ENVIRONMENTS:
        return _fail(f"Unknown environment {name}; there are {', '.join(ENVIRONMENTS)}.")
    environment = ENVIRONMENTS[name]
    if environment.deletion_protection:
        return _fail(
            f"{name} is protected. Set deletion_protection=False for it in infra/environments.py, "
            f"run `make deploy ENV={name}`, and then run this command again."
        )
    data = "Its tables, buckets and keys stay." if environment.retain_data else "All data in them is deleted too."
    sys.stdout.write(f"This deletes the stacks of {environment.prefix}. {data}\n")
    if _confirmation(environment) != environment.prefix:
        return _fail("Nothing was deleted.")
    if not environment.retain_data:
        account = boto3.client("sts", region_name=environment.region).get_caller_identity()["Account"]
        _empty(set(buckets(environment, account)))
    # Versions of functions start again from 1, so a later environment with this name must not find this record.
    boto3.client("ssm", region_name=environment.region).delete_parameters(Names=[parameter_name(environment)])
    return subprocess.run([*cdk, *WITH_DELIVERY, "destroy", "--all", "--force"], check=False).returncode  # noqa: S603  # make's own


def buckets(environment: Environment, account: str) -> list[str]:
    """Return the names of the environment's buckets, whether they exist or not."""
    return [f"{environment.prefix}-{kind}-{account}" for kind in ("media", "web", "logs")]


def _empty(names: set[str]) -> None:
    for bucket in boto3.resource("s3").buckets.all():
        if bucket.name in names:
            sys.stdout.write(f"Emptying {bucket.name}\n")
            bucket.object_versions.delete()


def _confirmation(environment: Environment) -> str:
    given = os.environ.get("CONFIRM")
    return input(f"Type {environment.prefix} to continue: ").strip() if given is None else given


def _fail(message: str) -> int:
    """Write the message and return the exit status 1."""
    sys.stderr.write(message + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
