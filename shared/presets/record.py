"""The table of presets that users have made, and of changed labels of built-in presets."""

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from shared.aws.records import OnDemand, Record, table

STUDIO = "studio"  # the account of the presets that everybody can use


class _PresetsByAccount(GlobalSecondaryIndex["PresetRecord"]):
    class Meta:
        index_name = "by_account"
        projection = AllProjection()

    account_id = UnicodeAttribute(hash_key=True)
    preset_id = UnicodeAttribute(range_key=True)


class PresetRecord(Record):
    """A preset of an account, or of the studio. With the id of a built-in preset it changes that preset's labels.

    Attributes that the labels of a built-in preset lack are those of the built-in preset.
    """

    class Meta(OnDemand):
        table_name = table("presets")

    preset_id = UnicodeAttribute(hash_key=True)
    account_id = UnicodeAttribute()
    owner_id = UnicodeAttribute(null=True)  # the user who made it; None for presets of the studio
    name = UnicodeAttribute(null=True)
    description = UnicodeAttribute(null=True)
    category = UnicodeAttribute(null=True)
    config = JSONAttribute(null=True)  # a CameraMove
    is_public = BooleanAttribute(null=True)  # whether the list of the studio contains it
    created_at = UTCDateTimeAttribute()
    updated_at = UTCDateTimeAttribute()

    by_account = _PresetsByAccount()
