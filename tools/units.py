"""DynamoDB's units of a job, calculated from the items that moto stores and answers with. moto itself reports 1.0.

DynamoDB's rules: a write costs one unit for each started KB of the larger of the old and the new item. In a transaction
it costs twice that. Each index whose projection of the item changes costs units by the same rule, for the sizes of the
projection. A consistent read costs one unit for each started 4 KB: of each item in GetItem and BatchGetItem, and of all
items together in a Query. It costs one unit if it finds nothing. An eventually consistent read costs half.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from moto.backends import get_backend

from infra.tables import RECORDS
from shared.aws.records import connection
from tools.sizes import item_bytes

READS = ("GetItem", "BatchGetItem", "Query")
READ_BYTES = 4096  # of one unit
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
Item = dict[str, Any]
Tables = dict[str, dict[str, Item]]


@dataclass
class Meter:
    """Units of writes and of reads, by table name without prefix, and the number of requests that write."""

    units: Counter[str] = field(default_factory=Counter)
    read: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    requests: int = 0

    @property
    def total(self) -> int:
        return sum(self.units.values())

    @property
    def total_read(self) -> float:
        return sum(self.read.values())


@contextmanager
def metered() -> Iterator[Meter]:
    """Count the requests of the records' client until the block ends."""
    meter, before, asked = Meter(), dict[str, Tables](), dict[str, Any]()
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

    def ask(params: Any, **_: Any) -> None:
        asked.clear()
        asked.update(json.loads(params["body"]))

    def answer(parsed: Any, **_: Any) -> None:
        for table, units in _read_units(asked, parsed):
            meter.read[_short(table)] += units

    handlers: list[tuple[tuple[str, ...], str, Callable[..., None]]] = [
        (WRITES, "before", begin),
        (WRITES, "after", end),
        (READS, "before", ask),
        (READS, "after", answer),
    ]
    named = [(f"{when}-call.dynamodb.{one}", handler) for operations, when, handler in handlers for one in operations]
    for event, handler in named:
        events.register(event, handler)
    yield meter
    for event, handler in named:
        events.unregister(event, handler)


def _read_units(asked: Mapping[str, Any], answer: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the table and the units of each read. Attributes that the request leaves out are counted as absent."""
    if "RequestItems" in asked:
        for table, wanted in asked["RequestItems"].items():
            found = answer["Responses"].get(table, [])
            sizes = [item_bytes(item) for item in found] + [0] * (len(wanted["Keys"]) - len(found))
            yield table, sum(_units_of(size, wanted.get("ConsistentRead")) for size in sizes)
        return
    items = answer.get("Items", [answer["Item"]] if "Item" in answer else [])
    yield asked["TableName"], _units_of(sum(map(item_bytes, items)), asked.get("ConsistentRead"))


def _units_of(size: int, consistent: object) -> float:
    return max(1, ceil(size / READ_BYTES)) * (1 if consistent else 0.5)


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
