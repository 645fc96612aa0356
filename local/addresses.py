"""The addresses of a laptop cloud, and the file by which other programs of this folder find a running one."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from local.environment import ACCESS_KEY_ID, PREFIX, REGION, SECRET_ACCESS_KEY

RUNNING = "running.json"


class FunctionError(Exception):
    """An invoked function raised an exception. `answer` is the body of Lambda's response."""

    def __init__(self, answer: dict[str, Any]) -> None:
        super().__init__(f"{answer.get('errorType')}: {answer.get('errorMessage')}")
        self.answer = answer


@dataclass(frozen=True)
class Addresses:
    """The addresses of a laptop cloud, and requests to its functions and services."""

    api_url: str
    moto_url: str
    providers_url: str | None  # the imitation of providers, if it runs

    @property
    def socket_url(self) -> str:
        return f"{self.api_url.replace('http', 'ws', 1)}/ws"

    @property
    def outbox_url(self) -> str:
        """The page with the email that was sent."""
        return f"{self.moto_url}/outbox"

    @property
    def docs_url(self) -> str:
        return f"{self.api_url}/docs"

    def client(self, service: Any) -> Any:
        """Return a boto3 client of this cloud. The caller's own AWS environment is not used."""
        import boto3  # noqa: PLC0415  # takes 350 ms, and the demo does not need it

        return boto3.client(
            service,
            endpoint_url=self.moto_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
        )

    def invoke(self, function_name: str, payload: Any) -> Any:
        """Invoke a function by its name (`pipeline-reconcile`) and return its response. Raise FunctionError."""
        url = f"{self.api_url}/functions/{PREFIX}-{function_name}/invocations"
        request = Request(url, json.dumps(payload).encode(), method="POST")  # noqa: S310  # our own address
        try:
            with urlopen(request, timeout=60) as response:  # noqa: S310  # our own address
                failed, answer = response.headers.get("x-amz-function-error"), json.load(response)
        except HTTPError as error:
            raise FunctionError({"errorType": "Unknown", "errorMessage": error.read().decode()}) from None
        if failed:
            raise FunctionError(answer)
        return answer


@contextmanager
def announced(cloud: Addresses, folder: Path) -> Iterator[None]:
    """Let `running` find the cloud until the block ends, or this process does: the kernel then removes the lock.

    If another cloud of the folder is announced, it stays so.
    """
    path = folder / RUNNING
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield
            return
        named = Addresses(cloud.api_url, cloud.moto_url, cloud.providers_url)
        path.write_text(json.dumps(asdict(named)))
        yield


def running(folder: Path) -> Addresses | None:
    """Return the addresses of the folder's announced cloud, or None."""
    try:
        with (folder / RUNNING).open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return Addresses(**json.load(file))
    except (FileNotFoundError, json.JSONDecodeError):  # the second: it is just being announced
        pass
    return None
