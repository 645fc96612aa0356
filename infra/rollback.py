"""`python -m infra.rollback ENV`: return all functions and workers to the release before the live one.

CloudFormation moves them, so that it knows what is live and the next `make deploy` starts from there. It receives the
deployed templates, in which only the versions of aliases and the task definitions of services differ.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import boto3
from aws_cdk import DefaultStackSynthesizer
from botocore.exceptions import WaiterError

from infra.environments import ENVIRONMENTS, Environment
from infra.releases import MOVED, STACKS, Release, Releases

READY = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")  # states in which a stack can be updated
POLL = {"Delay": 5, "MaxAttempts": 720}  # an hour: ECS waits for workers that finish a step


class NoRollback(Exception):
    """The environment cannot return to an earlier release. The message says why and what to do."""


def roll_back(environment: Environment) -> Iterator[str]:
    """Move what differs from the earlier release, and yield a sentence for each move. Raise NoRollback."""
    releases = Releases(environment)
    known = releases.known()
    if not known:
        raise NoRollback("No release is recorded. `make deploy` records a release when it has finished.")
    live = releases.live()
    # If they differ, the newest deployment did not finish: the last one that did is the earlier release.
    earlier = known[:-1] if known[-1] == live else known
    moves = _moves(live, earlier[-1]) if earlier else {}
    if not moves:
        raise NoRollback(
            "No release before the live one is recorded. Deploy an earlier commit: docs/runbook.md#release"
        )
    formation = boto3.client("cloudformation", region_name=environment.region)
    stacks = {stack: ready(formation, f"{environment.prefix}-{stack}") for stack in moves}
    # First, because a second run after a failure must continue to the same release.
    releases.store(earlier)
    for stack, values in moves.items():
        _update(formation, environment, stacks[stack], _moved(releases.template(stack), values))
        physical = releases.resources(stack)
        for name, value in values.items():
            yield f"{physical[name].split(':', 5)[5]}: from {_short(live[stack][name])} to {_short(value)}"
    for found in stacks.values():
        wait(formation, found["StackName"])
    yield "Done. Tables, queues, permissions, routes, the state machine and the site stay as they are."


def _moves(live: Release, earlier: Release) -> Release:
    """Return the values of the earlier release that differ. What only one of the releases has is not moved."""
    differing = {
        stack: {
            name: value for name, value in earlier.get(stack, {}).items()
            if live[stack].get(name, value) != value
        } for stack in STACKS
    }  # fmt: skip
    return {stack: values for stack, values in differing.items() if values}


def ready(formation: Any, stack: str) -> Any:
    """Return the description of the stack. Raise NoRollback if it cannot be updated now."""
    [found] = formation.describe_stacks(StackName=stack)["Stacks"]
    status = found["StackStatus"]
    if status.endswith("_IN_PROGRESS"):
        raise NoRollback(
            f"{stack} is {status}. To stop a deployment: aws cloudformation cancel-update-stack --stack-name {stack}. "
            "CloudFormation then restores this stack. Repeat this command afterwards for the other stacks."
        )
    if status not in READY:
        raise NoRollback(f"{stack} is {status}. CloudFormation's console shows the reason; repair the stack first.")
    return found


def _moved(template: Any, values: dict[str, str]) -> Any:
    for name, value in values.items():
        found = template["Resources"][name]
        found["Properties"][MOVED[found["Type"]]] = value
        found.pop("UpdatePolicy", None)  # all calls move at once
    return template


def _update(formation: Any, environment: Environment, stack: Any, template: Any) -> None:
    storage = boto3.client("s3", region_name=environment.region)
    account = boto3.client("sts", region_name=environment.region).get_caller_identity()["Account"]
    bucket = f"cdk-{DefaultStackSynthesizer.DEFAULT_QUALIFIER}-assets-{account}-{environment.region}"
    key = f"rollback/{stack['StackName']}.json"
    storage.put_object(Bucket=bucket, Key=key, Body=json.dumps(template).encode())
    formation.update_stack(
        StackName=stack["StackName"],
        TemplateURL=f"{storage.meta.endpoint_url}/{bucket}/{key}",
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[
            {"ParameterKey": given["ParameterKey"], "UsePreviousValue": True} for given in stack.get("Parameters", ())
        ],
    )


def wait(formation: Any, stack: str) -> None:
    try:
        formation.get_waiter("stack_update_complete").wait(StackName=stack, WaiterConfig=POLL)
    except WaiterError as error:
        raise NoRollback(
            f"{stack} did not return to the earlier release. CloudFormation's console shows the reason. "
            "Repeat this command to continue."
        ) from error


def _short(value: str) -> str:
    return value.rpartition("/")[2]


def main(name: str) -> int:
    if name not in ENVIRONMENTS:
        sys.stderr.write(f"Unknown environment {name}; there are {', '.join(ENVIRONMENTS)}.\n")
        return 1
    try:
        for sentence in roll_back(ENVIRONMENTS[name]):
            sys.stdout.write(f"{sentence}\n")
    except NoRollback as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
