"""Bundles for Lambda: the function's own code in bytecode for the runtime, and its layers."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.loaders import Loader
from botocore.session import Session as BotocoreSession

from infra.bundling import archive, bytecode, code, layers
from infra.bundling.archive import Archive
from infra.bundling.code import BundleTooLarge, function_bundle
from infra.bundling.layers import layer_bundle, layers_of
from infra.functions import AUTHORIZER

JOBS = "functions.jobs.handler:handler"
UNCHECKED_HASH = (1).to_bytes(4, "little")  # PEP 552: valid without a comparison with the source


@pytest.fixture
def empty_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty build folder."""
    monkeypatch.setattr(archive, "BUILD", tmp_path)
    yield tmp_path
    bytecode.runtime_python.cache_clear()


def names(bundle: Archive) -> set[str]:
    with zipfile.ZipFile(bundle.path) as contents:
        return set(contents.namelist())


def test_a_bundle_holds_exactly_the_imports_of_its_handler() -> None:
    assert "shared/camera/moves.toml" in names(function_bundle(JOBS))
    authorizer = names(function_bundle(AUTHORIZER.handler))
    assert "shared/access/bearer.py" in authorizer
    assert not {name for name in authorizer if name.startswith(("shared/jobs", "functions/jobs"))}


def test_bytecode_is_the_runtimes_own() -> None:
    if bytecode.runtime_python() is None:
        pytest.skip(f"no Python {bytecode.RUNTIME} here: bundles ship sources only")
    with zipfile.ZipFile(function_bundle(JOBS).path) as bundle:
        compiled = [name for name in bundle.namelist() if name.endswith(".pyc")]
        assert len(compiled) == len([name for name in bundle.namelist() if name.endswith(".py")])
        heads = {bundle.read(name)[:8] for name in compiled}
    assert heads == {bytecode.MAGIC + UNCHECKED_HASH}


def test_without_the_runtimes_python_the_manifest_lists_sources_only(
    empty_build: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bytecode, "_candidates", lambda: iter([Path(sys.executable)]))
    monkeypatch.setattr(bytecode, "_magic", lambda _: b"\x00\x00\r\n")
    bytecode.runtime_python.cache_clear()
    bundle = function_bundle(AUTHORIZER.handler)
    assert not bundle.bytecode
    assert not {name for name in names(bundle) if name.endswith(".pyc")}
    with zipfile.ZipFile(bundle.path) as contents:
        assert json.loads(contents.read(code.MANIFEST))["bytecode"] is False


def test_the_same_sources_give_the_same_bytes(empty_build: Path) -> None:
    first = function_bundle(AUTHORIZER.handler).path
    content = first.read_bytes()
    first.unlink()
    assert function_bundle(AUTHORIZER.handler).path.read_bytes() == content


def test_a_bundle_above_its_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MAX_BYTES", 10_000)
    with pytest.raises(BundleTooLarge, match=r"functions\.jobs\.handler"):
        function_bundle(JOBS)


def test_a_function_with_layers_above_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layers, "MAX_BYTES", 1_000_000)
    with pytest.raises(BundleTooLarge, match="with its layers"):
        layers_of(JOBS)


def test_a_function_has_the_layers_of_its_imports() -> None:
    assert layers_of("functions.realtime.connect:handler") == ("base",)
    assert layers_of(AUTHORIZER.handler) == ("base", "rest")  # signatures need cryptography


def test_layers_are_for_the_runtimes_machine() -> None:
    with zipfile.ZipFile(layer_bundle("rest").path) as bundle:
        libraries = [name for name in bundle.namelist() if name.endswith(".so")]
        assert libraries
        assert {bundle.read(name)[18:20] for name in libraries} == {(183).to_bytes(2, "little")}  # ELF: AArch64


def test_layers_do_not_repeat_each_other() -> None:
    both = names(layer_bundle("base")) & names(layer_bundle("rest"))
    assert not {name for name in both if name.count("/") > 1 and not name.startswith("python/__pycache__/")}


def test_the_layer_has_the_botocore_models_of_every_client_in_use() -> None:
    sources = [*(archive.ROOT / "shared").rglob("*.py"), *(archive.ROOT / "functions").rglob("*.py")]
    made = {service for file in sources for service in re.findall(r'client\(\s*"([a-z0-9-]+)"', file.read_text())}
    assert {"s3", "secretsmanager", "cloudfront"} <= made
    services = {name.split("/")[3] for name in names(layer_bundle("base")) if name.startswith("python/botocore/data/")}
    assert made | {"dynamodb"} <= services  # pynamodb makes the client of DynamoDB


def test_the_shortened_models_of_the_layer_make_the_same_clients(tmp_path: Path) -> None:
    """The layer's models have no documentation, and its table of endpoints has our services only."""
    with zipfile.ZipFile(layer_bundle("base").path) as bundle:
        data = [name for name in bundle.namelist() if name.startswith("python/botocore/data/")]
        bundle.extractall(tmp_path, data)
    short, full = BotocoreSession(), BotocoreSession()
    short.register_component(
        "data_loader", Loader([str(tmp_path / "python/botocore/data")], include_default_search_paths=False)
    )
    services = {name.split("/")[3] for name in data if name.count("/") > 4}
    assert {"dynamodb", "s3", "sqs"} <= services
    for service in sorted(services):
        for region in ("us-east-1", "cn-north-1"):
            ours, whole = (
                one.create_client(service, region_name=region, aws_access_key_id="id", aws_secret_access_key="key")
                for one in (short, full)
            )
            assert ours.meta.endpoint_url == whole.meta.endpoint_url
            assert ours.meta.service_model.operation_names == whole.meta.service_model.operation_names
            named = [parameter.name for parameter in whole.meta.service_model.client_context_parameters]
            assert [parameter.name for parameter in ours.meta.service_model.client_context_parameters] == named


def test_the_layer_makes_clients_without_the_code_that_documents_them(tmp_path: Path) -> None:
    with zipfile.ZipFile(layer_bundle("base").path) as bundle:
        bundle.extractall(tmp_path, [name for name in bundle.namelist() if name.startswith("python/botocore/")])
    script = """
import sys
from botocore.session import Session
client = Session().create_client("s3", region_name="us-east-1", aws_access_key_id="id", aws_secret_access_key="key")
client.get_waiter("object_exists"), client.get_paginator("list_objects_v2"), client.put_object
import botocore
print(botocore.__file__, "botocore.docs.docstring" in sys.modules, "botocore.docs.client" in sys.modules)
"""
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-P", "-c", script], env={"PYTHONPATH": str(tmp_path / "python")},
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    loaded, *imported = done.stdout.split()
    assert loaded.startswith(str(tmp_path))
    assert imported == ["True", "False"]
