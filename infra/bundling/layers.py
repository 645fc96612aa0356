"""Third-party packages as Lambda layers. uv builds them from the lock for the runtime's platform, without Docker."""

import gzip
import json
import re
import shutil
import subprocess
import tomllib
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import uv

from infra.bundling.archive import ROOT, Archive, archive, digest
from infra.bundling.bytecode import MAGIC, RUNTIME, compile_tree, runtime_python
from infra.bundling.code import BundleTooLarge, function_bundle, third_party

MAX_BYTES = 100_000_000  # maximum size of a function with all its layers
PLATFORM = "aarch64-manylinux_2_28"  # Amazon Linux 2023 on Graviton
DEPLOYED_AT = "/opt"
LAYERS_FILE = ROOT / "layers" / "layers.toml"


@cache
def _described() -> dict[str, Any]:
    return tomllib.loads(LAYERS_FILE.read_text())


@cache
def layer_bundle(name: str) -> Archive:
    """Return the layer's archive, which Lambda unpacks into /opt."""
    requirements = "\n".join(_requirements(name)).encode()
    compiled = b"bytecode" if runtime_python() else b"sources"
    key = digest(MAGIC, compiled, requirements, LAYERS_FILE.read_bytes(), Path(__file__).read_bytes())

    def fill(folder: Path) -> bool:
        packages = folder / "python"
        _install(requirements, folder / "requirements.txt", packages)
        _prune(packages)
        return compile_tree(folder, deployed_at=DEPLOYED_AT)

    return archive("layers", name, key, fill)


def layers_of(handler: str, *, besides: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the layers that contain the imports of the handler's code, and those `besides`. Raise BundleTooLarge."""
    imported, always = third_party(handler), {"base", *besides}
    names = tuple(
        name
        for name, layer in _described()["layers"].items()
        if name in always or (not layer.get("only_if_requested") and imported & _provides(name))
    )
    whole = function_bundle(handler).bytes + sum(layer_bundle(name).bytes for name in names)
    if whole > MAX_BYTES:
        raise BundleTooLarge(f"{handler}: {whole} bytes with its layers; the maximum is {MAX_BYTES}")
    return names


@cache
def _provides(name: str) -> frozenset[str]:
    """Return the names that code can import from the layer, read from its archive."""
    with zipfile.ZipFile(layer_bundle(name).path) as bundle:
        tops = {entry.split("/")[1] for entry in bundle.namelist() if entry.startswith("python/")}
    return frozenset(top.partition(".")[0] for top in tops)


def _requirements(name: str) -> list[str]:
    """Return the pinned and hashed requirements of the layer, without those of the base layer."""
    all_requirements = _exported(*_described()["layers"][name]["groups"])
    base = frozenset(_exported())
    return [line for line in all_requirements if name == "base" or line not in base]


@cache
def _exported(*groups: str) -> tuple[str, ...]:
    chosen = [argument for group in groups for argument in ("--group", group)]
    command = [
        uv.find_uv_bin(), "export", "--frozen", "--quiet", "--no-default-groups", "--no-emit-project", "--no-header",
        "--no-annotate", *chosen,
    ]  # fmt: skip
    text = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout  # noqa: S603  # uv
    return tuple(re.sub(r"\\\n\s*", "", text).splitlines())


def _install(requirements: bytes, file: Path, target: Path) -> None:
    file.write_bytes(requirements)
    command: list[str | Path] = [
        uv.find_uv_bin(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:",
        "--python-platform", PLATFORM, "--python-version", RUNTIME, "--link-mode", "copy", "--target", target,
        "--requirement", file,
    ]  # fmt: skip
    subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603  # our own arguments
    file.unlink()


def _without_documentation(docs: Path) -> None:
    """Let a client be made without the code that writes its documentation, whose import takes 14 ms."""
    for name in ("__init__.py", "docstring.py"):
        text, removed = re.subn(
            r"^from botocore\.docs\.\S+ import \w+$", "", (docs / name).read_text(), flags=re.MULTILINE
        )
        if not removed:
            raise ValueError(f"botocore/docs/{name} has another form than before")
        (docs / name).write_text(text)


def _slim(data: Path) -> None:
    """Shorten what botocore reads whenever a process makes its first clients: 5 to 20 ms for each file.

    Its models lose their documentation and compression. The table of endpoints keeps the services of the models.
    """
    prefixes = set[str]()
    for file in [*data.glob("*/*/*.json"), *data.glob("*/*/*.json.gz")]:
        model = json.loads(gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes())
        file.unlink()
        plain = file.with_name(file.name.removesuffix(".gz"))
        _write(plain, _undocumented(model))
        if plain.name == "service-2.json":
            prefixes.add(model["metadata"]["endpointPrefix"])
    if not prefixes:  # another layer than the base
        return
    table = json.loads((data / "endpoints.json").read_bytes())
    for partition in table["partitions"]:
        partition["services"] = {name: one for name, one in partition["services"].items() if name in prefixes}
    _write(data / "endpoints.json", table)


def _undocumented(model: Any) -> Any:
    """Return the model with empty documentation. A member of a shape can have this name too, and is no text."""
    if isinstance(model, dict):
        empty = {"documentation": ""} if isinstance(model.get("documentation"), str) else {}
        return {name: _undocumented(value) for name, value in model.items()} | empty
    return [_undocumented(value) for value in model] if isinstance(model, list) else model


def _write(file: Path, content: object) -> None:
    file.write_text(json.dumps(content, separators=(",", ":"), ensure_ascii=False))


def _prune(packages: Path) -> None:
    """Remove files that no import reads: models of unused services, examples, stubs, programs."""
    for path in (packages / "bin", packages / "boto3" / "examples", packages / "boto3" / "data"):
        shutil.rmtree(path, ignore_errors=True)
    services = {*_described()["botocore"]["services"]}
    for folder in (packages / "botocore" / "data").glob("*/"):
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    _slim(packages / "botocore" / "data")
    if (packages / "botocore" / "docs").is_dir():
        _without_documentation(packages / "botocore" / "docs")
    for pattern in ("*.pyi", "examples-1.json", ".lock"):
        for file in packages.rglob(pattern):
            file.unlink()
