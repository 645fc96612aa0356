"""The synthesized templates of every environment."""

import pytest

from tools.template import APPS, ENVIRONMENTS, Assembly, synthesized


@pytest.fixture(scope="session", params=APPS)
def cloud(request: pytest.FixtureRequest) -> Assembly:
    """Each environment in turn, and the test environment that uses the remaining options (`tools/elsewhere.py`)."""
    return synthesized(request.param)


@pytest.fixture(scope="session", params=[app for app in APPS if app != "dev"])
def shown(request: pytest.FixtureRequest) -> Assembly:
    """Each environment with dashboards in turn."""
    return synthesized(request.param)


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def deployed(request: pytest.FixtureRequest) -> Assembly:
    """Each environment in turn."""
    return synthesized(request.param)


@pytest.fixture(scope="session")
def dev() -> Assembly:
    return synthesized("dev")


@pytest.fixture(scope="session")
def services() -> Assembly:
    """The environment whose workers are services."""
    return synthesized("services")


@pytest.fixture(scope="session")
def elsewhere() -> Assembly:
    return synthesized("elsewhere")


@pytest.fixture(scope="session")
def prod() -> Assembly:
    return synthesized("prod")
