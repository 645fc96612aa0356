"""The committed pages and documents are those that the code generates."""

import pytest

from local.environment import ROOT
from tools.docs import DOCUMENTS


@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_committed_document_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text() == DOCUMENTS[path](), f"run `make docs`, review and commit {path}"


def test_every_snapshot_of_permissions_is_generated() -> None:
    folder = ROOT / "tests" / "infra" / "snapshots"
    assert {f"tests/infra/snapshots/{path.name}" for path in folder.iterdir()} <= set(DOCUMENTS)
