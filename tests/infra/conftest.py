"""Every environment as it would be deployed."""

import pytest

from tests.support.template import ENVIRONMENTS, Assembly, synthesized


@pytest.fixture(scope="session", params=ENVIRONMENTS)
def cloud(request: pytest.FixtureRequest) -> Assembly:
    """One environment after the other."""
    return synthesized(request.param)


@pytest.fixture(scope="session")
def prod() -> Assembly:
    return synthesized("prod")
