"""Switches: an environment that is deployed accepts another value of each of its fields.

CloudFormation updates the stacks one after another, so a stack meets stacks of before and of after the change.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # it ships no types

from infra.environments import EDGE_REGION
from tests.support.switches import APPS, NAME, SWITCHES
from tools.template import Assembly, Resource, run_app

pytestmark = pytest.mark.slow  # it synthesizes two more apps

ORDER = ("data", "pipeline", "workers", "api", "web", "observability", "delivery")  # of `make deploy`
KEPT = {"Retain", "RetainExceptOnCreate"}


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Assembly]:
    """The environment before and after all switches change."""
    folders = {state: tmp_path_factory.mktemp(state) for state in APPS}
    for state, folder in folders.items():
        run_app("-c", f"env={state}", "-o", str(folder), module="tests.support.switches")
    return {state: Assembly(NAME, folder) for state, folder in folders.items()}


@pytest.fixture(params=[("before", "after"), ("after", "before")], ids=["on", "off"])
def change(request: pytest.FixtureRequest, states: dict[str, Assembly]) -> tuple[Assembly, Assembly]:
    """The deployed environment, and the one that `make deploy` makes of it."""
    deployed, wanted = request.param
    return states[deployed], states[wanted]


def schema(type: str) -> dict[str, Any]:  # the name in CloudFormation
    return dict(PROVIDER_SCHEMA_MANAGER.get_resource_schema(EDGE_REGION, type).schema)


def fixed_properties(type: str) -> set[str]:
    """Return the top-level properties whose change makes CloudFormation replace the resource."""
    paths = [path.split("/")[2:] for path in schema(type).get("createOnlyProperties", ())]
    return {path[0] for path in paths if len(path) == 1}


def name_of(resource: Resource) -> str | None:
    """Return the fixed name of the resource with its type. Two resources cannot have it at the same time."""
    if resource.type.startswith("Custom::"):
        return None
    for name in (f"{resource.type.rpartition(':')[2]}Name", "Name"):
        value = resource.properties.get(name)
        if name in fixed_properties(resource.type) and isinstance(value, str):
            return f"{resource.type} {resource.properties.get('FunctionName', '')} {value}"  # of an alias of a function
    return None


def by_id(cloud: Assembly) -> dict[tuple[str, str], Resource]:
    return {(resource.stack, resource.id): resource for resource in cloud.resources()}


def replaced(deployed: Assembly, wanted: Assembly) -> Iterator[Resource]:
    """Yield the resources that CloudFormation replaces: it creates the new one first and then deletes the old one."""
    after = by_id(wanted)
    for key, old in by_id(deployed).items():
        if key in after and not old.type.startswith("Custom::"):
            given, needed = old.properties, after[key].properties
            if any(given.get(name) != needed.get(name) for name in fixed_properties(old.type)):
                yield after[key]


def references(value: Any) -> Iterator[dict[str, str]]:
    """Yield the references to outputs of other stacks."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "Fn::GetStackOutput":
                yield inner
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_no_stack_exports_a_value(cloud: Assembly) -> None:
    """CloudFormation refuses to remove or change an export while another stack imports it."""
    for name, template in cloud.stacks.items():
        assert [key for key, output in template.get("Outputs", {}).items() if "Export" in output] == [], name


def test_a_reference_reads_an_output_of_an_earlier_stack(cloud: Assembly) -> None:
    """The outputs of an earlier stack are new when CloudFormation reads them."""
    found = 0
    for name, template in cloud.stacks.items():
        for reference in references(template["Resources"]):
            producer = reference["StackName"].removeprefix(f"{cloud.prefix}-")
            assert ORDER.index(producer) < ORDER.index(name), (name, reference)
            assert reference["OutputName"] in cloud.stacks[producer]["Outputs"], (name, reference)
            found += 1
    assert found > 100


def test_each_switch_changes_the_template(states: dict[str, Assembly]) -> None:
    before, after = (APPS[state][0] for state in ("before", "after"))
    assert [name for name in SWITCHES if getattr(before, name) == getattr(after, name)] == []
    assert states["before"].stacks != states["after"].stacks


def test_without_a_repository_no_workflow_may_deploy(states: dict[str, Assembly]) -> None:
    assert "token.actions.githubusercontent.com" in str(states["after"].stacks)
    assert "token.actions.githubusercontent.com" not in str(states["before"].stacks)
    assert set(states["after"].stacks) - set(states["before"].stacks) == {"delivery"}


def refused(deployed: Assembly, wanted: Assembly) -> Iterator[str]:
    """Yield what fails if the stacks of `deployed` are updated to those of `wanted`, or later set back."""
    before, after = by_id(deployed), by_id(wanted)
    taken = {name: key for key, old in before.items() if (name := name_of(old))}
    for new in replaced(deployed, wanted):
        if name_of(new) in taken:  # CloudFormation creates the new one first
            yield f"{new} is replaced and has a fixed name"
        outputs = wanted.stacks[new.stack].get("Outputs", {}).values()
        if f"'{new.id}'" in str([output["Value"] for output in outputs]):  # the readers keep the old value
            yield f"{new} is replaced and other stacks refer to it"
    for key, new in after.items():
        if key in before and before[key].type != new.type:
            yield f"{new} has another type"
        if (name := name_of(new)) and taken.get(name, key) != key:  # it is created before the old one is deleted
            yield f"{new} has the name of another resource"
    for key, old in before.items():
        if key not in after and name_of(old) and old.raw.get("DeletionPolicy") in KEPT:  # it occupies its name
            yield f"{old} is retained, and the way back cannot create it"


def test_cloudformation_accepts_the_change_of_all_switches(change: tuple[Assembly, Assembly]) -> None:
    assert list(refused(*change)) == []


Resources = dict[str, dict[str, Any]]


def move_service(resources: Resources) -> None:
    only(resources, "AWS::ECS::Service")["Properties"]["Cluster"] = "another"


def retype_service(resources: Resources) -> None:
    only(resources, "AWS::ECS::Service")["Type"] = "AWS::ECS::TaskSet"


def add_group(resources: Resources) -> None:
    group = only(resources, "AWS::Logs::LogGroup")
    resources["Another"] = group | {"Properties": group["Properties"] | {"LogGroupName": "another"}}


def repeat_group(resources: Resources) -> None:
    resources["Another"] = only(resources, "AWS::Logs::LogGroup")


def only(resources: Resources, type: str) -> dict[str, Any]:  # the name in CloudFormation
    return next(found for found in resources.values() if found["Type"] == type)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (move_service, "is replaced and has a fixed name"),
        (move_service, "is replaced and other stacks refer to it"),
        (retype_service, "has another type"),
        (repeat_group, "has the name of another resource"),
        (add_group, "is retained, and the way back cannot create it"),
    ],
)
def test_each_fault_is_found(
    states: dict[str, Assembly], tmp_path: Path, fault: Callable[[Resources], None], said: str
) -> None:
    faulty = Assembly(NAME, tmp_path)
    for name, template in states["before"].stacks.items():
        changed = json.loads(json.dumps(template))
        if name == "workers":
            fault(changed["Resources"])
        (tmp_path / f"{faulty.prefix}-{name}.template.json").write_text(json.dumps(changed))
    found = [*refused(states["before"], faulty), *refused(faulty, states["before"])]
    assert said in " ".join(found)
