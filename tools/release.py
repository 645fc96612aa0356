"""`python -m tools.release`: build the packages of the clients into `build/release`, and check them.

The workflow `release.yml` publishes what this builds. Without the network, `--offline` leaves out the checks of twine.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path

from local.environment import ROOT

BIN = ROOT / ".venv" / "bin"
TWINE = "twine==7.0.0"
CLIENTS = ROOT / "clients"
LEFT_OUT = shutil.ignore_patterns("node_modules", "dist", "__pycache__")


class Unreleasable(Exception):
    """A package that must not be published, and the reason."""


def version(clients: Path) -> str:
    """Return the version of both packages. Raise Unreleasable if one of the places has another."""
    npm = clients / "typescript"
    places = {
        "pyproject.toml": tomllib.loads((clients / "python/pyproject.toml").read_text())["project"]["version"],
        "settings.py": _found(r'__version__ = "(.+)"', clients / "python/kinora/settings.py"),
        "package.json": json.loads((npm / "package.json").read_text())["version"],
        "package-lock.json": json.loads((npm / "package-lock.json").read_text())["version"],
        "http.ts": _found(r'VERSION = "(.+)"', npm / "src/http.ts"),
    }
    if len({*places.values()}) != 1:
        raise Unreleasable(f"The versions differ: {places}.")
    return str(places["package.json"])


def check(names: list[str], needed: set[str], allowed: str) -> None:
    """Raise Unreleasable if a package lacks a file, or has one that does not match the pattern."""
    if missing := needed - {*names}:
        raise Unreleasable(f"The package lacks {sorted(missing)}.")
    if others := [name for name in names if not re.fullmatch(allowed, name)]:
        raise Unreleasable(f"The package has other files: {others}.")


def _found(pattern: str, path: Path) -> str:
    hit = re.search(pattern, path.read_text())
    return hit[1] if hit else "none"


def _run(*command: str | Path, folder: Path) -> None:
    subprocess.run([*map(str, command)], cwd=folder, check=True)  # noqa: S603  # our own arguments


def _staged(name: str, folder: Path) -> Path:
    """Return a copy of a client, with the licence as a file: npm packs no links."""
    return shutil.copytree(CLIENTS / name, folder / "clients" / name, ignore=LEFT_OUT)


def python(folder: Path, *, offline: bool) -> None:
    """Build and check the wheel and the source distribution."""
    built = folder / "pypi"
    _run(BIN / "uv", "build", "--quiet", "--out-dir", built, _staged("python", folder), folder=folder)
    [wheel], [source] = built.glob("*.whl"), built.glob("*.tar.gz")
    info = rf"{wheel.name.rsplit('-', 3)[0]}\.dist-info"
    names = [name for name in zipfile.ZipFile(wheel).namelist() if not name.endswith("/")]
    needed = {"kinora/py.typed", "kinora/__init__.py", f"{info.replace(chr(92), '')}/licenses/LICENSE"}
    check(names, needed, rf"kinora/(\w+\.py|py\.typed)|{info}/.+")
    with tarfile.open(source) as archive:
        files = [one.name.partition("/")[2] for one in archive.getmembers() if one.isfile()]
    needed = {"PKG-INFO", "LICENSE", "README.md", "pyproject.toml"}
    check(files, needed, r"kinora/(\w+\.py|py\.typed)|PKG-INFO|LICENSE|README\.md|pyproject\.toml(\.orig)?")
    if not offline:
        _run(BIN / "uv", "tool", "run", "--quiet", TWINE, "check", "--strict", wheel, source, folder=folder)


def npm(folder: Path) -> None:
    """Build, pack and check the npm package. The build compares its types with the documents."""
    copy, built = _staged("typescript", folder), folder / "npm"
    (folder / "docs").mkdir()
    for name in ("openapi.json", "asyncapi.json"):
        shutil.copy(ROOT / "docs" / name, folder / "docs")
    built.mkdir()
    run = BIN / "npm"
    if repository := os.environ.get("GITHUB_REPOSITORY"):  # npm compares it with the workflow that publishes
        _run(run, "pkg", "set", f"repository.url=git+https://github.com/{repository}.git", folder=copy)
    _run(run, "ci", "--silent", "--no-audit", "--no-fund", folder=copy)
    _run(run, "pack", "--silent", "--pack-destination", built, folder=copy)
    [packed] = built.glob("*.tgz")
    with tarfile.open(packed) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    needed = {"package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"}
    check(names, needed, r"package\.json|README\.md|LICENSE|dist/\w+\.(js|d\.ts)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offline", action="store_true", help="leave out the checks of twine")
    parser.add_argument("--tag", help="the tag of the release: it must be v and the version")
    options = parser.parse_args()
    released = version(CLIENTS)
    if options.tag and options.tag != f"v{released}":
        raise Unreleasable(f"The tag {options.tag} is not v{released}.")
    folder = ROOT / "build" / "release"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    python(folder, offline=options.offline)
    npm(folder)
    for path in sorted([*(folder / "pypi").glob("kinora*"), *(folder / "npm").glob("kinora*")]):
        print(f"{path.stat().st_size:>9,} bytes  {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
