"""Worker images, tested without Docker: their Dockerfiles copy and install only the code that the workers import."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest

from infra.stacks.workers import IN_IMAGES
from local.environment import ROOT
from shared.stages.engines import ENGINES, Family, Runs

IMAGES = ROOT / "workers" / "images"
EXACT = re.compile(r"[\w./-]+:\d+\.\d+\.\d+[\w.-]*(?P<digest>@sha256:[0-9a-f]{64})?")  # a full version
FIRST_USER = 1000  # Minimum uid of a user; lower uids belong to the system.
# Imports every module of the workers. The distributions that are not in the image cannot be imported.
IMPORTS = """
import importlib, json, pkgutil, sys
hidden, elsewhere = (set(json.loads(given)) for given in sys.argv[1:])

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"{name} is not in the image", name=name)

sys.meta_path.insert(0, Absent())
for module in pkgutil.walk_packages(["workers"], "workers."):
    if module.name not in elsewhere:
        importlib.import_module(module.name)
print(*(name for name in sys.modules if name.startswith(("shared.", "workers."))))
"""


@dataclass(frozen=True)
class Dockerfile:
    """The instructions in order, such as `("COPY", ("shared/core", "shared/core"))`. Arguments include the flags."""

    instructions: tuple[tuple[str, tuple[str, ...]], ...]

    def all(self, keyword: str) -> list[tuple[str, ...]]:
        return [arguments for found, arguments in self.instructions if found == keyword]

    @property
    def last_stage(self) -> "Dockerfile":
        last = max(n for n, (keyword, _) in enumerate(self.instructions) if keyword == "FROM")
        return Dockerfile(self.instructions[last:])


def dockerfile(family: Family) -> Dockerfile:
    text = (IMAGES / family / "Dockerfile").read_text()
    lines = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).splitlines()
    return Dockerfile(
        tuple(
            (keyword, tuple(shlex.split(rest))) for keyword, _, rest in (line.partition(" ") for line in lines if line)
        )
    )


def installed(family: Family) -> set[str]:
    """Return the distributions of the dependency groups that the image installs."""
    [sync] = [" ".join(run) for run in dockerfile(family).all("RUN") if "uv" in run and "sync" in run]
    for argument in dockerfile(family).all("ARG"):
        name, _, default = argument[0].partition("=")
        sync = sync.replace(f"${{{name}}}", default)
    assert "--frozen --no-default-groups" in sync
    groups = re.findall(r"--group \S+", sync)
    command = [
        str(ROOT / ".venv" / "bin" / "uv"), "export", "--offline", "--frozen", "--no-default-groups", "--no-hashes",
        "--no-annotate", *" ".join(groups).split(),
    ]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own arguments
    return {line.partition("==")[0] for line in done.stdout.splitlines() if "==" in line}


def copies(family: Family) -> list[tuple[tuple[str, ...], str]]:
    """Return (sources, target) of each copy from the repository into the last stage of the image."""
    found = []
    for arguments in dockerfile(family).last_stage.all("COPY"):
        if not any(argument.startswith("--from") for argument in arguments):
            *sources, target = (argument for argument in arguments if not argument.startswith("--"))
            found.append((tuple(sources), target))
    return found


def unpacked(family: Family, root: Path) -> Path:
    """Copy the image's files of the repository below `root` and return the image's working directory."""
    [[workdir]] = dockerfile(family).last_stage.all("WORKDIR")
    for sources, target in copies(family):
        for source in sources:
            path = root / os.path.normpath(f"{workdir}/{target}" if not target.startswith("/") else target).lstrip("/")
            path = path / Path(source).name if target.endswith("/") else path
            path.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, path, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, path)
    return root / workdir.lstrip("/")


def test_each_family_of_engines_has_its_image() -> None:
    assert {path.parent.name for path in IMAGES.glob("*/Dockerfile")} == set(Family)


@pytest.mark.parametrize("family", Family)
def test_bases_are_pinned(family: Family) -> None:
    image = dockerfile(family)
    stages = {arguments[2] for arguments in image.all("FROM") if len(arguments) == 3}
    taken = {arguments[0] for arguments in image.all("FROM")}
    taken |= {
        argument.removeprefix("--from=")
        for arguments in image.all("COPY") for argument in arguments if argument.startswith("--from=")
    }  # fmt: skip
    assert taken - stages
    bases = {arguments[0] for arguments in image.all("FROM")}
    for source in taken - stages:
        exact = EXACT.fullmatch(source)
        assert exact, source
        assert exact["digest"] or source not in bases, f"{source} is not pinned by digest"


def test_uv_has_one_version() -> None:
    """The lock, `make setup` and the images use the same one."""
    [locked] = re.findall(r'^name = "uv"\nversion = "(.+)"$', (ROOT / "uv.lock").read_text(), re.MULTILINE)
    assert re.findall(r"^UV := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE) == [locked]
    assert "uv==$(UV)" in (ROOT / "Makefile").read_text()
    for family in Family:
        assert ("--from=ghcr.io/astral-sh/uv:" + locked, "/uv", "/usr/local/bin/uv") in dockerfile(family).all("COPY")


@pytest.mark.parametrize("family", Family)
def test_the_image_has_the_descriptions_of_our_services_only(family: Family, tmp_path: Path) -> None:
    """The command of the Dockerfile runs on folders with the names of botocore's."""
    text = (IMAGES / family / "Dockerfile").read_text()
    [folder, command] = re.findall(r"^RUN cd (\S+botocore/data) && (.+)$", text, re.MULTILINE)[0]
    [base] = set(re.findall(r"python:?(\d+\.\d+)", text))
    assert folder == f"/opt/venv/lib/python{base}/site-packages/botocore/data"
    described = Path(find_spec("botocore").submodule_search_locations[0], "data")  # type: ignore[union-attr, index]  # it is installed
    names = {path.name for path in described.iterdir() if path.is_dir()}
    for name in names:
        (tmp_path / name).mkdir()
    (tmp_path / "endpoints.json").touch()
    table = ROOT / "layers" / "layers.toml"
    subprocess.run(["bash", "-ec", command.replace("/build/layers.toml", str(table))], cwd=tmp_path, check=True)  # noqa: S603, S607  # our own Dockerfile
    ours = set(tomllib.loads(table.read_text())["botocore"]["services"])
    assert {path.name for path in tmp_path.iterdir()} == (ours & names) | {"endpoints.json"}
    assert {"dynamodb", "lambda", "s3", "secretsmanager", "sqs", "stepfunctions", "sts", "xray"} <= ours


@pytest.mark.parametrize("family", Family)
def test_a_worker_is_unprivileged_and_has_a_health_check(family: Family) -> None:
    last = dockerfile(family).last_stage
    [[user]] = last.all("USER")
    made = [re.search(rf"useradd --uid (\d+) .*\b{user}\b", " ".join(run)) for run in last.all("RUN")]
    assert next(int(found[1]) for found in made if found) >= FIRST_USER
    keywords = [keyword for keyword, _ in last.instructions]
    # Files that are added after USER would belong to the worker, which could change them.
    assert not {"RUN", "COPY", "ADD"} & set(keywords[keywords.index("USER") :])
    [check] = last.all("HEALTHCHECK")
    assert check[-4:] == ("CMD", "[python,", "-m,", "workers.images.health]")


@pytest.mark.parametrize("family", Family)
def test_an_image_contains_the_imports_of_workers_and_no_more(family: Family, tmp_path: Path) -> None:
    """Import every module of the workers in a process that has only the image's files and packages."""
    present = installed(family)
    hidden = sorted(
        module for module, names in packages_distributions().items()
        if not present & {re.sub(r"[-_.]+", "-", name).lower() for name in names}
    )  # fmt: skip
    assert {"moto", "fastapi", "aws_cdk"} <= set(hidden)
    # The GPU engines import them when they load.
    with_torch = [f"workers.diffusion.{name}" for name in ("enlarger", "runner", "speed")]
    in_lambda = [
        "workers.runtime.lambda_entry", "workers.engines.provider", "workers.engines.runway_tasks",
        "workers.engines.luma_generations",
        *(entry.code.partition(":")[0] for entry in ENGINES if entry.runs is Runs.REMOTE),
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-c", IMPORTS, json.dumps(hidden), json.dumps(in_lambda + with_torch)],
        cwd=unpacked(family, tmp_path), env={"PATH": os.defpath, "AWS_DEFAULT_REGION": "us-east-1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    imported = set(done.stdout.split())
    assert {"workers.runtime.queue_loop", "workers.runtime.sagemaker", "workers.verification.main"} <= imported
    assert {"workers.runtime.isolated", "workers.verification.isolated"} <= imported
    assert not [name for name in imported if re.match(r"shared\.(credits|users|rest|access|credentials)", name)]


def test_the_image_of_functions_has_the_client_of_lambda() -> None:
    """The functions start with `python -m awslambdaric` (tests/infra/test_isolated_functions.py)."""
    assert "awslambdaric" in installed(Family.CPU_MEDIA)


@pytest.mark.parametrize("family", Family)
def test_the_build_inputs_of_an_image_are_the_files_that_it_copies(family: Family) -> None:
    """The CDK passes these files to Docker. A missing file fails the build; an extra file causes needless builds."""
    sources = {
        argument
        for arguments in dockerfile(family).all("COPY")
        if not any(argument.startswith("--from") for argument in arguments)
        for argument in arguments[:-1]
        if not argument.startswith("--")
    }
    assert {source for source in sources if not source.startswith("workers/")} == set(IN_IMAGES)


@pytest.mark.parametrize("family", Family)
def test_an_image_runs_as_sagemaker_runs_it(family: Family, tmp_path: Path) -> None:
    """SageMaker runs `docker run <image> serve`. `serve` is a program on the path that starts the stage's worker."""
    unpacked(family, tmp_path)
    serve = tmp_path / "usr" / "local" / "bin" / "serve"
    assert ("--chmod=755", "workers/images/serve", "/usr/local/bin/serve") in dockerfile(family).last_stage.all("COPY")
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\necho "$@"\n')
    python.chmod(0o755)
    done = subprocess.run(  # noqa: S603  # our own program
        ["/bin/sh", str(serve)], env={"PATH": str(tmp_path), "KINORA_STAGE": "POST_PROCESSING"}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "-m workers.runtime.sagemaker POST_PROCESSING\n"
