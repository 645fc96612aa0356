"""Compile bundles with the runtime's Python version. Python silently ignores bytecode of any other version."""

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

RUNTIME = "3.13"
MAGIC = (3571).to_bytes(2, "little") + b"\r\n"  # the first bytes of every .pyc of CPython 3.13
MARKER = "KINORA_RUNTIME_PYTHON"  # variable with the path of an interpreter that is not in a usual folder


class WrongBytecode(Exception):
    """The compiler wrote bytecode of another Python version."""


@cache
def runtime_python() -> Path | None:
    """Return an interpreter of the runtime's version, or None if none is found on this machine."""
    return next((python for python in _candidates() if _magic(python) == MAGIC), None)


def compile_tree(folder: Path, *, deployed_at: str) -> bool:
    """Write bytecode beside every source below `folder`, which Lambda unpacks at `deployed_at`.

    Return False and write nothing if no interpreter of the runtime's version is found. Python never checks this
    bytecode against its source, because neither changes after deployment, so the same sources give the same bytes.
    Raise WrongBytecode if a file has another version.
    """
    python = runtime_python()
    if python is None:
        return False
    command: list[str | Path] = [
        python, "-I", "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash",
        "-s", folder, "-p", deployed_at, folder,
    ]  # fmt: skip
    subprocess.run(command, check=True)  # noqa: S603  # our own arguments
    for compiled in folder.rglob("*.pyc"):
        with compiled.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise WrongBytecode(f"{compiled} is not bytecode of Python {RUNTIME}")
    return True


def _candidates() -> Iterator[Path]:
    if named := os.environ.get(MARKER):
        yield Path(named)
    for folder in os.get_exec_path():
        yield Path(folder, f"python{RUNTIME}")
    yield from sorted(Path.home().glob(f".pyenv/versions/{RUNTIME}.*/bin/python{RUNTIME}"))
    yield from sorted(Path.home().glob(f".local/share/uv/python/cpython-{RUNTIME}*/bin/python{RUNTIME}"))


def _magic(python: Path) -> bytes | None:
    if not python.is_file():
        return None
    code = "import importlib.util, sys; sys.stdout.buffer.write(importlib.util.MAGIC_NUMBER)"
    done = subprocess.run([python, "-I", "-c", code], capture_output=True, check=False)  # noqa: S603  # as above
    return done.stdout if done.returncode == 0 else None
