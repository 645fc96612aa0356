"""The environment variables of every test: the names of a deployment that does not exist, and invalid credentials."""

import os
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

TESTS = Path(__file__).parent


@pytest.hookimpl(optionalhook=True)  # pytest runs without xdist, too
def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are CPUs: tests of the laptop cloud spend most of their time waiting."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of one file in one process, for its module fixtures, and all tests of templates in one process.

    The process of templates starts the CDK once, and writes each template once. The longest groups come first: those
    of the laptop cloud, which also wait for leases while other tests compute, then the templates.
    """
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(
                pytest.mark.xdist_group("templates" if TESTS / "infra" in item.path.parents else str(item.path))
            )
    items.sort(key=_begins)


def _begins(item: pytest.Item) -> int:
    [group] = (marker.args[0] for marker in item.iter_markers("xdist_group"))
    return 0 if TESTS / "e2e" in item.path.parents else 1 if group == "templates" else 2
