"""The house rules that no linter knows."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ("shared", "functions", "workers", "infra", "local", "tools", "bench")
MODULES = [path for folder in HOUSE for path in (ROOT / folder).rglob("*.py")]
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc"}


def test_every_module_has_a_name_that_says_something() -> None:
    assert [path for path in MODULES if path.stem in SAYS_NOTHING] == []


def test_packages_run_no_code_when_they_are_imported() -> None:
    assert [path for path in MODULES if path.name == "__init__.py" and path.read_text()] == []


@pytest.mark.parametrize("folder", ["shared", "functions"])
def test_no_module_is_too_long_to_read(folder: str) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > 600} == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in MODULES if path.name != "__init__.py" and not path.read_text().startswith('"""')]
    assert silent == []


def test_every_check_that_is_switched_off_says_why() -> None:
    """`# noqa: X` and `# type: ignore[x]` are followed by a comment of their own."""
    switched_off = re.compile(r"# (noqa|type: ignore)(?!.*  # \w)")
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    silent = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (*MODULES, *tests)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if switched_off.search(line)
    ]
    assert silent == []
