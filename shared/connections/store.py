"""Reads and writes of connections and their subscriptions."""

from datetime import datetime, timedelta

from shared.connections.record import ConnectionRecord, ListenerRecord
from shared.core.errors import NotFound

CONNECTION_LIFE = timedelta(hours=2)  # API Gateway closes a connection after this time


class ConnectionStore:
    def open(self, connection_id: str, *, account_id: str, user_id: str, at: datetime) -> None:
        ConnectionRecord(connection_id, account_id=account_id, user_id=user_id, expires_at=at + CONNECTION_LIFE).save()

    def account_of(self, connection_id: str) -> str:
        """Return the id of the account for which the connection was opened. Raise NotFound."""
        try:
            return ConnectionRecord.get(connection_id, consistent_read=True).account_id
        except ConnectionRecord.DoesNotExist:
            raise NotFound("There is no such connection.") from None

    def subscribe(self, connection_id: str, channel: str, *, account_id: str, at: datetime) -> None:
        ListenerRecord(channel, connection_id, account_id=account_id, expires_at=at + CONNECTION_LIFE).save()

    def unsubscribe(self, connection_id: str, channel: str) -> None:
        ListenerRecord(channel, connection_id).delete()

    def subscribers(self, channel: str, *, account_id: str) -> list[ListenerRecord]:
        """Return the account's current subscriptions to the channel."""
        listeners = ListenerRecord.query(channel, consistent_read=True)
        return [listener for listener in listeners if listener.account_id == account_id]

    def close(self, connection_id: str) -> None:
        """Delete the connection and its subscriptions."""
        with ListenerRecord.batch_write() as batch:
            for subscription in ListenerRecord.by_connection.query(connection_id):
                batch.delete(ListenerRecord(subscription.channel, connection_id))
        ConnectionRecord(connection_id).delete()


connections = ConnectionStore()
