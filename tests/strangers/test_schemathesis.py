"""Schemathesis sends requests that it generates from the description, and checks every answer."""

from pathlib import Path

from local.cloud import Cloud
from tests.strangers.conftest import BIN, DOCUMENT, run


def test_all_checks_find_nothing(cloud: Cloud, token: str, tmp_path: Path) -> None:
    report = run(
        BIN / "schemathesis", "run", DOCUMENT, "--url", cloud.api_url, "--checks", "all",
        "--header", f"Authorization: Bearer {token}", "--max-examples", "25", "--seed", "7", "--no-color",
        "--exclude-operation-id", "logout", "--workers", "1", "--generation-database", "none",
        folder=tmp_path, seconds=540,
    )  # fmt: skip
    assert "No issues found" in report
