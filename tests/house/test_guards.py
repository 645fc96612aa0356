"""Each edit of `guards.toml` applies to the tree and names existing tests, so the list cannot become outdated."""

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from shutil import copy2

import pytest

from tests.house.guards import GUARDS, RemovedGuard
from tests.house.trials import ROOT

ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()


@cache
def functions_of(file: str) -> set[str]:
    return {node.name for node in ast.walk(ast.parse((ROOT / file).read_text())) if isinstance(node, ast.FunctionDef)}


def remove(guard: RemovedGuard, folder: Path) -> None:
    """Copy the files of the guard into the folder, and remove the guard there."""
    for path in {removal.path for removal in guard.removals}:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        copy2(ROOT / path, folder / path)
    for removal in guard.removals:
        removal.apply(folder)


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_the_removal_of_a_guard_applies(guard: RemovedGuard, tmp_path: Path) -> None:
    remove(guard, tmp_path)
    for test in guard.tests:
        file, _, name = test.partition("::")
        assert name in functions_of(file), f"{file} has no test {name}"
    assert f"\n| {guard.invariant} |" in ARCHITECTURE


def test_no_removal_leaves_an_undefined_name(tmp_path: Path) -> None:
    """A NameError fails every test, so it proves nothing."""
    for number, guard in enumerate(GUARDS):
        remove(guard, tmp_path / str(number))
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", str(tmp_path)]
    found = subprocess.run(ruff, capture_output=True, text=True, check=False)  # noqa: S603  # a tool of this project
    assert found.returncode == 0, found.stdout


def test_an_outdated_removal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def check() -> None:\n    refuse()\n    refuse()\n")
    row = {"name": "", "invariant": "", "tests": [], "new": "pass"}
    for at, old in (("module.py:check", "refuse()"), ("module.py:other", "refuse"), ("module.py", "accept()")):
        [removal] = RemovedGuard.model_validate(row | {"at": at, "old": old}).removals
        with pytest.raises(LookupError):
            removal.apply(tmp_path)


def test_every_guard_has_its_own_name() -> None:
    assert [name for name, count in Counter(guard.name for guard in GUARDS).items() if count > 1] == []
