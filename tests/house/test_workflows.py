"""GitHub runs only reviewed code: workflows pin their actions and request few permissions."""

import re
from pathlib import Path

import pytest

WORKFLOWS = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.y*ml"))
USES = re.compile(r"^\s*(?:-\s+)?uses:\s*(?P<action>.+)$", re.MULTILINE)
PINNED = re.compile(r"[\w.-]+(?:/[\w.-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+")


def unpinned(workflow: str) -> list[str]:
    """Return the actions of a workflow that have no commit digest, or no version in a comment after it."""
    return [action for action in USES.findall(workflow) if not PINNED.fullmatch(action.strip())]


def test_there_are_workflows() -> None:
    assert {path.name for path in WORKFLOWS} >= {"ci.yml", "deploy.yml"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_digest_and_names_its_version(path: Path) -> None:
    assert USES.search(path.read_text())
    assert unpinned(path.read_text()) == []


@pytest.mark.parametrize(
    "action",
    [
        "actions/checkout@v4",
        "actions/checkout@main # v4.0.0",
        "actions/checkout",
        "actions/checkout@3d3c42e",
        f"actions/checkout@{'3d' * 20}",
        '"actions/checkout@v4"',
    ],
)
def test_an_action_without_a_digest_or_a_version_is_refused(action: str) -> None:
    assert unpinned(f"    steps:\n      - uses: {action}\n") == [action]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_read_permission_unless_a_job_requests_more(path: Path) -> None:
    """The code of a fork must not run with the repository's secrets, hence no `pull_request_target`."""
    text = path.read_text()
    assert "\npermissions:\n  contents: read\n\n" in text
    assert "pull_request_target" not in text
