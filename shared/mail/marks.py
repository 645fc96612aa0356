"""Marks of notices and of addresses (`MailMarkRecord`)."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from shared.aws.records import on_refusal
from shared.mail.record import MailMarkRecord


class Refusal(StrEnum):
    """The reason for which an address gets no more messages."""

    BOUNCED = "BOUNCED"  # the mailbox does not exist
    COMPLAINED = "COMPLAINED"  # its owner has reported a message as spam


# After this time the address gets messages again: a mailbox can be repaired, and another person can own the address.
REFUSAL_LIFE = {Refusal.BOUNCED: timedelta(days=30), Refusal.COMPLAINED: timedelta(days=400)}


class _Claimed(Exception):
    """Another call sends the notice, or has sent it."""


class MarkStore:
    @contextmanager
    def once(self, notice: str, *, life: timedelta, at: datetime) -> Iterator[bool]:
        """Yield whether the caller sends the notice now: True for one call in `life`.

        If the block raises NotSent, another call may send it. After any other end, also of the process, nobody does.
        """
        record, mine = MailMarkRecord, secrets.token_hex(8)
        row = record(f"notice#{notice}")
        free = record.mark.does_not_exist() | (record.expires_at <= at)  # TTL deletes late
        actions = [record.claimed_by.set(mine), record.made_at.set(at), record.expires_at.set(at + life)]
        try:
            with on_refusal(_Claimed()):
                row.update(actions, free, done=lambda stored: stored.claimed_by == mine)
        except _Claimed:
            yield False
            return
        try:
            yield True
        except NotSent:
            with suppress(_Claimed), on_refusal(_Claimed()):
                row.delete(record.claimed_by == mine)
            raise

    def refuse(self, address: str, reason: Refusal, *, at: datetime) -> None:
        """Send nothing more to the address. A complaint counts longer than a bounce, whatever comes first."""
        record = MailMarkRecord
        actions = [record.reason.set(reason.value), record.made_at.set(at)]
        weaker = record.reason.does_not_exist() | (record.reason != Refusal.COMPLAINED.value)
        with suppress(_Claimed), on_refusal(_Claimed()):
            record(_name(address)).update([*actions, record.expires_at.set(at + REFUSAL_LIFE[reason])], weaker)

    def refusal(self, address: str, *, at: datetime) -> Refusal | None:
        """Return why the address gets no messages, or None if it gets them."""
        with suppress(MailMarkRecord.DoesNotExist):
            found = MailMarkRecord.get(_name(address))
            if found.expires_at > at:
                return Refusal(found.reason)
        return None


class NotSent(Exception):
    """The message has certainly not been sent."""


def _name(address: str) -> str:
    return f"address#{sha256(address.lower().encode()).hexdigest()}"


marks = MarkStore()
