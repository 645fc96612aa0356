"""Reads and writes of passes. Each write is conditional on the write before it."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from pynamodb.expressions.update import Action
from ulid import ULID

from shared.aws.records import on_refusal
from shared.upkeep.record import PassRecord

PASS_EVERY = timedelta(hours=24)  # minimum time between the starts of two passes


class Overtaken(Exception):
    """Another run of the task has continued the pass. Nothing was written."""


class PassStore:
    def newest(self, task: str) -> PassRecord | None:
        """Return the task's newest pass. Return None before the first one."""
        try:
            return PassRecord.get(task, consistent_read=True)
        except PassRecord.DoesNotExist:
            return None

    def current(self, task: str, first_part: str, *, at: datetime) -> PassRecord | None:
        """Return the task's unfinished pass, or begin one. Raise Overtaken.

        Return None if the newest pass is complete and the next one is not due.
        """
        found = self.newest(task)
        if found and found.part is not None:
            return found
        if found and at - found.started_at < PASS_EVERY:
            return None
        actions = [
            PassRecord.started_at.set(at),
            PassRecord.part.set(first_part),
            PassRecord.position.set("null"),
            PassRecord.found.set(0),
        ]
        return self._write(found or PassRecord(task), actions)

    def advance(self, current: PassRecord, *, part: str | None, position: Any, found: int) -> PassRecord:
        """Write where the pass continues: after `position` of `part`; None completes the pass. Raise Overtaken."""
        actions = [
            PassRecord.part.set(part) if part is not None else PassRecord.part.remove(),
            PassRecord.position.set(json.dumps(position)),
            PassRecord.found.add(found),
        ]
        return self._write(current, actions)

    def keep(self, task: str, document: str, *, found: int, at: datetime) -> None:
        """Store what a task has learned, as JSON in the place of a position. Raise Overtaken."""
        actions = [
            PassRecord.started_at.set(at),
            PassRecord.position.set(document),
            PassRecord.found.set(found),
        ]
        self._write(self.newest(task) or PassRecord(task), actions)

    def _write(self, record: PassRecord, actions: Sequence[Action]) -> PassRecord:
        write_id, before = str(ULID()), record.attribute_values.get("write_id")
        unchanged = PassRecord.write_id == before if before else PassRecord.write_id.does_not_exist()
        with on_refusal(Overtaken()):
            record.update(
                [*actions, PassRecord.write_id.set(write_id)], unchanged, done=lambda found: found.write_id == write_id
            )
        return record


passes = PassStore()
