"""`python -m infra.destroy ENV CDK...` asks again, empties the environment's buckets, has the CDK delete its stacks."""

import os
import subprocess
import sys
from collections.abc import Sequence

import boto3

from infra.environments import ENVIRONMENTS, Environment


def main(name: str, cdk: Sequence[str]) -> int:
    """0 once the command `cdk` has deleted the stacks; before that nothing is touched unless the name is said again."""
    if name not in ENVIRONMENTS:
        return _say(f"There is no environment called {name}; there are {', '.join(ENVIRONMENTS)}.")
    environment = ENVIRONMENTS[name]
    if environment.deletion_protection:
        return _say(
            f"{name} is protected. Set deletion_protection=False for it in infra/environments.py, "
            f"run `make deploy ENV={name}`, and then this again."
        )
    kept = "its tables, buckets and keys stay" if environment.retain_data else "and all data in them"
    sys.stdout.write(f"This deletes the stacks of {environment.prefix}, {kept}.\n")
    if _answer(environment) != environment.prefix:
        return _say("Nothing was deleted.")
    if not environment.retain_data:
        account = boto3.client("sts").get_caller_identity()["Account"]
        _empty(set(buckets(environment, account)))
    return subprocess.run([*cdk, "destroy", "--all", "--force"], check=False).returncode  # noqa: S603  # make's own


def buckets(environment: Environment, account: str) -> list[str]:
    """Names of the environment's buckets, whether they are there or not."""
    return [f"{environment.prefix}-{kind}-{account}" for kind in ("media", "web", "logs")]


def _empty(doomed: set[str]) -> None:
    for bucket in boto3.resource("s3").buckets.all():
        if bucket.name in doomed:
            sys.stdout.write(f"Emptying {bucket.name}\n")
            bucket.object_versions.delete()


def _answer(environment: Environment) -> str:
    given = os.environ.get("CONFIRM")
    return input(f"Type {environment.prefix} to go on: ").strip() if given is None else given


def _say(sentence: str) -> int:
    sys.stderr.write(sentence + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
