"""The permissions of the workers' roles as the committed snapshots show them, and requests in IAM's terms."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from infra.functions import STAGE_CALLER, VERIFICATION_CALLER
from infra.workers import ISOLATED
from shared.aws.records import Record
from shared.stages.engines import Family
from shared.stages.queues import VERIFICATION_QUEUE
from tests.support.iam import Statement, allows

SNAPSHOTS = Path(__file__).parents[1] / "infra" / "snapshots"
OF_STAGES = Family.CPU_MEDIA.value  # the workers of all stages, where services do the work
CALLERS = (STAGE_CALLER.name, VERIFICATION_CALLER.name)
ROLES = (OF_STAGES, VERIFICATION_QUEUE, "remote-engine", *CALLERS, *ISOLATED)
MEDIA = "arn:aws:s3:::kinora-dev-media-123456789012"
Request = tuple[str, str, dict[str, Any]]  # action, resource, keys


@cache
def statements(role: str) -> list[Statement]:
    """Return the statements of a worker's role, or of the `media` role. A test compares the snapshot with the CDK."""
    of_service = role in {OF_STAGES, VERIFICATION_QUEUE}
    text = (SNAPSHOTS / f"iam-{'services' if of_service else 'dev'}.json").read_text()
    roles = json.loads(text.replace("kinora-services-", "kinora-dev-"))["roles"]
    word = role.replace("-", "")
    if of_service:
        name = f"workers {word}TaskTaskRole"
    elif role == "media":
        name = "pipeline kinora-dev-media"
    else:
        name = f"{'workers' if role in ISOLATED else 'pipeline'} {word}role"
    shown = ({"effect": "Allow"} | one for one in roles[name]["may"])
    return [{key.capitalize(): value for key, value in one.items()} for one in shown]


def queue_arn(name: str) -> str:
    return _arn("sqs", f"kinora-dev-{name}")


def table_arn(record: type[Record]) -> str:
    return _arn("dynamodb", f"table/{record.Meta.table_name}")


def may_update(role: str, record: type[Record], *attributes: str, returned: str = "NONE") -> bool:
    keys = {"dynamodb:Attributes": attributes, "dynamodb:ReturnValues": returned}
    return allows(statements(role), "dynamodb:UpdateItem", table_arn(record), keys)


def requests(service: str, operation: str, params: Any) -> Iterator[Request]:
    """Yield what IAM sees of a call of a worker."""
    match service, operation:
        case "dynamodb", "BatchGetItem":
            for table in params["RequestItems"]:
                yield "dynamodb:BatchGetItem", _arn("dynamodb", f"table/{table}"), {}
        case "dynamodb", _:
            keys = {"dynamodb:Attributes": attributes_of(params), "dynamodb:ReturnValues": params.get("ReturnValues")}
            given = {name: value for name, value in keys.items() if value}
            yield f"dynamodb:{operation}", _arn("dynamodb", f"table/{params['TableName']}"), given
        case "s3", _:
            action = {"HeadObject": "GetObject"}.get(operation, operation)
            resource = f"{MEDIA}/{params.get('Key', '')}"
            yield f"s3:{action}", resource, {}
            if "Tagging" in params:
                yield "s3:PutObjectTagging", resource, {}
        case "sqs", _:
            name = params["QueueUrl"].rpartition("/")[2]
            action = {"ChangeMessageVisibilityBatch": "ChangeMessageVisibility"}.get(operation, operation)
            yield f"sqs:{action}", _arn("sqs", name), {}
        case "lambda", "Invoke":
            yield "lambda:InvokeFunction", _arn("lambda", f"function:{params['FunctionName']}"), {}
        case "stepfunctions", _:
            yield f"states:{operation}", _arn("states", "stateMachine:kinora-test-generate-video"), {}
        case "xray", _:
            yield f"xray:{operation}", "*", {}
        case "secretsmanager", _:
            yield f"secretsmanager:{operation}", _arn("secretsmanager", "secret:" + params["SecretId"]), {}
        case _:
            raise NotImplementedError(f"{service}:{operation}")


def attributes_of(params: Any) -> list[str]:
    """Return the top-level attributes that a request of DynamoDB names: of its key, item and expressions."""
    names = params.get("ExpressionAttributeNames", {})
    expressions = " ".join(params.get(f"{kind}Expression", "") for kind in ("Update", "Condition", "Projection"))
    named = {names[path.partition(".")[0]] for path in re.findall(r"#\w+(?:\.#\w+)*", expressions)}
    return sorted({*named, *params.get("Key", {}), *params.get("Item", {})})


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:us-east-1:123456789012:{rest.replace('kinora-test-', 'kinora-dev-')}"
