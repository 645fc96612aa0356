"""Reads and writes of connections and their subscriptions."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.access.principal import Principal
from shared.aws.records import on_refusal
from shared.connections.record import ConnectionRecord, FanOutRecord, ListenerRecord
from shared.core.errors import AppError, Conflict, Unauthorized

CONNECTION_LIFE = timedelta(hours=2)  # API Gateway closes a connection after this time


# Returns those of the users who may read the job of a channel. It is called at each sending.
Readers = Callable[[Collection[str]], Collection[str]]


class ConnectionExpired(Unauthorized):
    """The token with which the connection was opened has expired, or the connection is closed."""

    code = "connection_expired"

    def __init__(self) -> None:
        super().__init__("This connection has expired. Connect again with a new access token.")


class TooManyConnections(AppError):
    code, status = "too_many_connections", 429


class PassReplaced(Conflict):
    """A newer pass, or one with a newer state, serves the channel's subscribers."""

    code = "pass_replaced"

    def __init__(self) -> None:
        super().__init__("A newer pass serves the subscribers of this channel.")


@dataclass(frozen=True, slots=True)
class Subscribers:
    """One page of a channel's subscribers. `more_after` is the cursor of the next page, or None after the last.

    The page omits users who may not read the job. `expired` are connections that may not receive messages any longer.
    """

    connection_ids: list[str]
    expired: list[str]
    more_after: str | None


class ConnectionStore:
    def open(self, connection_id: str, caller: Principal, *, most: int, at: datetime) -> None:
        """Record the connection. It expires with the caller's token.

        Raise TooManyConnections, and leave the record to the caller's `close`, if the account has more than `most`.
        """
        connection = ConnectionRecord(
            connection_id,
            account_id=caller.account_id,
            user_id=caller.user_id,
            expires_at=min(at + CONNECTION_LIFE, caller.expires_at),
        )
        connection.save()
        if caller.session_id is not None:
            self.subscribe(connection, _channel_of_session(caller.session_id))
        # Counted after the write, so that of several connections that open at once not all are accepted.
        own = _channel_of_account(caller.account_id)
        self.subscribe(connection, own)
        rows = ListenerRecord.query(own, consistent_read=True)
        if sum(row.expires_at > at for row in rows) > most:
            raise TooManyConnections(f"This account has {most} open connections. Close one, or change the plan.")

    def get(self, connection_id: str, *, at: datetime) -> ConnectionRecord:
        """Return the open connection. Raise ConnectionExpired."""
        try:
            found = ConnectionRecord.get(connection_id, consistent_read=True)
        except ConnectionRecord.DoesNotExist:
            raise ConnectionExpired from None
        if found.expires_at <= at:
            raise ConnectionExpired
        return found

    def of_session(self, session_id: str) -> list[str]:
        """Return all connections that were opened with tokens of the session."""
        rows = ListenerRecord.query(_channel_of_session(session_id), consistent_read=True)
        return [row.connection_id for row in rows]

    def of_account(self, account_id: str) -> list[str]:
        """Return all connections that the user of the account has opened."""
        rows = ListenerRecord.query(_channel_of_account(account_id), consistent_read=True)
        return [row.connection_id for row in rows]

    def subscribe(self, connection: ConnectionRecord, channel: str) -> None:
        """Subscribe the connection to the channel until the connection expires."""
        ListenerRecord(
            channel, connection.connection_id, account_id=connection.account_id, expires_at=connection.expires_at
        ).save()

    def unsubscribe(self, connection_id: str, channel: str) -> None:
        ListenerRecord(channel, connection_id).delete()

    def subscribers(
        self, channel: str, *, readers: Readers, at: datetime, limit: int, after: str | None = None
    ) -> Subscribers:
        """Return the subscribers that may receive the channel's messages. The page reads at most `limit` of them."""
        later = ListenerRecord.connection_id > after if after else None
        rows = list(ListenerRecord.query(channel, later, consistent_read=True, limit=limit + 1))
        return Subscribers(
            _receivers(rows[:limit], readers, at),
            [row.connection_id for row in rows[:limit] if row.expires_at <= at],
            rows[limit - 1].connection_id if len(rows) > limit else None,
        )

    def still_subscribed(
        self, channel: str, connection_ids: Iterable[str], *, readers: Readers, at: datetime
    ) -> list[str]:
        """Return those of the connections that may receive the channel's messages."""
        keys = [(channel, connection_id) for connection_id in connection_ids]
        rows = ListenerRecord.batch_get(keys, consistent_read=True)
        return _receivers(list(rows), readers, at)

    def close(self, connection_id: str) -> None:
        """Delete the connection and its subscriptions."""
        with ListenerRecord.batch_write() as batch:
            for subscription in ListenerRecord.by_connection.query(connection_id):
                batch.delete(ListenerRecord(subscription.channel, connection_id))
        ConnectionRecord(connection_id).delete()

    # --- passes over all subscribers of a channel

    def begin_pass(self, channel: str, pass_id: str, *, asked_seq: int, seq: int, at: datetime) -> None:
        """Begin a pass with the state at `seq`, for the change with `asked_seq`. The same pass may begin again.

        Raise PassReplaced if an earlier pass has a state that contains the change.
        """
        earlier = FanOutRecord.seq.does_not_exist() | (FanOutRecord.seq < asked_seq) | (FanOutRecord.pass_id == pass_id)
        actions = [
            FanOutRecord.pass_id.set(pass_id),
            FanOutRecord.seq.set(seq),
            FanOutRecord.expires_at.set(at + CONNECTION_LIFE),
        ]
        with on_refusal(PassReplaced()):
            FanOutRecord(channel).update(actions, earlier)

    def check_pass(self, channel: str, pass_id: str) -> None:
        """Raise PassReplaced if another pass has begun."""
        try:
            newest = FanOutRecord.get(channel, consistent_read=True).pass_id
        except FanOutRecord.DoesNotExist:
            newest = None
        if newest != pass_id:
            raise PassReplaced


def _receivers(listeners: Collection[ListenerRecord], readers: Readers, at: datetime) -> list[str]:
    """Return the connections that may receive the job's messages now. The user's own account has the user's id."""
    live = [listener for listener in listeners if listener.expires_at > at]
    permitted = readers({listener.account_id for listener in live}) if live else ()
    return [listener.connection_id for listener in live if listener.account_id in permitted]


def _channel_of_account(account_id: str) -> str:
    return f"account:{account_id}"


def _channel_of_session(session_id: str) -> str:
    return f"session:{session_id}"


connections = ConnectionStore()
