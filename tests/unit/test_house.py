"""The house rules that no linter knows."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ("shared", "functions", "workers", "infra", "local", "bench")
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
