"""Only stores compare owners. Other code reads through `get(id, accounts=...)` and `page(account_id=...)`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OWNERS = {"owner_id", "user_id", "account_id"}
OWNED = {"jobs", "projects", "assets"}  # the stores whose records belong to an account
CHECKED = {
    "get": "accounts",
    "get_with_spec": "accounts",
    "page": "account_id",
    "newest": "account_id",
}  # the parameter of each read that restricts it
# These stores write the owner of a new record.
WRITES = {"create", "open"}
MODULES = [
    path
    for folder in ("shared", "functions")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "store.py"
    and path != ROOT / "shared" / "members" / "actor.py"  # it decides which accounts are in
    and path != ROOT / "functions" / "upkeep" / "erase.py"  # it acts for no caller, and looks for owners in all tables
]
# Code that acts for a caller. The pipeline acts for the system.
FOR_CALLERS = [
    *(path for name in ("router", "service", "listing") for path in (ROOT / "functions").glob(f"*/{name}.py")),
    ROOT / "functions" / "realtime" / "subscribe.py",
]


def inline_checks(source: str) -> list[int]:
    """Return the lines that compare an owner, or select records by their owner."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Compare(left=left, comparators=others) if any(
                isinstance(side, ast.Attribute) and side.attr in OWNERS for side in (left, *others)
            ):
                lines.append(node.lineno)
            case ast.Call(func=ast.Attribute(attr=verb), keywords=keywords) if verb not in WRITES and any(
                keyword.arg == "owner_id" for keyword in keywords
            ):
                lines.append(node.lineno)
    return lines


def unchecked_reads(source: str) -> list[int]:
    """Return the lines that get an owned record without naming the account."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CHECKED
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in OWNED
        and not any(keyword.arg == CHECKED[node.func.attr] for keyword in node.keywords)
    ]


def test_owners_are_compared_in_stores_only() -> None:
    found = {str(path.relative_to(ROOT)): lines for path in MODULES if (lines := inline_checks(path.read_text()))}
    assert found == {}


def test_code_for_callers_names_the_account_of_each_read() -> None:
    found = {str(path.relative_to(ROOT)): lines for path in FOR_CALLERS if (lines := unchecked_reads(path.read_text()))}
    assert found == {}


@pytest.mark.parametrize(
    "line",
    [
        "if job.owner_id == caller.user_id: ...",
        "if caller.user_id != job.owner_id: ...",
        "mine = [s for s in found if s.account_id == caller.account_id]",
        "projects.get(project_id, owner_id=caller.user_id)",
    ],
)
def test_an_inline_check_is_found(line: str) -> None:
    assert inline_checks(line) == [1]


@pytest.mark.parametrize("line", ["jobs.get(job_id)", "jobs.page(project_id=p, limit=1, after=None)"])
def test_a_read_without_an_account_is_found(line: str) -> None:
    assert unchecked_reads(line) == [1]
