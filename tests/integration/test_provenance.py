"""The source of a worker's signing certificate, and workers without one."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from local.keys import provenance
from shared.aws.lone_secret import full_name
from shared.aws.secrets import secret
from tests.support.studio import Studio
from workers.provenance import signer


@pytest.fixture(autouse=True)
def empty_caches() -> Iterator[None]:
    secret.cache_clear()
    yield
    secret.cache_clear()


def test_a_deployment_without_a_certificate_signs_nothing(studio: Studio) -> None:
    assert signer.from_secrets() is None


def test_a_deployments_certificate_signs(studio: Studio, tmp_path: Path) -> None:
    client = boto3.client("secretsmanager")
    names = {full_name(name): value for name, value in provenance(tmp_path).items()}
    for name, value in names.items():
        client.create_secret(Name=name, SecretString=value)
    assert isinstance(signer.from_secrets(), signer.Signer)
    for name in names:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def test_a_deployments_bad_certificate_stops_no_film(studio: Studio, tmp_path: Path) -> None:
    client = boto3.client("secretsmanager")
    names = [full_name(name) for name in provenance(tmp_path)]
    for name in names:
        client.create_secret(Name=name, SecretString="not a certificate")  # no password
    assert signer.from_secrets() is None
    for name in names:
        client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)


def test_an_error_of_secrets_manager_is_not_a_missing_certificate(studio: Studio) -> None:
    busy = ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "GetSecretValue")
    studio.cloud.broken["GetSecretValue"] = busy
    with pytest.raises(ClientError):
        signer.from_secrets()


def test_without_signing_no_certificate_is_requested(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets Manager is not reachable there: a request would wait until its timeout."""
    monkeypatch.setenv("KINORA_SIGNS_FILMS", "false")
    studio.cloud.calls.clear()
    assert signer.from_secrets() is None
    assert "GetSecretValue" not in studio.cloud.calls
