"""Open WebSockets, and the channels to which they are subscribed."""

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from shared.aws.records import OnDemand, Record, table


class ConnectionRecord(Record):
    class Meta(OnDemand):
        table_name = table("connections")

    connection_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    user_id = UnicodeAttribute()  # the user who opened it
    expires_at = TTLAttribute()


class _ByConnection(GlobalSecondaryIndex["ListenerRecord"]):
    class Meta:
        index_name = "by_connection"
        projection = KeysOnlyProjection()

    connection_id = UnicodeAttribute(hash_key=True)


class ListenerRecord(Record):
    """The subscription of one connection to one channel.

    A channel is `job:<id>`, or the caller's `session:<id>` or `account:<id>`.
    """

    class Meta(OnDemand):
        table_name = table("listeners")

    channel = UnicodeAttribute(hash_key=True)
    connection_id = UnicodeAttribute(range_key=True)
    account_id = UnicodeAttribute()
    expires_at = TTLAttribute()

    by_connection = _ByConnection()


class FanOutRecord(Record):
    """The newest pass over the subscribers of one channel, which sends them the job's state at `seq`."""

    class Meta(OnDemand):
        table_name = table("fan-outs")

    channel = UnicodeAttribute(hash_key=True)
    pass_id = UnicodeAttribute()
    seq = NumberAttribute()
    expires_at = TTLAttribute()
