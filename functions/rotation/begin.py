"""The custom resource that creates the first keys before CloudFormation deploys the functions that read them."""

import json
from typing import Any
from urllib.request import Request, urlopen

from functions.rotation.keys import is_unset
from functions.rotation.publishing import withdraw_media_keys
from functions.rotation.secret import SECRETS
from shared.aws.clients import secretsmanager
from shared.aws.lone_secret import full_name
from shared.observability import logger, observed


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation with `{"MediaKeyGroupId"}`. Existing keys are not changed."""
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": event.get("PhysicalResourceId", "keys")}
    try:
        if event["RequestType"] == "Delete":
            withdraw_media_keys()
        else:
            answer |= {"Data": begin()}
    except Exception as error:  # noqa: BLE001  # without an answer CloudFormation waits for an hour
        logger.exception("keys not created")
        answer |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: see the function's log"}
    body = json.dumps(answer).encode()
    request = Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310  # CloudFormation's
    with urlopen(request, timeout=10):  # noqa: S310  # CloudFormation's own address
        pass


def begin() -> dict[str, str]:
    """Create the missing keys and publish all keys."""
    published: dict[str, object] = {}
    for name, secret in SECRETS.items():
        secret_id = full_name(name)
        text = secretsmanager().get_secret_value(SecretId=secret_id)["SecretString"]
        if is_unset(text):
            text = secret.first()
            secretsmanager().put_secret_value(SecretId=secret_id, SecretString=text)
        published[name] = secret.publish(text)
    return {"MediaKeyGroupId": str(published["media-signing-key"])}
