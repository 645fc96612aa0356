"""AWS clients, created on first use and cached. Creating one adds tens of milliseconds to a cold start.

They are clients of botocore: boto3 adds the transfers of files to the one of S3, and its import takes 30 ms.
"""

# mypy: disable-error-code="no-any-return"
# botocore's own stub of `create_client` does not know the classes of the clients.

import os
import socket
from collections.abc import Callable
from copy import copy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.config import Config as BotoConfig
from botocore.credentials import CredentialProvider, CredentialResolver, DeferredRefreshableCredentials
from botocore.hooks import HierarchicalEmitter
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader
from botocore.session import Session as BotocoreSession

from shared.aws.failures import counted

if TYPE_CHECKING:  # the deployed bundles do not contain the stubs
    from mypy_boto3_apigatewaymanagementapi import ApiGatewayManagementApiClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sagemaker_runtime import SageMakerRuntimeClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_xray import XRayClient


WORK_SECONDS = 880  # maximum wait for a function that does the work of a step
CONNECT_SECONDS = 5
_PROBES = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    # macOS has another name; there no function waits for that long
    *(
        (socket.IPPROTO_TCP, getattr(socket, name), 60)
        for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL")
        if hasattr(socket, name)
    ),
]
SOCKETS_AT_ONCE = 32  # maximum simultaneous calls of `@connections` by one process

_RETRIES = BotoConfig(retries={"mode": "standard", "total_max_attempts": 4})
# botocore signs URLs and forms with version 2 by default. S3 refuses version 2 for objects that KMS encrypts.
_S3 = _RETRIES.merge(BotoConfig(signature_version="s3v4"))


class _Loader(Loader):
    """The descriptions of the services. To check the name of one, botocore looks into the folders of all (40 ms)."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # every service has each type
        return [path.name for path in Path(self.BUILTIN_DATA_PATH).iterdir()]


@cache
def _loader() -> Loader:
    """Return the loader that all sessions share, because reading the description of S3 takes 100 ms."""
    return _Loader()


@cache
def session() -> BotocoreSession:
    """Return the session of all clients but those of `s3_with`."""
    one = BotocoreSession()
    one.register_component("data_loader", _loader())
    return one


def _client(service: str, config: BotoConfig = _RETRIES, **options: Any) -> Any:
    return session().create_client(service, config=config, **options)


@cache
def s3() -> "S3Client":
    """Return the client that reads and writes the media bucket."""
    return counted(_client("s3", _S3))


class _Fixed(CredentialProvider):
    """A provider of the same credentials for all clients of a session."""

    METHOD = CANONICAL_NAME = "fixed"

    def __init__(self, credentials: DeferredRefreshableCredentials) -> None:
        super().__init__()
        self._credentials = credentials

    def load(self) -> DeferredRefreshableCredentials:
        return self._credentials


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
    own: Any = BotocoreSession(event_hooks=copy(_hooks()), include_builtin_handlers=False)
    own.register_component("credential_provider", CredentialResolver([_Fixed(credentials)]))
    own.register_component("data_loader", _loader())
    return counted(own.create_client("s3", config=_S3))


@cache
def uploads_s3() -> "S3Client":
    """Return the client that signs upload forms for the creators' browsers.

    The variable names another endpoint than S3 itself.
    """
    return _client("s3", _S3, endpoint_url=os.environ.get("KINORA_UPLOAD_ENDPOINT_URL"))


@cache
def sqs() -> "SQSClient":
    return counted(_client("sqs"))


@cache
def functions() -> Any:
    return _client("lambda")


@cache
def patient_functions() -> Any:
    """Return a client that waits for a function of 15 minutes, and does not retry.

    The balancer of Lambda's API ends a connection that is silent for some minutes. So the system sends probes.
    """
    patient = _client("lambda", BotoConfig(retries={"total_max_attempts": 1}))
    # botocore's own option sets SO_KEEPALIVE only, and the first probe would follow after two hours.
    options: dict[str, Any] = {"timeout": (CONNECT_SECONDS, WORK_SECONDS), "socket_options": _PROBES}
    patient._endpoint.http_session = URLLib3Session(**options)
    return patient


@cache
def ses() -> Any:
    return _client("sesv2")


@cache
def kms() -> Any:
    return counted(_client("kms"))


@cache
def ses_once() -> Any:
    """Return a client that does not retry: a message whose answer is lost may have been sent."""
    return _client("sesv2", BotoConfig(retries={"total_max_attempts": 1}))


@cache
def sts() -> Any:
    return _client("sts")


@cache
def stepfunctions() -> "SFNClient":
    return _client("stepfunctions")


@cache
def sagemaker_runtime() -> "SageMakerRuntimeClient":
    return _client("sagemaker-runtime")


@cache
def secretsmanager() -> "SecretsManagerClient":
    return counted(_client("secretsmanager"))


@cache
def xray() -> "XRayClient":
    """Return a client that does not retry and waits at most 2 s: a trace must not delay the work."""
    return _client("xray", BotoConfig(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}))


@cache
def ecs() -> Any:
    """Return a client that does not retry and waits at most 2 s: an alarm starts the worker that it does not start."""
    return _client("ecs", BotoConfig(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1}))


@cache
def sockets() -> "ApiGatewayManagementApiClient":
    """Return a client that does not retry and waits at most 1 s: a slow socket must not delay the others."""
    config = BotoConfig(
        connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1}, max_pool_connections=SOCKETS_AT_ONCE
    )
    endpoint = os.environ.get("KINORA_SOCKET_ENDPOINT_URL", "")  # the callback URL of the WebSocket API
    return _client("apigatewaymanagementapi", config, endpoint_url=endpoint)
