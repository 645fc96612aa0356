"""CloudFormation calls this as a custom resource: the first keys exist before anything that reads them is deployed."""

import json
from typing import Any
from urllib.request import Request, urlopen

from functions.rotation.keys import is_unset
from functions.rotation.publishing import withdraw_media_keys
from functions.rotation.secret import SECRETS
from shared.aws.clients import secretsmanager
from shared.aws.secrets import SecretsConfig
from shared.observability import logger, observed


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """Answers `{"MediaKeyGroupId"}`; a second creation or an update finds the keys there and leaves them."""
    answer = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    answer |= {"Status": "SUCCESS", "PhysicalResourceId": event.get("PhysicalResourceId", "keys")}
    try:
        if event["RequestType"] == "Delete":
            withdraw_media_keys()
        else:
            answer |= {"Data": begin()}
    except Exception as error:  # noqa: BLE001  # CloudFormation waits an hour for an answer that never comes
        logger.exception("keys not made")
        answer |= {"Status": "FAILED", "Reason": f"{type(error).__name__}: see the function's log"}
    body = json.dumps(answer).encode()
    request = Request(event["ResponseURL"], body, {"Content-Type": ""}, method="PUT")  # noqa: S310  # CloudFormation's
    with urlopen(request, timeout=10):  # noqa: S310  # CloudFormation's own address
        pass


def begin() -> dict[str, str]:
    """Make the keys that are not there yet, and publish all."""
    published: dict[str, object] = {}
    for name, secret in SECRETS.items():
        secret_id = SecretsConfig().secret_prefix + name
        text = secretsmanager().get_secret_value(SecretId=secret_id)["SecretString"]
        if is_unset(text):
            text = secret.first()
            secretsmanager().put_secret_value(SecretId=secret_id, SecretString=text)
        published[name] = secret.publish(text)
    return {"MediaKeyGroupId": str(published["media-signing-key"])}
