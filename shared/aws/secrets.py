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
