"""`python -m infra.releases ENV`: record the release that `make deploy` has deployed, and delete older versions.

A release is the version of each function's alias and the task definition of each service, as CloudFormation has them.
"""

import json
import sys
from collections.abc import Iterator
from typing import Any

import boto3

from infra.environments import ENVIRONMENTS, Environment

KEPT = 2  # releases: the live one and the one to which `make rollback` returns
STACKS = ("pipeline", "workers", "api", "observability")  # those with aliases or services
# The property of a resource that a release changes, by the resource's type.
MOVED = {"AWS::Lambda::Alias": "FunctionVersion", "AWS::ECS::Service": "TaskDefinition"}
Release = dict[str, dict[str, str]]  # values of those properties, by stack and logical id


class Releases:
    """The releases of an environment. A parameter of Systems Manager stores them, the newest one last."""

    def __init__(self, environment: Environment) -> None:
        self._prefix = environment.prefix
        self._parameter = parameter_name(environment)
        self._formation = boto3.client("cloudformation", region_name=environment.region)
        self._parameters = boto3.client("ssm", region_name=environment.region)
        self._functions = boto3.client("lambda", region_name=environment.region)

    def known(self) -> list[Release]:
        try:
            stored = self._parameters.get_parameter(Name=self._parameter)["Parameter"]["Value"]
        except self._parameters.exceptions.ParameterNotFound:
            return []
        known: list[Release] = json.loads(stored)
        return known

    def store(self, known: list[Release]) -> None:
        value = json.dumps(known, separators=(",", ":"))
        self._parameters.put_parameter(
            Name=self._parameter, Value=value, Type="String", Tier="Intelligent-Tiering", Overwrite=True
        )

    def live(self) -> Release:
        """Return the release that is deployed now, recorded or not."""
        return {stack: dict(self._values(stack)) for stack in STACKS}

    def record(self) -> None:
        known, live = self.known(), self.live()
        if known[-1:] != [live]:
            self.store([*known, live][-KEPT:])

    def delete_older_versions(self) -> int:
        """Delete the versions of functions that no recorded release names, and return their number."""
        known, deleted = self.known(), 0
        for stack in STACKS:
            for alias, arn in self.resources(stack, "AWS::Lambda::Alias").items():
                function = arn.split(":")[6]
                kept = {"$LATEST", *(release.get(stack, {}).get(alias) for release in known)}
                pages = self._functions.get_paginator("list_versions_by_function").paginate(FunctionName=function)
                for version in (found["Version"] for page in pages for found in page["Versions"]):
                    deleted += version not in kept and self._delete(function, version)
        return deleted

    def resources(self, stack: str, *types: str) -> dict[str, str]:
        """Return the physical ids of the stack's resources of these types, or of all types, by logical id."""
        pages = self._formation.get_paginator("list_stack_resources").paginate(StackName=f"{self._prefix}-{stack}")
        return {
            found["LogicalResourceId"]: found.get("PhysicalResourceId", "")
            for page in pages for found in page["StackResourceSummaries"]
            if not types or found["ResourceType"] in types
        }  # fmt: skip

    def template(self, stack: str) -> Any:
        return self._formation.get_template(StackName=f"{self._prefix}-{stack}")["TemplateBody"]

    def _values(self, stack: str) -> Iterator[tuple[str, str]]:
        physical = self.resources(stack)
        for name, found in self.template(stack)["Resources"].items():
            if found["Type"] in MOVED:
                match found["Properties"][MOVED[found["Type"]]]:
                    case {"Fn::GetAtt": [version, "Version"]}:
                        yield name, physical[version].rpartition(":")[2]
                    case {"Ref": definition}:
                        yield name, physical[definition]
                    case str(value):  # after `make rollback`
                        yield name, value

    def _delete(self, function: str, version: str) -> bool:
        try:
            self._functions.delete_function(FunctionName=function, Qualifier=version)
        except self._functions.exceptions.ResourceConflictException:
            return False  # the operator moved the alias to it by hand
        return True


def parameter_name(environment: Environment) -> str:
    return f"/{environment.prefix}/releases"


if __name__ == "__main__":
    releases = Releases(ENVIRONMENTS[sys.argv[1]])
    releases.record()
    sys.stdout.write(f"Recorded the release, and deleted {releases.delete_older_versions()} older versions\n")
