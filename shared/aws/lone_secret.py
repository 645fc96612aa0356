"""The read of one secret without a client of botocore, whose making is a third of the authorizer's start.

botocore finds the credentials, signs the request and sends it.
"""

import json
import os
from functools import cache
from time import sleep

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ContainerProvider, CredentialResolver, EnvProvider
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from shared.aws.failures import count_failure

_ATTEMPTS = 4
_WAIT_SECONDS = 0.1  # before the second attempt; twice as long before each further one
_TIMEOUT_SECONDS = 2  # of a connection, and of a response


class SecretNotRead(Exception):
    """Secrets Manager does not return the secret."""


def full_name(name: str) -> str:
    """Return the name with the environment's prefix."""
    return os.environ.get("KINORA_SECRET_PREFIX", "kinora/local/") + name


@cache
def lone_secret(name: str) -> str:
    """Return the secret's current text, read once in each process. Raise SecretNotRead."""
    http = URLLib3Session(timeout=_TIMEOUT_SECONDS)
    for attempt in range(_ATTEMPTS):
        if attempt:
            sleep(_WAIT_SECONDS * 2 ** (attempt - 1))
        try:
            response = http.send(_signed(full_name(name)).prepare())
        except BotoCoreError as error:  # no connection, no response or no credentials
            failure = type(error).__name__
        else:
            if response.status_code == 200:
                return str(json.loads(response.content)["SecretString"])
            failure = f"{response.status_code} {response.text[:200]}"
        count_failure("secrets-manager", "GetSecretValue", failure)
    raise SecretNotRead(failure)


def _signed(secret_id: str) -> AWSRequest:
    """Return the request with the signature of the function's role.

    A function that starts from a snapshot has a URL of its credentials. Any other one has them in its environment.
    """
    region = os.environ["AWS_REGION"]
    url = os.environ.get("AWS_ENDPOINT_URL", f"https://secretsmanager.{region}.amazonaws.com")
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
    request = AWSRequest("POST", f"{url}/", headers, json.dumps({"SecretId": secret_id}).encode())
    found = CredentialResolver([ContainerProvider(), EnvProvider()]).load_credentials()
    if found is None:
        raise SecretNotRead("no credentials")
    SigV4Auth(found.get_frozen_credentials(), "secretsmanager", region).add_auth(request)
    return request
