"""A worker's access to the media of its task. Its own role opens no media."""

import json
from contextlib import suppress

from botocore.exceptions import ClientError

from shared.aws import clients, media
from shared.core.config import Config
from shared.stages.messages import MediaCredentials, MediaRequest
from workers.runtime.outages import GrantFailed


class GrantConfig(Config):
    grant_function: str = ""  # name of the function `pipeline-grant`


class NotGranted(Exception):
    """The task has a newer message, or the attempt is not its current one."""


class GrantedMedia:
    """The media of one task: `.client` is an S3 client with credentials for them, which it renews.

    A service that does not answer raises one of `AWS_ERRORS`, also while the client renews them.
    """

    def __init__(self, request: MediaRequest) -> None:
        self._request = request
        self._first: MediaCredentials | None = granted(request)
        self.client = clients.s3_with(self._next)

    def _next(self) -> dict[str, str]:
        """Return the credentials that the constructor has received, and later new ones. Raise NotGranted."""
        fetched, self._first = self._first or granted(self._request), None
        return _as_botocore_has_them(fetched)


class GivenMedia:
    """The media of one task, with credentials from another process. They are not renewed."""

    def __init__(self, credentials: MediaCredentials) -> None:
        self.client = clients.s3_with(lambda: _as_botocore_has_them(credentials))


def reach_media() -> None:
    """Raise one of `AWS_ERRORS` unless `pipeline-grant` and S3 answer. A refusal is an answer."""
    with suppress(NotGranted):
        granted(MediaRequest(proof=""))
    try:
        clients.s3().head_bucket(Bucket=media.config().media_bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "403":
            raise


def granted(request: MediaRequest) -> MediaCredentials:
    """Return the credentials for the media of a task. Raise NotGranted, or one of `AWS_ERRORS`."""
    answer = clients.functions().invoke(FunctionName=GrantConfig().grant_function, Payload=request.encoded())
    body = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise GrantFailed(body.get("errorType"))
    if "refused" in body:
        raise NotGranted(body["refused"])
    return MediaCredentials.model_validate(body)


def _as_botocore_has_them(credentials: MediaCredentials) -> dict[str, str]:
    return credentials.model_dump(exclude={"expires_at"}) | {"expiry_time": credentials.expires_at}
