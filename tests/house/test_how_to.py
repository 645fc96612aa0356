"""The pages `docs/how-to/add-*.md` show whole changes: each applies to the tree, and a test names each omitted place.

A place is a file that someone edits, or a new folder with its modules. Files that `make docs` writes do not count.
"""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.house.trials import CONTRACTS, ENVIRONMENT, ROOT, Guard, copied, one_test

PAGES = sorted((ROOT / "docs" / "how-to").glob("add-*.md"))
PLACE = re.compile(r"^```diff\n(.*?)^```\n\nWithout it, `([^`]+)` fails: `([^`]+)`\.$", re.DOTALL | re.MULTILINE)
COST = re.compile(r"^\| \[(\w+)\]\(\S+\) \| (\d) \| (\d) \|", re.MULTILINE)  # a row of the table in ARCHITECTURE.md


class ChangedPlace(NamedTuple):
    """One place of a change: its diff, and the guard that names it if it is omitted."""

    diff: str
    guard: str
    sentence: str

    @property
    def paths(self) -> list[Path]:
        return [Path(path) for path in re.findall(r"^\+\+\+ b/(.+)$", self.diff, re.MULTILINE)]


PLACES = {
    page.stem.removeprefix("add-"): [ChangedPlace(*found) for found in PLACE.findall(page.read_text())]
    for page in PAGES
}
OMISSIONS = [(change, place) for change, places in PLACES.items() for place in places]


def apply(tree: Path, places: Iterable[ChangedPlace]) -> None:
    text = "".join(place.diff for place in places)
    command = ["git", "apply", "--unidiff-zero", "-"]
    done = subprocess.run(command, cwd=tree, input=text, capture_output=True, text=True, check=False, env=ENVIRONMENT)  # noqa: S603  # our own pages
    assert done.returncode == 0, f"write the diff of the page again: {done.stderr}"


def guard_of(name: str) -> Guard:
    return CONTRACTS if name == "make contracts" else one_test(name)


def test_the_costs_in_the_architecture_are_those_of_the_pages() -> None:
    costs = {change: (int(most), int(measured)) for change, most, measured in COST.findall(text_of("ARCHITECTURE.md"))}
    assert {change: measured for change, (_, measured) in costs.items()} == {
        change: len(places) for change, places in PLACES.items()
    }
    assert all(measured <= most for most, measured in costs.values())


def text_of(path: str) -> str:
    return (ROOT / path).read_text()


@pytest.mark.parametrize("change", PLACES)
def test_a_place_is_a_file_or_a_new_folder(change: str) -> None:
    for place in PLACES[change]:
        folders = {path.parent for path in place.paths}
        assert len(place.paths) == 1 or (len(folders) == 1 and not (ROOT / folders.pop()).exists())
    assert text_of(f"docs/how-to/add-{change}.md").count("```diff") == len(PLACES[change]), "a diff without its guard"


@pytest.mark.parametrize("change", PLACES)
def test_the_whole_change_passes_its_guards(change: str, tmp_path: Path) -> None:
    tree = copied(tmp_path / "tree")
    apply(tree, PLACES[change])
    names = {place.guard for place in PLACES[change]}
    if "make contracts" in names:
        passed, output = CONTRACTS.run(tree)
        assert passed, output
    passed, output = one_test(*sorted(names - {"make contracts"})).run(tree)
    assert passed, output


@pytest.mark.parametrize(
    ("change", "place"), OMISSIONS, ids=[f"{change}: {place.paths[-1]}" for change, place in OMISSIONS]
)
def test_an_omitted_place_is_named(change: str, place: ChangedPlace, tmp_path: Path) -> None:
    tree = copied(tmp_path / "tree")
    apply(tree, [other for other in PLACES[change] if other is not place])
    passed, output = guard_of(place.guard).run(tree)
    assert not passed
    assert place.sentence in output, output
