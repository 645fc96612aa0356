"""The graph of the import contracts contains every folder, package and import."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
ROOT_PACKAGES = SETTINGS["importlinter"]["root_packages"]
# Generated or installed files.
NOT_OURS = {"build", "node_modules"}
# Libraries whose imports a contract restricts.
RESTRICTED = {"fastapi", "starlette", "mangum", "numpy", "cv2", "av", "PIL", "torch", "boto3", "pynamodb"}


def test_every_top_level_folder_with_python_is_a_root_package() -> None:
    folders = {folder.name for folder in ROOT.iterdir() if folder.is_dir() and not folder.name.startswith(".")}
    with_python = {folder for folder in folders - NOT_OURS if any((ROOT / folder).rglob("*.py"))}
    assert sorted(with_python) == sorted(ROOT_PACKAGES)


@pytest.mark.parametrize("package", ROOT_PACKAGES)
def test_every_root_package_has_a_layer_and_is_type_checked(package: str) -> None:
    layers = [name for layer in SETTINGS["importlinter"]["contracts"][0]["layers"] for name in layer.split()]
    assert package in layers
    assert package in SETTINGS["mypy"]["files"]


@pytest.mark.parametrize("contract", SETTINGS["importlinter"]["contracts"], ids=lambda contract: contract["name"])
def test_every_module_that_a_contract_allows_exists(contract: dict[str, Any]) -> None:
    names = [name.replace(".", "/") for name in contract.get("allowed_modules", []) if name.startswith("shared.")]
    assert [name for name in names if not (ROOT / name).is_dir() and not (ROOT / f"{name}.py").is_file()] == []


@pytest.mark.parametrize("package", ROOT_PACKAGES)
def test_every_folder_with_python_is_a_package(package: str) -> None:
    """Python imports a folder without `__init__.py`, but the graph of the contracts leaves it out."""
    folders = {module.parent for module in (ROOT / package).rglob("*.py")}
    bare = [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()]
    assert bare == []


@pytest.mark.parametrize("package", sorted({*ROOT_PACKAGES} - {"tests"}))
def test_no_import_is_hidden_in_a_string(package: str) -> None:
    """The graph of the contracts does not contain imports such as `import_module("shared.credits.store")`."""
    hidden = [
        f"{path.relative_to(ROOT)}:{line}: {module}"
        for path in (ROOT / package).rglob("*.py")
        for line, module in _imported_by_name(path.read_text())
        if module.partition(".")[0] in RESTRICTED.union(ROOT_PACKAGES)
    ]
    assert hidden == []


def _imported_by_name(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)) if "import_" in source else ():
        match node:
            case ast.Call(
                func=ast.Name("import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(str(module)), *_],
            ):
                yield node.lineno, module
