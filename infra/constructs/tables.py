"""A DynamoDB table with the keys, indexes, stream and time to live of its record."""

from collections.abc import Iterable
from typing import Any

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_kms as kms
from constructs import Construct
from pynamodb.attributes import TTLAttribute

from infra.environments import Environment
from shared.aws.records import Record, table

_TYPES = {
    "S": dynamodb.AttributeType.STRING,
    "N": dynamodb.AttributeType.NUMBER,
    "B": dynamodb.AttributeType.BINARY,
}


def short_name(record: type[Record]) -> str:
    """Return the table's name without its environment: `job-specs`."""
    return str(record.Meta.table_name).removeprefix(table(""))


def index_names(record: type[Record]) -> tuple[str, ...]:
    return tuple(index["index_name"] for index in record._get_schema()["global_secondary_indexes"])


class RecordTable(dynamodb.Table):
    """The table `{prefix}-{short_name}` of one record."""

    def __init__(self, scope: Construct, environment: Environment, record: type[Record], *, key: kms.IKey) -> None:
        schema = record._get_schema()  # pynamodb's own schema for creating the table
        types = {entry["AttributeName"]: _TYPES[entry["AttributeType"]] for entry in schema["attribute_definitions"]}
        stream = getattr(record.Meta, "stream_view_type", None)
        lives = [a.attr_name for a in record.get_attributes().values() if isinstance(a, TTLAttribute)]
        super().__init__(
            scope,
            short_name(record),
            table_name=f"{environment.prefix}-{short_name(record)}",
            **_keys(schema["key_schema"], types),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=dynamodb.StreamViewType(stream) if stream else None,
            time_to_live_attribute=lives[0] if lives else None,
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=key,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=environment.deletion_protection,
            removal_policy=environment.removal_policy,
        )
        for index in schema["global_secondary_indexes"]:
            projection = index["projection"]
            self.add_global_secondary_index(
                index_name=index["index_name"],
                **_keys(index["key_schema"], types),
                projection_type=dynamodb.ProjectionType(projection["ProjectionType"]),
                non_key_attributes=projection.get("NonKeyAttributes"),
            )


def _keys(schema: Iterable[Any], types: dict[str, dynamodb.AttributeType]) -> dict[str, Any]:
    names = {"HASH": "partition_key", "RANGE": "sort_key"}
    return {
        names[part["KeyType"]]: dynamodb.Attribute(name=part["AttributeName"], type=types[part["AttributeName"]])
        for part in schema
    }
