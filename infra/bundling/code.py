"""A function's own code: all modules that its handler imports, with the data files beside them."""

import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import grimp

from infra.bundling.archive import ROOT, Archive, archive, digest
from infra.bundling.bytecode import MAGIC, RUNTIME, compile_tree, runtime_python
from infra.functions import LOADED_BY_NAME

MAX_BYTES = 1_350_000  # maximum size of a function's own code; `rest-jobs` has 1.31 MB, with its bytecode
MANIFEST = "manifest.json"
DEPLOYED_AT = "/var/task"
_OWN = ("shared", "functions", "workers")
_NO_DATA = {".py", ".pyc", ".md"}


class BundleTooLarge(Exception):
    """A bundle is larger than its limit. The message names the bundle and both sizes."""


def function_bundle(handler: str) -> Archive:
    """Return the archive of a handler (`functions.jobs.handler:handler`). Raise BundleTooLarge above MAX_BYTES."""
    entry = handler.partition(":")[0]
    files = sorted(_files(handler))
    manifest = {"handler": handler, "python": RUNTIME, "bytecode": runtime_python() is not None}
    note = json.dumps(manifest, indent=1).encode()
    key = digest(MAGIC, note, *(part for file in files for part in (bytes(file.relative_to(ROOT)), file.read_bytes())))

    def fill(folder: Path) -> bool:
        for file in files:
            target = folder / file.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
        (folder / MANIFEST).write_bytes(note)
        return compile_tree(folder, deployed_at=DEPLOYED_AT)

    made = archive("functions", entry, key, fill)
    if made.bytes > MAX_BYTES:
        raise BundleTooLarge(f"{entry}: own code has {made.bytes} bytes; the maximum is {MAX_BYTES}")
    return made


def third_party(handler: str) -> frozenset[str]:
    """Return the top-level names of all other imports of the handler's code, the standard library included."""
    found = _modules(handler)
    return frozenset(module for module in found if module.partition(".")[0] not in _OWN)


def _modules(handler: str) -> set[str]:
    """Return the handler's module, the modules that it loads by name, and all their direct and indirect imports."""
    entries = {handler.partition(":")[0], *LOADED_BY_NAME.get(handler, ())}
    return entries.union(*map(_imports, entries))


def _files(handler: str) -> Iterator[Path]:
    """Yield the sources of the modules, the `__init__.py` of their packages, and the data files beside them."""
    own = {module for module in _modules(handler) if module.partition(".")[0] in _OWN}
    packages = {module.rpartition(".")[0] for module in own} | {"functions", "shared"}
    packages |= {package.rpartition(".")[0] for package in packages}
    packages -= {""}  # of a module that is a top-level package
    for package in packages:
        yield ROOT.joinpath(*package.split("."), "__init__.py")
    for module in own - packages:
        path = ROOT.joinpath(*module.split("."))
        yield path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for folder in {ROOT.joinpath(*module.split(".")).parent for module in own - packages}:
        yield from (path for path in folder.iterdir() if path.is_file() and path.suffix not in _NO_DATA)


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph(*_OWN, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None)


@cache
def _imports(entry: str) -> frozenset[str]:
    return frozenset(_graph().find_upstream_modules(entry))
