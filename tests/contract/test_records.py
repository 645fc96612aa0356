"""The code reads items that earlier releases wrote: golden items are added, and never edited (docs/adr/0029)."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from infra.tables import RECORDS
from shared.aws.records import Record, table

ITEMS = sorted((Path(__file__).parents[1] / "golden" / "records").glob("*.json"))
BY_TABLE = {record.Meta.table_name.removeprefix(table("")): record for record in RECORDS}


def record_of(path: Path) -> type[Record]:
    return BY_TABLE[path.stem.partition(".")[0]]


def comparable(value: dict[str, Any]) -> Any:
    """Return a value of DynamoDB's JSON, with sets in order."""
    [(kind, content)] = value.items()
    if kind == "M":
        return {name: comparable(inner) for name, inner in content.items()}
    if kind == "L":
        return [comparable(inner) for inner in content]
    return (kind, sorted(content) if kind in {"SS", "NS"} else content)


@pytest.mark.parametrize("path", ITEMS, ids=lambda path: path.stem)
def test_a_golden_item_is_read_and_written_the_same(path: Path) -> None:
    """An attribute that is removed or renamed would be lost. A newer attribute may get its default."""
    item = json.loads(path.read_text())
    written = comparable({"M": record_of(path).from_raw_data(item).serialize()})
    assert written | comparable({"M": item}) == written


def test_every_attribute_is_in_a_golden_item() -> None:
    """A new attribute needs a new golden item, which prevents a later renaming of the attribute.

    A table without golden items is newer than the last release. The next release adds them.
    """
    written: dict[type[Record], set[str]] = defaultdict(set)
    for path in ITEMS:
        written[record_of(path)] |= json.loads(path.read_text()).keys()
    names = {record: {one.attr_name for one in record.get_attributes().values()} for record in written}
    assert {record.__name__: names[record] - written[record] for record in written} == {
        record.__name__: set() for record in written
    }
