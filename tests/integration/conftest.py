import io
import logging
from collections.abc import Iterator

import pytest

from shared.observability import logged as log_fields
from shared.observability import logger
from tests.support import documents, grants
from tests.support.studio import Creator, Studio
from tests.support.studio import studio as deployed

grants.observe()


@pytest.fixture(autouse=True)
def within_grants() -> Iterator[None]:
    """A check that fails the test if a handler's AWS calls exceed its row in `infra/functions.py`."""
    grants.REFUSED.clear()
    yield
    if grants.REFUSED:
        pytest.fail("\n".join(sorted(set(grants.REFUSED))))


@pytest.fixture(autouse=True)
def _serves_its_endpoints(request: pytest.FixtureRequest) -> Iterator[None]:
    """A check that fails a test that `docs/api.md` links to, if an endpoint of its mark has not served it."""
    documents.SERVED.clear()
    yield
    for endpoint in (name for mark in request.node.iter_markers("endpoint") for name in mark.args):
        method, _, path = endpoint.partition(" ")
        operation = documents.openapi()["paths"][path][method.lower()]["operationId"]
        assert operation in documents.SERVED, f"{endpoint} did not serve this test"


@pytest.fixture(autouse=True)
def _fields_of_log_lines() -> Iterator[None]:
    """Remove the test's fields from the thread's log lines: some tests call a worker outside the loop that does so."""
    with log_fields():
        yield


@pytest.fixture(scope="module")
def deployment() -> Iterator[Studio]:
    with deployed() as one:
        yield one


@pytest.fixture
def studio(deployment: Studio) -> Studio:
    """An empty deployment."""
    deployment.wipe()
    return deployment


@pytest.fixture
def ada(studio: Studio) -> Creator:
    return studio.arrive("ada@example.com")


@pytest.fixture
def eve(studio: Studio) -> Creator:
    """Another creator."""
    return studio.arrive("eve@example.com")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """The lines of all loggers at the log level of functions, including those of Powertools."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    for each in (logging.getLogger(), logging.getLogger("kinora")):
        each.addHandler(handler)
    handler.setFormatter(logger.registered_formatter)
    yield text
    for each in (logging.getLogger(), logging.getLogger("kinora")):
        each.removeHandler(handler)
