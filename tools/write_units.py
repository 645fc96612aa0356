"""DynamoDB's write units of a job, calculated from the items before and after each write in moto.

moto itself always reports 1.0. DynamoDB's rules: a write costs one unit for each started KB of the larger of the old
and the new item. In a transaction it costs twice that. Each index whose projection of the item changes costs
units by the same rule, for the sizes of the projection.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from moto.backends import get_backend

from infra.tables import RECORDS
from shared.aws.records import connection
from tools.sizes import item_bytes

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
Item = dict[str, Any]
Tables = dict[str, dict[str, Item]]


@dataclass
class Meter:
    """Write units by table name without prefix, and the number of requests."""

    units: Counter[str] = field(default_factory=Counter)
    requests: int = 0

    @property
    def total(self) -> int:
        return sum(self.units.values())


@contextmanager
def metered() -> Iterator[Meter]:
    """Count the writes of the records' client until the block ends."""
    meter, before = Meter(), dict[str, Tables]()
    events = connection().client.meta.events

    def begin(params: Any, **_: Any) -> None:
        before["tables"] = _items()
        checks = [one for one in json.loads(params["body"]).get("TransactItems", ()) if "ConditionCheck" in one]
        for check in checks:
            meter.units[_short(check["ConditionCheck"]["TableName"])] += 2  # for an item below 1 KB

    def end(model: Any, **_: Any) -> None:
        meter.requests += 1
        for table, units in _units(before["tables"], _items()).items():
            meter.units[table] += units * (2 if model.name == "TransactWriteItems" else 1)

    for operation in WRITES:
        events.register(f"before-call.dynamodb.{operation}", begin)
        events.register(f"after-call.dynamodb.{operation}", end)
    yield meter
    for operation in WRITES:
        events.unregister(f"before-call.dynamodb.{operation}", begin)
        events.unregister(f"after-call.dynamodb.{operation}", end)


def _items() -> Tables:
    tables: Any = get_backend("dynamodb")["123456789012"]["us-east-1"].tables
    return {
        name: {
            json.dumps([attributes[key] for key in table.table_key_attrs]): attributes
            for attributes in (item.to_json()["Attributes"] for item in table.all_items())
        }
        for name, table in tables.items()
    }


def _units(before: Tables, after: Tables) -> Counter[str]:
    found: Counter[str] = Counter()
    for record in RECORDS:
        name = str(record.Meta.table_name)
        schema = record._get_schema()
        for key in before[name].keys() | after[name].keys():
            old, new = before[name].get(key), after[name].get(key)
            if old != new:
                short = _short(name)
                found[short] += max(_kilobytes(old), _kilobytes(new))
                found[short] += sum(
                    _index_units(index, schema, old, new) for index in schema["global_secondary_indexes"]
                )
    return found


def _short(name: str) -> str:
    return name.removeprefix("kinora-test-")


def _index_units(index: Any, schema: Any, old: Item | None, new: Item | None) -> int:
    keys = [part["AttributeName"] for part in index["key_schema"]]
    names = {*keys, *(part["AttributeName"] for part in schema["key_schema"])}
    names |= set(index["projection"].get("NonKeyAttributes", ()))
    everything = index["projection"]["ProjectionType"] == "ALL"

    def projected(item: Item | None) -> Item | None:
        if item is None or any(key not in item for key in keys):
            return None
        return item if everything else {name: value for name, value in item.items() if name in names}

    was, is_now = projected(old), projected(new)
    if was == is_now:
        return 0
    if was and is_now and any(was[key] != is_now[key] for key in keys):
        return _kilobytes(was) + _kilobytes(is_now)  # a deletion under the old key and an insertion under the new one
    return max(_kilobytes(was), _kilobytes(is_now))


def _kilobytes(item: Item | None) -> int:
    return ceil(item_bytes(item) / 1024) if item else 0
