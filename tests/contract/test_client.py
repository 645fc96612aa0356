"""The generated modules of the Python client."""

import tomllib

import pytest

from clients.python.kinora import __version__
from local.environment import ROOT
from tools.client import CLIENT, MODULES


@pytest.mark.parametrize("name", MODULES)
def test_the_committed_module_is_what_the_documents_give(name: str) -> None:
    """After a change of the API or of an asynchronous module, run `python -m tools.client`."""
    assert (CLIENT / name).read_text() == MODULES[name]()


def test_the_package_has_its_version_and_three_dependencies() -> None:
    project = tomllib.loads((ROOT / "clients/python/pyproject.toml").read_text())["project"]
    assert project["version"] == __version__
    assert len(project["dependencies"]) == 3
