"""The environment variables of every test: the names of a deployment that does not exist, and invalid credentials."""

import os
from typing import Any

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
    "KINORA_DATA_KEY": "alias/kinora-test-data",
    "KINORA_GRANT_FUNCTION": "kinora-test-pipeline-grant:live",
    "KINORA_MEDIA_ROLE_ARN": "arn:aws:iam::123456789012:role/kinora-test-media",
    "KINORA_SOCKET_ENDPOINT_URL": "https://socket.kinora.test",
    "KINORA_STATE_MACHINE_ARN": "arn:aws:states:us-east-1:123456789012:stateMachine:kinora-test-generate-video",
    "KINORA_WEB_ORIGIN": "https://kinora.test",
    "KINORA_MAIL_FROM": "Kinora <no-reply@kinora.test>",
    "POWERTOOLS_METRICS_NAMESPACE": "Kinora",
}

READ_TEMPLATES = {"tests/contract/test_documents.py", "tests/contract/test_template.py"}


def pytest_configure() -> None:
    """Let an example of Hypothesis take any time: the machine may be busy."""
    from hypothesis import settings  # noqa: PLC0415  # tools import this module without it

    settings.register_profile("any-time", deadline=None)
    settings.load_profile("any-time")


@pytest.hookimpl(optionalhook=True)  # pytest runs without xdist, too
def pytest_xdist_auto_num_workers() -> int:
    """Return one process more than there are CPUs: tests of the laptop cloud spend most of their time waiting."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Return the scheduler of `--dist loadfile` with our groups. The groups of xdist 3.8 do not work in pytest 9.2."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # noqa: PLC0415  # pytest runs without it

    class GroupScheduling(LoadFileScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return GroupScheduling(config, log)


def group_of(nodeid: str) -> str:
    """Return the group of a test. One process runs all tests of a group, and so makes their module fixtures once.

    A group is a file, or all files that read templates: their process starts the CDK once.
    """
    file = nodeid.partition("::")[0]
    return "templates" if file.startswith("tests/infra/") or file in READ_TEMPLATES else file


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start the longest groups first: the end-to-end tests, which wait while other tests compute, and the templates."""
    items.sort(key=lambda item: (not item.nodeid.startswith("tests/e2e/"), group_of(item.nodeid) != "templates"))
