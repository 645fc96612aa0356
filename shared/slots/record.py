"""The tables of admission: the slots of accounts and of the deployment, and the jobs that wait for one.

A slot is the right of one job to have an execution.
"""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UnicodeSetAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection

from shared.aws.records import EpochAttribute, OnDemand, Record, table


class _ByTurn(GlobalSecondaryIndex["SlotsRecord"]):
    """Accounts that may have a waiting job and a free slot. The account whose last admission is oldest is first."""

    class Meta:
        index_name = "by_turn"
        projection = KeysOnlyProjection()

    ready = UnicodeAttribute(hash_key=True)
    turn = EpochAttribute(range_key=True)


class SlotsRecord(Record):
    """The jobs of one owner that have a slot. The owner is an account, or a shard of the deployment."""

    class Meta(OnDemand):
        table_name = table("slots")

    owner = UnicodeAttribute(hash_key=True)
    running = UnicodeSetAttribute(null=True)  # ids of jobs; of a shard: "<account id>#<job id>"
    free = UnicodeSetAttribute(null=True)  # of a shard: the entries of `running` of FREE accounts
    # The other attributes are of accounts only.
    plan = UnicodeAttribute(null=True)  # at the newest submit
    lane = UnicodeAttribute(null=True)  # of the plan
    waiting = NumberAttribute(null=True)  # number of jobs that wait
    ready = UnicodeAttribute(null=True)  # the lane, while the account is in the index
    turn = EpochAttribute(null=True)  # time of the newest admission, or of the first submit
    interval_seconds = NumberAttribute(null=True)  # recent mean between admissions while jobs wait

    by_turn = _ByTurn()


class WaitingRecord(Record):
    """A job that waits for a slot. The ids of an account's jobs are in order of their submits."""

    class Meta(OnDemand):
        table_name = table("waiting-jobs")

    account_id = UnicodeAttribute(hash_key=True)
    job_id = UnicodeAttribute(range_key=True)
