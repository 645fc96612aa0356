"""Secrets, read once for each process."""

from functools import cache

from shared.aws.clients import secretsmanager
from shared.core.config import Config


class SecretsConfig(Config):
    secret_prefix: str = "kinora/local/"  # noqa: S105  # the names' prefix, no secret


@cache
def secret(name: str) -> str:
    """The secret's current text; `name` is without the environment's prefix."""
    return secretsmanager().get_secret_value(SecretId=SecretsConfig().secret_prefix + name)["SecretString"]


def filled(name: str) -> bool:
    """Whether the secret has a value: asked without reading it, by who need not know it."""
    try:
        held = secretsmanager().describe_secret(SecretId=SecretsConfig().secret_prefix + name)
    except secretsmanager().exceptions.ResourceNotFoundException:
        return False
    if "DeletedDate" in held:  # an operator has taken it back, and may restore it
        return False
    return any("AWSCURRENT" in stages for stages in held.get("VersionIdsToStages", {}).values())
