"""The environment of every test: names of a deployment that is not there, and credentials of nobody."""

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

os.environ |= {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "KINORA_ENVIRONMENT": "test",
    "KINORA_TABLE_PREFIX": "kinora-test",
    "KINORA_QUEUE_URL_PREFIX": "https://sqs.us-east-1.amazonaws.com/123456789012/kinora-test-",
    "KINORA_MEDIA_BUCKET": "kinora-test-media",
    "KINORA_MEDIA_URL": "https://media.kinora.test",
    "KINORA_SECRET_PREFIX": "kinora/test/",
    "KINORA_SOCKET_ENDPOINT_URL": "https://socket.kinora.test",
    "KINORA_STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:kinora-test-generate-video",
    "KINORA_WEB_ORIGIN": "https://kinora.test",
    "POWERTOOLS_METRICS_NAMESPACE": "Kinora",
}

INFRA = Path(__file__).parent / "infra"


@pytest.hookimpl(optionalhook=True)  # pytest runs without xdist, too
def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are CPUs, because tests of the laptop cloud wait for most of their time."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    """Run a file's tests in one process, for its module's fixtures, and all tests of templates in one.

    Each template is synthesized in 10 to 25 s, and its files are written once.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("templates" if INFRA in item.path.parents else str(item.path)))
