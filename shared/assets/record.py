"""The assets table: what creators upload."""

from enum import StrEnum

from pynamodb.attributes import NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from shared.aws.records import OnDemand, Record, table

# Prefixes of keys in the media bucket: uploads before their verification, clean files after it.
QUARANTINE, ASSETS = "quarantine/", "assets/"


class AssetType(StrEnum):
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    OTHER = "OTHER"


class AssetStatus(StrEnum):
    """PENDING until it is uploaded, VERIFYING until a worker has looked at it, then READY or REJECTED."""

    PENDING = "PENDING"
    VERIFYING = "VERIFYING"
    READY = "READY"
    REJECTED = "REJECTED"


class _AssetsByAccount(GlobalSecondaryIndex["AssetRecord"]):
    class Meta:
        index_name = "by_account"
        projection = AllProjection()

    account_id = UnicodeAttribute(hash_key=True)
    asset_id = UnicodeAttribute(range_key=True)


class AssetRecord(Record):
    """An upload, and once READY the clean file made from it."""

    class Meta(OnDemand):
        table_name = table("assets")

    asset_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()  # the user who made it; permission goes by the account
    project_id = UnicodeAttribute(null=True)
    name = UnicodeAttribute()
    type = UnicodeAttribute()
    status = UnicodeAttribute()
    media_type = UnicodeAttribute()
    size = NumberAttribute()  # bytes, as promised and later as verified
    width = NumberAttribute(null=True)
    height = NumberAttribute(null=True)
    duration = NumberAttribute(null=True)  # seconds
    key = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    error_code = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()

    by_account = _AssetsByAccount()

    @property
    def quarantine_key(self) -> str:
        """Where the upload lands, readable by verification only."""
        return f"{QUARANTINE}{self.asset_id}"

    @property
    def prefix(self) -> str:
        return f"{ASSETS}{self.asset_id}/"
