"""The groups of tests: each runs in one process."""

import re

from local.environment import ROOT
from tests.conftest import READ_TEMPLATES, group_of

TESTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))
READS = re.compile(r"^from tools\.(template|docs) import", re.M)


def test_every_file_that_reads_templates_is_in_their_group() -> None:
    reading = {path for path in TESTS if READS.search((ROOT / path).read_text())}
    assert {path for path in reading if group_of(f"{path}::test_it") != "templates"} == set()
    assert reading >= READ_TEMPLATES


def test_the_tests_of_any_other_file_are_a_group() -> None:
    others = {path for path in TESTS if group_of(f"{path}::test_it") != "templates"}
    assert {path: group_of(f"{path}::test_it[a::b]") for path in others} == {path: path for path in others}


def test_make_starts_the_scheduler_of_the_groups() -> None:
    assert "--dist loadfile --no-loadscope-reorder" in (ROOT / "Makefile").read_text()
