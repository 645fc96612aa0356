"""The rotation function. Secrets Manager calls it for each of four steps and may repeat a step."""

from typing import Any

from functions.rotation.keys import is_unset
from functions.rotation.secret import rotated
from shared.aws.clients import secretsmanager
from shared.observability import logger, observed


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """Perform one step, `{Step, SecretId, ClientRequestToken}`. The token is the new version's id."""
    arn, version = event["SecretId"], event["ClientRequestToken"]
    _STEPS[event["Step"]](arn, version)
    logger.info("rotation step done", step=event["Step"], secret_arn=arn)


def _create(arn: str, version: str) -> None:
    if _text(arn, version) is None:
        current = _text(arn)
        secret = rotated(arn)
        text = secret.first() if current is None or is_unset(current) else secret.roll(current)
        secretsmanager().put_secret_value(
            SecretId=arn, ClientRequestToken=version, SecretString=text, VersionStages=["AWSPENDING"]
        )


def _publish(arn: str, version: str) -> None:
    rotated(arn).publish(_pending(arn, version))


def _try_out(arn: str, version: str) -> None:
    # Secrets Manager also calls this step when a schedule is set. There is no new version then.
    text = _text(arn, version) or _text(arn)
    rotated(arn).try_out(text or "")


def _finish(arn: str, version: str) -> None:
    stages = secretsmanager().describe_secret(SecretId=arn)["VersionIdsToStages"]
    current = next((known for known, labels in stages.items() if "AWSCURRENT" in labels), None)
    if current is not None and current != version:
        secretsmanager().update_secret_version_stage(
            SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=version, RemoveFromVersionId=current
        )


_STEPS = {"createSecret": _create, "setSecret": _publish, "testSecret": _try_out, "finishSecret": _finish}


def _pending(arn: str, version: str) -> str:
    text = _text(arn, version)
    if text is None:
        raise LookupError(f"{arn} has no version {version}")
    return text


def _text(arn: str, version: str | None = None) -> str | None:
    """Return the text of a version (default: the current one), or None if the version does not exist."""
    client = secretsmanager()
    chosen: dict[str, Any] = {"VersionId": version} if version else {"VersionStage": "AWSCURRENT"}
    try:
        return client.get_secret_value(SecretId=arn, **chosen)["SecretString"]
    except client.exceptions.ResourceNotFoundException:
        return None
