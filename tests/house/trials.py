"""Trials: a copy of the tree, an edit that breaks a rule, and the guard that must refuse it by name.

Each `Trial` runs twice. With the edit, the guard fails and its output matches `refused`. With the edit and without the
guard's mechanism (`without`), the guard passes. This shows that only the mechanism refuses the edit.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from shutil import copytree, ignore_patterns

ROOT = Path(__file__).parents[2]
LEFT_OUT = ignore_patterns(".*", "build", "node_modules", "gallery", "clip*.mp4")
ENVIRONMENT = {
    "PATH": os.defpath,
    "COLUMNS": "250",  # import-linter wraps its lines
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # pytest starts in 0.3 s, not in 1.5 s
}
CONTRACT = "[[tool.importlinter.contracts]]"

Edit = Callable[[Path], None]  # changes files below the root of a copied tree


# Runs pytest in a tree, in a fork of a process that has imported the large libraries. This saves a second for each run.
SERVER = """
import json, os, sys
import boto3, cryptography.hazmat.primitives.asymmetric.rsa, fastapi, grimp, hypothesis.stateful, mangum, pydantic
import moto.dynamodb.responses, moto.s3.responses, moto.secretsmanager.responses, moto.sqs.responses, moto.sts.responses
import moto.stepfunctions.responses, pynamodb.models, pytest
for line in sys.stdin:
    tree, arguments = json.loads(line)
    child = os.fork()
    if not child:
        os.chdir(tree)
        sys.path[0] = tree
        output = os.open("output", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        code = pytest.main(arguments)
        sys.stdout.flush()
        os._exit(code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@cache
def server() -> subprocess.Popen[str]:
    """Return the running server. It ends when its input closes, at the latest with this process."""
    return subprocess.Popen(  # noqa: S603  # our own program
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """A check of a copied tree that fails when the tree breaks a rule: tests, or the import contracts without tests."""

    nodes: tuple[str, ...] = ()

    def run(self, tree: Path) -> tuple[bool, str]:
        """Return whether the guard passed, and its output with each run of whitespace replaced by one space."""
        passed, output = self._test(tree) if self.nodes else self._check_imports(tree)
        return passed, " ".join(output.split())

    def _test(self, tree: Path) -> tuple[bool, str]:
        slow_too = ["-m", "not storm and not worlds"]
        arguments = ["-q", "-x", "-p", "no:cacheprovider", "-p", "pytest_timeout", *slow_too, *self.nodes]
        talk = server()
        assert talk.stdin
        assert talk.stdout
        print(json.dumps([str(tree), arguments]), file=talk.stdin, flush=True)
        code = talk.stdout.readline().strip()
        return code == "0", (tree / "output").read_text()

    @staticmethod
    def _check_imports(tree: Path) -> tuple[bool, str]:
        done = subprocess.run(  # noqa: S603  # our own program
            [sys.executable, "-c", LINT_IMPORTS, "--no-logo"],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT,
        )
        return done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class Trial:
    """An edit that a guard must refuse.

    `refused` is a pattern of the guard's output. `without` removes the mechanism of the guard.
    """

    name: str
    edits: tuple[Edit, ...]
    guard: Guard
    refused: str
    without: tuple[Edit, ...]


LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
CONTRACTS = Guard()


def one_test(*nodes: str) -> Guard:
    """Return the guard that runs tests, such as `tests/house/test_names.py::test_every_class_name_is_unique`."""
    return Guard(nodes)


def copied(tree: Path) -> Path:
    """Copy the files that the guards read into the new folder `tree` and return it."""
    return copytree(ROOT, tree, ignore=LEFT_OUT)


def write(path: str, text: str = "", *, packages: bool = True) -> Edit:
    """Return an edit that writes a new file. With `packages`, each new folder above it gets an `__init__.py`."""

    def edit(tree: Path) -> None:
        file = tree / path
        new = [folder for folder in file.parents if not folder.exists()]
        file.parent.mkdir(parents=True, exist_ok=True)
        for folder in new if packages else ():
            (folder / "__init__.py").touch()
        file.write_text(text)

    return edit


def append(path: str, text: str) -> Edit:
    """Return an edit that appends a line to a file."""

    def edit(tree: Path) -> None:
        with (tree / path).open("a") as file:
            file.write(f"{text}\n")

    return edit


def replace(path: str, old: str, new: str) -> Edit:
    """Replace a piece of a file. The edit fails if the file does not contain the piece exactly once."""

    def edit(tree: Path) -> None:
        text = (tree / path).read_text()
        assert text.count(old) == 1, f"{path} does not contain {old!r} once"
        (tree / path).write_text(text.replace(old, new))

    return edit


def remove(path: str) -> Edit:
    """Return an edit that deletes a file."""
    return lambda tree: (tree / path).unlink()


def without_contract(name: str) -> Edit:
    """Return an edit that removes an import contract from pyproject.toml."""

    def edit(tree: Path) -> None:
        head, *contracts = (tree / "pyproject.toml").read_text().split(CONTRACT)
        kept = [contract for contract in contracts if f'name = "{name}"' not in contract]
        assert len(kept) == len(contracts) - 1, f"pyproject.toml has no contract {name!r}"
        (tree / "pyproject.toml").write_text(CONTRACT.join([head, *kept]))

    return edit
