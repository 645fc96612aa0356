"""The repository's rules that no linter checks."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("shared", "functions", "workers", "infra", "clients", "local", "tools", "bench")
MODULES = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
UNSPECIFIC_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}


def test_every_module_has_a_specific_name() -> None:
    assert [path for path in MODULES if path.stem in UNSPECIFIC_NAMES] == []


def test_packages_run_no_code_when_they_are_imported() -> None:
    published = ROOT / "clients/python/kinora/__init__.py"  # `import kinora` has the names of the package
    assert [path for path in MODULES if path.name == "__init__.py" and path.read_text() and path != published] == []


@pytest.mark.parametrize("folder", ["shared", "functions"])
def test_no_module_is_longer_than_600_lines(folder: str) -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert {path: length for path, length in lengths.items() if length > 600} == {}


def test_every_module_has_a_docstring() -> None:
    missing = [path for path in MODULES if path.name != "__init__.py" and not path.read_text().startswith('"""')]
    assert missing == []


def test_every_suppressed_check_has_a_reason() -> None:
    """A comment with the reason follows `# noqa: X` and `# type: ignore[x]`."""
    suppressed = re.compile(r"# (noqa|type: ignore)(?!.*  # \w)")
    tests = [path for path in (ROOT / "tests").rglob("*.py") if path != Path(__file__)]
    unexplained = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (*MODULES, *tests)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if suppressed.search(line)
    ]
    assert unexplained == []
