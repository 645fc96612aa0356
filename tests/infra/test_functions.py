"""Code of Lambda functions: bytecode for its runtime, layers, and limited sizes."""

import json
import zipfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from infra.bundling.bytecode import MAGIC, RUNTIME
from infra.bundling.code import MAX_BYTES
from infra.environments import ENVIRONMENTS
from infra.functions import FUNCTIONS, REMOTE_ENGINES, STAGE_CALLER, VERIFICATION_CALLER
from shared.stages.engines import ENGINES, Runs
from tools.template import Assembly, Resource

WITH_LAYERS_BYTES = 100_000_000  # maximum unpacked size of a function with its layers


@cache
def unpacked_bytes(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())


@cache
def versions_of_bytecode(path: Path) -> frozenset[bytes]:
    """Return the first bytes (magic numbers) of the archive's compiled files."""
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


def test_a_function_that_sends_to_the_queue_that_it_reads_may_do_so_often(cloud: Assembly) -> None:
    """Otherwise Lambda stops it after 16 messages in a chain: a provider is polled more often, for example."""
    sends = {row.name: {f"{cloud.prefix}-{name}" for name in row.may.sends} for row in FUNCTIONS}
    loops = {
        name
        for source in cloud.resources("AWS::Lambda::EventSourceMapping")
        if str(source["EventSourceArn"]).rpartition(":")[2]
        in sends[name := str(source["FunctionName"]).partition(":")[0].removeprefix(f"{cloud.prefix}-")]
    }
    assert loops >= {"remote-engine", "webhooks-deliver", "realtime-fanout"}
    for name in loops:
        assert cloud.functions()[name]["RecursiveLoop"] == "Allow", name


def test_functions_and_their_layers_are_small(cloud: Assembly) -> None:
    for name, function in cloud.functions().items():
        own = unpacked_bytes(code(function, cloud))
        assert own < MAX_BYTES, name
        assert own + sum(unpacked_bytes(layer) for layer in layers(function, cloud)) < WITH_LAYERS_BYTES, name


def test_a_function_has_the_layer_of_its_dependencies(cloud: Assembly) -> None:
    assert all(function["Layers"] for function in cloud.functions().values())


def test_every_source_has_bytecode_for_the_runtime_unless_the_manifest_lists_sources_only(
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


def test_layers_have_bytecode_for_the_runtime(cloud: Assembly) -> None:
    """Most modules that a cold start loads are in the layers."""
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
            excluded = (
                ("tests/", "local/")
                if name in {row.name for row in (*REMOTE_ENGINES, STAGE_CALLER, VERIFICATION_CALLER)}
                else ("tests/", "local/", "workers/")
            )
            assert not [file for file in archive.namelist() if file.startswith(excluded)], name


def test_the_bundle_of_remote_engines_holds_its_engines_and_no_media_libraries(cloud: Assembly) -> None:
    [row] = REMOTE_ENGINES
    name = row.name
    with zipfile.ZipFile(code(cloud.functions()[name], cloud)) as archive:
        files = set(archive.namelist())
    remote = [entry for entry in ENGINES if entry.runs is Runs.REMOTE]
    assert remote
    for entry in remote:
        assert f"{entry.code.partition(':')[0].replace('.', '/')}.py" in files
    assert not [file for file in files if file.startswith("workers/media/")]
    contained: set[str] = set()
    for layer in layers(cloud.functions()[name], cloud):
        with zipfile.ZipFile(layer) as archive:
            contained |= {entry.split("/")[1] for entry in archive.namelist()}
    assert "httpx" in contained
    assert not contained & {"numpy", "cv2", "av"}


def test_functions_have_the_sentry_layer_if_the_environment_has_a_dsn(cloud: Assembly) -> None:
    """A function with a DSN needs the layer to start. A function without a DSN does not load its megabytes."""
    for name, function in cloud.functions().items():
        has_dsn = "KINORA_SENTRY_DSN" in function["Environment"]["Variables"]
        contained = [layer for layer in layers(function, cloud) if "python/sentry_sdk/__init__.py" in names(layer)]
        assert len(contained) == has_dsn == (cloud.name == "elsewhere"), name


def test_an_invalid_dsn_is_refused() -> None:
    with pytest.raises(ValueError, match="sentry_dsn"):
        replace(ENVIRONMENTS["dev"], sentry_dsn="errors.example.com")


def test_the_functions_that_creators_wait_for_most_start_from_snapshots_in_prod(prod: Assembly) -> None:
    """Each snapshot costs $8 a month (ADR 71)."""
    found = {name for name, function in prod.functions().items() if "SnapStart" in function.properties}
    assert found == {"authorizer", "rest-auth", "rest-projects", "rest-jobs", "rest-assets"}


def test_dev_has_no_snapshots(cloud: Assembly) -> None:
    if cloud.name == "dev":
        assert not [f for f in cloud.functions().values() if "SnapStart" in f.properties]
