"""AWS clients, created on first use and cached. Creating one adds tens of milliseconds to a cold start."""

from collections.abc import Callable
from copy import copy
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config as BotoConfig
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.hooks import HierarchicalEmitter
from botocore.loaders import Loader
from botocore.session import Session as BotocoreSession

from shared.aws.failures import counted
from shared.core.config import Config

if TYPE_CHECKING:  # the deployed bundles do not contain the stubs
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_xray import XRayClient


class EndpointConfig(Config):
    """Endpoints that replace the region's default endpoints."""

    socket_endpoint_url: str = ""  # the WebSocket API's callback URL
    upload_endpoint_url: str | None = None  # receives the creators' uploads; None = S3 itself


SOCKETS_AT_ONCE = 32  # maximum simultaneous calls of `@connections` by one process

_RETRIES = BotoConfig(retries={"mode": "standard", "total_max_attempts": 4})
# boto3 signs URLs and forms with version 2 by default. S3 refuses version 2 for objects that KMS encrypts.
_S3 = _RETRIES.merge(BotoConfig(signature_version="s3v4"))


@cache
def s3() -> "S3Client":
    """Return the client that reads and writes the media bucket."""
    return counted(boto3.client("s3", config=_S3))


class _Fixed(CredentialProvider):
    """A provider of the same credentials for all clients of a session."""

    METHOD = CANONICAL_NAME = "fixed"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        return self._credentials


class _SharedLoader(Loader):
    """A loader whose search paths stay as they are. boto3 adds one path for each session that uses the loader."""

    @property
    def search_paths(self) -> list[str]:
        return list(super().search_paths)


@cache
def _loader() -> Loader:
    """Return the loader that all sessions share, because reading the description of S3 takes 100 ms."""
    return _SharedLoader()


@cache
def _hooks() -> HierarchicalEmitter:
    """Return botocore's hooks, which each session copies, because registering them takes 10 ms."""
    hooks = HierarchicalEmitter()
    BotocoreSession(event_hooks=hooks)
    return hooks


def s3_with(fetch: Callable[[], dict[str, str]]) -> "S3Client":
    """Return an S3 client whose credentials `fetch` returns: at the first call, and again before they expire.

    `fetch` returns `access_key`, `secret_key`, `token` and `expiry_time` (ISO 8601).
    """
    credentials = DeferredRefreshableCredentials(fetch, _Fixed.METHOD)
    session = BotocoreSession(event_hooks=copy(_hooks()), include_builtin_handlers=False)
    session.register_component("credential_provider", CredentialResolver([_Fixed(credentials)]))
    session.register_component("data_loader", _loader())
    return counted(boto3.Session(botocore_session=session).client("s3", config=_S3))


@cache
def uploads_s3() -> "S3Client":
    """Return the client that signs upload forms for the creators' browsers."""
    return boto3.client("s3", config=_S3, endpoint_url=EndpointConfig().upload_endpoint_url)


@cache
def sqs() -> "SQSClient":
    return counted(boto3.client("sqs", config=_RETRIES))


@cache
def functions() -> Any:
    return boto3.client("lambda", config=_RETRIES)


@cache
def ses() -> Any:
    return boto3.client("sesv2", config=_RETRIES)


@cache
def kms() -> Any:
    return counted(boto3.client("kms", config=_RETRIES))


@cache
def ses_once() -> Any:
    """Return a client that does not retry: a message whose answer is lost may have been sent."""
    return boto3.client("sesv2", config=BotoConfig(retries={"total_max_attempts": 1}))


@cache
def sts() -> Any:
    return boto3.client("sts", config=_RETRIES)


@cache
def stepfunctions() -> "SFNClient":
    return boto3.client("stepfunctions", config=_RETRIES)


@cache
def sagemaker_runtime() -> "SageMakerRuntimeClient":
    return boto3.client("sagemaker-runtime", config=_RETRIES)


@cache
def secretsmanager() -> "SecretsManagerClient":
    return counted(boto3.client("secretsmanager", config=_RETRIES))


@cache
def xray() -> "XRayClient":
    """Return a client that does not retry and waits at most 2 s: a trace must not delay the work."""
    return boto3.client("xray", config=BotoConfig(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}))


@cache
def ecs() -> Any:
    """Return a client that does not retry and waits at most 2 s: an alarm starts the worker that it does not start."""
    return boto3.client("ecs", config=BotoConfig(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}))


@cache
def sockets() -> "ApiGatewayManagementApiClient":
    """Return a client that does not retry and waits at most 1 s: a slow socket must not delay the others."""
    config = BotoConfig(
        connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1}, max_pool_connections=SOCKETS_AT_ONCE
    )
    endpoint = EndpointConfig().socket_endpoint_url
    return boto3.client("apigatewaymanagementapi", config=config, endpoint_url=endpoint)
