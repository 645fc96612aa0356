"""The assets table: the uploads of creators."""

from enum import StrEnum

from pynamodb.attributes import (
    JSONAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UnicodeSetAttribute,
    UTCDateTimeAttribute,
)
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from shared.aws.records import OnDemand, Record, table

# Prefixes of keys in the media bucket: uploads that are not verified, and clean files.
QUARANTINE, ASSETS = "quarantine/", "assets/"


class AssetType(StrEnum):
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    AUDIO = "AUDIO"
    OTHER = "OTHER"


class AssetStatus(StrEnum):
    """The status of an asset: PENDING until it is uploaded, VERIFYING until it is verified, then READY or REJECTED."""

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
    """An upload. Once it is READY, `key` is the clean file made from it."""

    class Meta(OnDemand):
        table_name = table("assets")

    asset_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    owner_id = UnicodeAttribute()  # the user who created it; permissions depend on the account only
    project_id = UnicodeAttribute(null=True)
    name = UnicodeAttribute()
    type = UnicodeAttribute()
    status = UnicodeAttribute()
    media_type = UnicodeAttribute()
    size = NumberAttribute()  # bytes: declared by the caller, then measured by the verifier
    width = NumberAttribute(null=True)
    height = NumberAttribute(null=True)
    duration = NumberAttribute(null=True)  # seconds
    captions = JSONAttribute(null=True)  # facts of a file of captions: see CaptionsView
    key = UnicodeAttribute(null=True)
    depth_key = UnicodeAttribute(null=True)  # preview of a picture's depth, beside the clean file
    thumbnail_key = UnicodeAttribute(null=True)  # small JPEG of a picture or a clip, beside the clean file
    matte_key = UnicodeAttribute(null=True)  # preview of the subject's matte; absent without an object
    error = UnicodeAttribute(null=True)
    error_code = UnicodeAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    used_by = UnicodeSetAttribute(null=True)  # ids of jobs that may still read the file

    by_account = _AssetsByAccount()

    @property
    def quarantine_key(self) -> str:
        """Key of the upload in the media bucket. Only the verifier may read it."""
        return f"{QUARANTINE}{self.asset_id}"

    @property
    def keys(self) -> frozenset[str]:
        """Keys of the clean file and of its previews."""
        return frozenset(key for key in (self.key, self.thumbnail_key, self.depth_key, self.matte_key) if key)

    @property
    def prefix(self) -> str:
        return f"{ASSETS}{self.asset_id}/"


class VerificationsRecord(Record):
    """The assets of an account that may be under verification."""

    class Meta(OnDemand):
        table_name = table("verifications")

    account_id = UnicodeAttribute(hash_key=True)
    asked = JSONAttribute()  # by asset id: the time of the newest message to the verifier, in seconds since 1970
    seq = NumberAttribute()  # number of the newest write
    expires_at = TTLAttribute()
