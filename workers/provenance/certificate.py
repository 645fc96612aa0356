"""The certificate with which the deployment signs films. An operator writes it (docs/how-to/deploy.md)."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from botocore.exceptions import ClientError

from shared.aws.secrets import secret
from shared.core.config import Config
from shared.core.wire import Wire
from shared.observability import logger

SIGNING_KEY = "provenance-signing-key"  # PEM, ECDSA on P-256
CERTIFICATES = "provenance-certificates"  # PEM: the signer's certificate, then its issuers


class ProvenanceConfig(Config):
    signs_films: bool = True  # False without a certificate: the worker then cannot reach Secrets Manager


class Certificate(Wire):
    """The signing key, and the certificate with its issuers, as PEM."""

    key: str
    chain: str


_given: ContextVar[Certificate | None] = ContextVar("given", default=None)


@contextmanager
def given(certificate: Certificate | None) -> Iterator[None]:
    """Let `certificate` return this one inside the block. The process cannot reach Secrets Manager."""
    before = _given.set(certificate)
    try:
        yield
    finally:
        _given.reset(before)


def certificate() -> Certificate | None:
    """Return the deployment's certificate, or None if it has none. Films are then not signed."""
    if (found := _given.get()) is not None:
        return found
    if not ProvenanceConfig().signs_films:
        return None
    try:
        return Certificate(key=secret(SIGNING_KEY), chain=secret(CERTIFICATES))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        logger.warning("no certificate: films are not signed")
        return None
