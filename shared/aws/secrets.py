"""Secrets from Secrets Manager, read once in each process."""

from functools import cache

from shared.aws.clients import secretsmanager
from shared.aws.lone_secret import full_name


@cache
def secret(name: str) -> str:
    """Return the secret's current text. `name` excludes the environment's prefix."""
    return secretsmanager().get_secret_value(SecretId=full_name(name))["SecretString"]


def has_value(name: str) -> bool:
    """Return whether the secret has a value, without reading the value."""
    try:
        description = secretsmanager().describe_secret(SecretId=full_name(name))
    except secretsmanager().exceptions.ResourceNotFoundException:
        return False
    if "DeletedDate" in description:  # an operator deleted it and may restore it
        return False
    return any("AWSCURRENT" in stages for stages in description.get("VersionIdsToStages", {}).values())
