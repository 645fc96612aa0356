"""Reads and writes connections and their listeners."""

from datetime import datetime, timedelta

from shared.connections.record import ConnectionRecord, ListenerRecord
from shared.core.errors import NotFound

CONNECTION_LIFE = timedelta(hours=2)  # API Gateway closes them then


class ConnectionStore:
    def open(self, connection_id: str, *, user_id: str, at: datetime) -> None:
        ConnectionRecord(connection_id, user_id=user_id, expires_at=at + CONNECTION_LIFE).save()

    def user_of(self, connection_id: str) -> str:
        try:
            return ConnectionRecord.get(connection_id, consistent_read=True).user_id
        except ConnectionRecord.DoesNotExist:
            raise NotFound("There is no such connection.") from None

    def subscribe(self, connection_id: str, channel: str, *, user_id: str, at: datetime) -> None:
        ListenerRecord(channel, connection_id, user_id=user_id, expires_at=at + CONNECTION_LIFE).save()

    def unsubscribe(self, connection_id: str, channel: str) -> None:
        ListenerRecord(channel, connection_id).delete()

    def subscribers(self, channel: str) -> list[ListenerRecord]:
        """Who listens, as of now."""
        return list(ListenerRecord.query(channel, consistent_read=True))

    def close(self, connection_id: str) -> None:
        """Forget the connection and all it listened to."""
        with ListenerRecord.batch_write() as batch:
            for subscription in ListenerRecord.by_connection.query(connection_id):
                batch.delete(ListenerRecord(subscription.channel, connection_id))
        ConnectionRecord(connection_id).delete()


connections = ConnectionStore()
