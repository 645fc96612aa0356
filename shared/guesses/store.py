"""Delays between guesses of passwords, which grow with the failed guesses (docs/adr/0032)."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from pynamodb.expressions.condition import Condition

from shared.aws.records import on_refusal
from shared.aws.transactions import transaction
from shared.core.errors import AppError
from shared.guesses.record import GuessesRecord

FORGOTTEN_AFTER = timedelta(days=1)  # time after the last guess
_TRIES = 3


class TooManyGuesses(AppError):
    code, status = "too_many_guesses", 429

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, math.ceil(wait.total_seconds()))
        super().__init__(
            f"Too many sign-ins have failed. Try again in {seconds} s.", headers={"Retry-After": str(seconds)}
        )


class _Overtaken(Exception):
    """Another guess changed a counter first."""


@dataclass(frozen=True, slots=True)
class Delay:
    """A delay of 1 s after the first failed guess that is not free. It doubles with each further one."""

    free: int  # number of failed guesses without a delay
    longest: timedelta

    def after(self, failures: int) -> timedelta:
        over = min(failures - self.free, 30)  # a larger power does not fit into a timedelta
        return min(timedelta(seconds=2 ** (over - 1)), self.longest) if over > 0 else timedelta(0)


@dataclass(frozen=True, slots=True)
class Guess:
    """A guess that may be checked: its counters before and after it."""

    before: Mapping[str, GuessesRecord]
    after: Mapping[str, GuessesRecord]


class GuessStore:
    def begin(self, counters: Mapping[str, Delay], *, at: datetime) -> Guess:
        """Count a failed guess in all counters. Raise TooManyGuesses, and count nothing, if one of them has a delay.

        The guess counts before its check, so parallel guesses are not checked for nothing.
        """
        for _ in range(_TRIES):
            with suppress(_Overtaken):
                return self._begin(counters, at)
        raise TooManyGuesses(timedelta(seconds=1))

    def succeed(self, guess: Guess) -> None:
        """Restore the counters, except those that another guess has changed."""
        record = GuessesRecord
        for counter, after in guess.after.items():
            before = guess.before[counter]
            restored = [record.failures.set(before.failures), record.next_at.set(before.next_at)]
            with suppress(_Overtaken), on_refusal(_Overtaken()):
                record(counter).update(restored, _unchanged(after), returned=False)

    def _begin(self, counters: Mapping[str, Delay], at: datetime) -> Guess:
        stored = {row.counter: row for row in GuessesRecord.batch_get(list(counters), consistent_read=True)}
        before = {
            counter: stored[counter]
            if counter in stored and stored[counter].expires_at > at
            else GuessesRecord(counter, failures=0, next_at=at, expires_at=at)
            for counter in counters
        }
        wait = max(row.next_at - at for row in before.values())
        if wait > timedelta(0):
            raise TooManyGuesses(wait)
        after = {
            counter: GuessesRecord(
                counter,
                failures=row.failures + 1,
                next_at=at + counters[counter].after(int(row.failures) + 1),
                expires_at=at + FORGOTTEN_AFTER,
            )
            for counter, row in before.items()
        }
        with transaction() as tx:
            for counter, row in after.items():
                tx.put(row, _unchanged(stored.get(counter)), otherwise=_Overtaken())
        return Guess(before, after)


def _unchanged(row: GuessesRecord | None) -> Condition:
    record = GuessesRecord
    if row is None:
        return record.counter.does_not_exist()
    unchanged: Condition = (record.failures == row.failures) & (record.next_at == row.next_at)
    return unchanged


guesses = GuessStore()
