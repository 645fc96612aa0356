"""`python -m tools.image_size`: the compressed size of the image `cpu-media` in MB, from the lock, without Docker.

A registry compresses layers with the algorithm that compresses wheels. So the sum of the wheels is the size of the
layer with the packages. The bytecode is counted as a share of it, and weights hardly become smaller.
"""

import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

from local.environment import ROOT
from tools.models import FOLDER, install

PYTHON = (3, 13)  # of the Dockerfile
BASE_MB = 45.0  # python:3.13-slim-trixie for arm64, as Docker Hub lists it
BYTECODE = 0.1  # share of the packages
PRUNED = {"botocore": 0.15}  # the share that the Dockerfile leaves of a package
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(41, 16, -1)] + ["manylinux2014_aarch64", "linux_aarch64"]
TARGET = {
    "python_version": "3.13", "python_full_version": "3.13.9", "sys_platform": "linux", "platform_system": "Linux",
    "platform_machine": "aarch64", "implementation_name": "cpython", "platform_python_implementation": "CPython",
    "os_name": "posix", "extra": "",
}  # fmt: skip


def packages() -> dict[str, float]:
    """Return the compressed size of each package of the image in MB."""
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "export", "--quiet", "--frozen", "--no-default-groups", "--group", "worker", "--no-hashes"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()  # noqa: S603  # our own arguments
    needed = [Requirement(line) for line in lines if line and not line.startswith((" ", "#", "-"))]
    pinned = {
        one.name: str(one.specifier).lstrip("=") for one in needed if not one.marker or one.marker.evaluate(TARGET)
    }
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    ranks = {tag: rank for rank, tag in enumerate(_tags())}
    return {
        one["name"]: PRUNED.get(one["name"], 1) * _wheel_bytes(one, ranks) / 1e6
        for one in locked
        if pinned.get(one["name"]) == one.get("version")
    }


def _tags() -> Iterator[Tag]:
    yield from cpython_tags(PYTHON, platforms=PLATFORMS)
    yield from compatible_tags(PYTHON, platforms=PLATFORMS)


def _wheel_bytes(package: Mapping[str, object], ranks: Mapping[Tag, int]) -> int:
    """Return the size of the wheel that an installation takes."""
    fitting: list[tuple[int, int]] = []
    for wheel in package["wheels"]:  # type: ignore[attr-defined]  # a list of tables
        tags = parse_wheel_filename(wheel["url"].rpartition("/")[2])[3]
        fitting += [(ranks[tag], int(wheel["size"])) for tag in tags if tag in ranks]
    return min(fitting)[1]


def main() -> None:
    sizes = packages()
    weights = sum(file.stat().st_size for file in install(FOLDER)) / 1e6
    code = sum(file.stat().st_size for folder in ("shared", "workers") for file in (ROOT / folder).rglob("*.py")) / 4e6
    parts = {"base": BASE_MB, "packages": sum(sizes.values()), "their bytecode": BYTECODE * sum(sizes.values())}
    parts |= {"weights": weights, "code": code}
    for name, size in sorted(sizes.items(), key=lambda entry: -entry[1])[:12]:
        print(f"  {name}: {size:.1f} MB")
    for name, size in parts.items():
        print(f"{name}: {size:.1f} MB")
    print(f"image: {sum(parts.values()):.0f} MB")


if __name__ == "__main__":
    main()
