"""The guesses table: the failed guesses of passwords that count against an account, a client's address or a device."""

from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute

from shared.aws.records import EpochAttribute, OnDemand, Record, table


class GuessesRecord(Record):
    """The guesses of one counter. A guess counts as failed from its beginning until it succeeds."""

    class Meta(OnDemand):
        table_name = table("guesses")

    counter = UnicodeAttribute(hash_key=True)  # kind and digest: the table contains no addresses
    failures = NumberAttribute(default=0)
    next_at = EpochAttribute()  # earlier guesses are refused
    expires_at = TTLAttribute()
