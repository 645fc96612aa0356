"""What Lambda is given: our code in bytecode that its runtime reads, layers, and bounded sizes."""

import json
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from infra.bundling.bytecode import MAGIC, RUNTIME
from infra.environments import ENVIRONMENTS
from infra.functions import REMOTE_ENGINES
from shared.stages.engines import ENGINES, Runs
from tools.template import Assembly, Resource

FUNCTION_BYTES = 1_000_000
WITH_LAYERS_BYTES = 100_000_000
WAITED_FOR_BY_PEOPLE = ("rest-", "authorizer")


@cache
def unpacked_bytes(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


@cache
def versions_of_bytecode(path: Path) -> frozenset[bytes]:
    """What the archive's compiled files begin with."""
    with zipfile.ZipFile(path) as archive:
        return frozenset(archive.open(file).read(len(MAGIC)) for file in archive.namelist() if file.endswith(".pyc"))


@cache
def names(path: Path) -> frozenset[str]:
    with zipfile.ZipFile(path) as archive:
        return frozenset(archive.namelist())


def code(function: Resource, cloud: Assembly) -> Path:
    return cloud.asset(function["Code"]["S3Key"])


def layers(function: Resource, cloud: Assembly) -> list[Path]:
    known = {f"{{{layer.id}}}": layer for layer in cloud.resources("AWS::Lambda::LayerVersion")}
    return [cloud.asset(known[reference]["Content"]["S3Key"]) for reference in function["Layers"]]


def test_functions_run_on_graviton_with_traces_and_json_logs(cloud: Assembly) -> None:
    for name, function in cloud.functions().items():
        assert function["Runtime"] == f"python{RUNTIME}", name
        assert function["Architectures"] == ["arm64"], name
        assert function["TracingConfig"] == {"Mode": "Active"}, name
        assert function["LoggingConfig"]["LogFormat"] == "JSON", name


def test_functions_and_their_layers_are_small(cloud: Assembly) -> None:
    for name, function in cloud.functions().items():
        own = unpacked_bytes(code(function, cloud))
        assert own < FUNCTION_BYTES, name
        assert own + sum(unpacked_bytes(layer) for layer in layers(function, cloud)) < WITH_LAYERS_BYTES, name


def test_a_function_has_the_layer_of_its_dependencies(cloud: Assembly) -> None:
    assert all(function["Layers"] for function in cloud.functions().values())


def test_every_source_has_bytecode_that_the_runtime_reads_unless_the_manifest_says_sources_only(
    cloud: Assembly,
) -> None:
    for name, function in cloud.functions().items():
        with zipfile.ZipFile(code(function, cloud)) as archive:
            files = set(archive.namelist())
            manifest = json.loads(archive.read("manifest.json"))
            assert manifest["python"] == RUNTIME, name
            compiled = {file for file in files if file.endswith(".pyc")}
            sources = {file for file in files if file.endswith(".py")}
            assert bool(compiled) is manifest["bytecode"], name
            assert len(compiled) == (len(sources) if manifest["bytecode"] else 0), name
            for file in compiled:
                assert archive.open(file).read(len(MAGIC)) == MAGIC, (name, file)


def test_layers_have_bytecode_that_the_runtime_reads_too(cloud: Assembly) -> None:
    """Most of what a start loads is in them."""
    for name, function in cloud.functions().items():
        with zipfile.ZipFile(code(function, cloud)) as archive:
            has_bytecode = json.loads(archive.read("manifest.json"))["bytecode"]
        for layer in layers(function, cloud):
            assert bool(versions_of_bytecode(layer)) is has_bytecode, (name, layer)
            assert versions_of_bytecode(layer) <= {MAGIC}, (name, layer)


def test_a_bundle_holds_the_handler_that_the_function_names(cloud: Assembly) -> None:
    for name, function in cloud.functions().items():
        module = function["Handler"].rpartition(".")[0]
        with zipfile.ZipFile(code(function, cloud)) as archive:
            assert f"{module.replace('.', '/')}.py" in archive.namelist(), name
            foreign = (
                ("tests/", "local/")
                if name in {row.name for row in REMOTE_ENGINES}
                else ("tests/", "local/", "workers/")
            )
            assert not [file for file in archive.namelist() if file.startswith(foreign)], name


def test_the_bundle_of_remote_engines_holds_what_it_loads_by_name_and_no_pixels(cloud: Assembly) -> None:
    [row] = REMOTE_ENGINES
    name = row.name
    with zipfile.ZipFile(code(cloud.functions()[name], cloud)) as archive:
        files = set(archive.namelist())
    remote = [entry for entry in ENGINES if entry.runs is Runs.REMOTE]
    assert remote
    for entry in remote:
        assert f"{entry.code.partition(':')[0].replace('.', '/')}.py" in files
    assert not [file for file in files if file.startswith("workers/media/")]
    held: set[str] = set()
    for layer in layers(cloud.functions()[name], cloud):
        with zipfile.ZipFile(layer) as archive:
            held |= {entry.split("/")[1] for entry in archive.namelist()}
    assert "httpx" in held
    assert not held & {"numpy", "cv2", "av"}


def test_functions_can_report_errors_exactly_where_the_environment_says_to_whom(cloud: Assembly) -> None:
    """Without the layer a function with a DSN would not start; without a DSN nobody pays for the layer's megabytes."""
    for name, function in cloud.functions().items():
        told = "KINORA_SENTRY_DSN" in function["Environment"]["Variables"]
        held = [layer for layer in layers(function, cloud) if "python/sentry_sdk/__init__.py" in names(layer)]
        assert len(held) == told == (cloud.name == "elsewhere"), name


def test_a_dsn_that_no_function_could_start_with_is_refused() -> None:
    with pytest.raises(ValueError, match="sentry_dsn"):
        replace(ENVIRONMENTS["dev"], sentry_dsn="errors.example.com")


def test_prod_starts_from_snapshots_what_people_wait_for(prod: Assembly) -> None:
    for name, function in prod.functions().items():
        snapshot = function.properties.get("SnapStart", {}).get("ApplyOn") == "PublishedVersions"
        assert snapshot is name.startswith(WAITED_FOR_BY_PEOPLE), name
    aliases = prod.resources("AWS::Lambda::Alias")  # a snapshot is of a version, which an alias names
    assert len(aliases) == sum(name.startswith(WAITED_FOR_BY_PEOPLE) for name in prod.functions())


def test_dev_costs_nothing_for_snapshots(cloud: Assembly) -> None:
    if cloud.name == "dev":
        assert not [f for f in cloud.functions().values() if "SnapStart" in f.properties]
