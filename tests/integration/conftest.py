from collections.abc import Iterator

import pytest

from tests.support.studio import Creator, Studio
from tests.support.studio import studio as deployed


@pytest.fixture(scope="module")
def deployment() -> Iterator[Studio]:
    with deployed() as one:
        yield one


@pytest.fixture
def studio(deployment: Studio) -> Studio:
    """A deployment in which nothing has happened yet."""
    deployment.wipe()
    return deployment


@pytest.fixture
def ada(studio: Studio) -> Creator:
    return studio.arrive("ada@example.com")


@pytest.fixture
def eve(studio: Studio) -> Creator:
    """Somebody else."""
    return studio.arrive("eve@example.com")
