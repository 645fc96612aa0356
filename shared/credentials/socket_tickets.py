"""Tickets that open one socket, for browsers: they cannot set the header of a WebSocket's request."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from hashlib import sha256

from shared.aws.records import on_refusal
from shared.credentials.record import SocketTicketRecord

TICKET_LIFE = timedelta(seconds=30)


class _NotValid(Exception):
    """The ticket does not exist, is used, or has expired."""


class SocketTicketStore:
    def create(self, context: Mapping[str, str], *, at: datetime) -> str:
        """Write a ticket for the caller whom `context` describes, and return it. The table has its hash only."""
        ticket = secrets.token_urlsafe(32)
        # Without a condition, because the ticket is new.
        SocketTicketRecord(_hash(ticket), context=dict(context), expires_at=at + TICKET_LIFE).save()
        return ticket

    def take(self, ticket: str, *, at: datetime) -> dict[str, str] | None:
        """Use the ticket and return its context, or None if it is not valid."""
        record, mine = SocketTicketRecord, secrets.token_hex(8)
        row = record(_hash(ticket))
        unused = record.taken_by.does_not_exist() & (record.expires_at > at)
        with suppress(_NotValid), on_refusal(_NotValid()):
            row.update([record.taken_by.set(mine)], unused, done=lambda stored: stored.taken_by == mine)
            return dict(row.context)
        return None


def _hash(ticket: str) -> str:
    return sha256(ticket.encode("utf-8", "replace")).hexdigest()


socket_tickets = SocketTicketStore()
