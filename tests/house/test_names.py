"""One name means one thing in the whole tree."""

import ast
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The client is a product of its own: its classes have the names that the API contract and its errors give them.
CHECKED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
CHECKED.remove("clients")


def test_every_class_name_is_unique() -> None:
    homes = defaultdict(list)
    for path in (path for package in CHECKED for path in sorted((ROOT / package).rglob("*.py"))):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(f"{path.relative_to(ROOT)}:{node.lineno}")
    repeated = [f"{name}: {', '.join(places)}" for name, places in sorted(homes.items()) if len(places) > 1]
    if repeated:
        pytest.fail("\n".join(repeated), pytrace=False)
