"""Switches: an environment that is deployed accepts another value of each of its fields.

CloudFormation updates the stacks one after another, so a stack meets stacks of before and of after the change.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER

from infra.environments import EDGE_REGION
from tests.support.switches import APPS, NAME, SWITCHES
from tools.template import Assembly, Resource, run_app

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
            return f"{resource.type} {value}"
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


def test_no_switch_replaces_a_resource_with_a_fixed_name(change: tuple[Assembly, Assembly]) -> None:
    """CloudFormation refuses the update, because the new resource cannot have the name of the old one."""
    names = {name_of(resource) for resource in change[0].resources()}
    assert [str(one) for one in replaced(*change) if name_of(one) in names - {None}] == []


def test_no_switch_replaces_a_resource_that_another_stack_refers_to(change: tuple[Assembly, Assembly]) -> None:
    """The other stack would keep the value of the old resource until its own template changes."""
    for resource in replaced(*change):
        outputs = change[1].stacks[resource.stack].get("Outputs", {})
        assert f"'{resource.id}'" not in str([output["Value"] for output in outputs.values()]), resource


def test_no_switch_changes_the_type_of_a_resource(change: tuple[Assembly, Assembly]) -> None:
    after = by_id(change[1])
    changed = [str(old) for key, old in by_id(change[0]).items() if key in after and after[key].type != old.type]
    assert changed == []


def test_no_switch_creates_a_name_that_is_taken(change: tuple[Assembly, Assembly]) -> None:
    """A resource that moves to another id or stack is created before the old one is deleted."""
    taken = {name_of(old): key for key, old in by_id(change[0]).items() if name_of(old)}
    created = {name_of(new): key for key, new in by_id(change[1]).items() if name_of(new)}
    assert {name: key for name, key in created.items() if taken.get(name, key) != key} == {}


def test_no_switch_leaves_a_name_behind_that_the_way_back_needs(change: tuple[Assembly, Assembly]) -> None:
    """A retained resource occupies its name, so its stack cannot create it again when the switch is set back."""
    after = by_id(change[1])
    left = [
        str(old) for key, old in by_id(change[0]).items()
        if key not in after and name_of(old) and old.raw.get("DeletionPolicy") in KEPT
    ]  # fmt: skip
    assert left == []
