"""Every environment as it would be deployed."""

import pytest

from tools.template import APPS, ENVIRONMENTS, Assembly, synthesized


@pytest.fixture(scope="session", params=APPS)
def cloud(request: pytest.FixtureRequest) -> Assembly:
    """One environment after the other, and the one that uses what these leave out (`tools/elsewhere.py`)."""
    return synthesized(request.param)


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def deployed(request: pytest.FixtureRequest) -> Assembly:
    """One environment after the other."""
    return synthesized(request.param)


@pytest.fixture(scope="session")
def dev() -> Assembly:
    return synthesized("dev")


@pytest.fixture(scope="session")
def elsewhere() -> Assembly:
    return synthesized("elsewhere")


@pytest.fixture(scope="session")
def prod() -> Assembly:
    return synthesized("prod")
