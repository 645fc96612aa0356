"""The contract of all engines, in process and remote."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from shared.stages.failures import StageFailure
from shared.stages.requests import StageRequest
from shared.stages.stages import Role

RequestT_contra = TypeVar("RequestT_contra", bound=StageRequest, contravariant=True)


class Stopped(Exception):
    """The end of a run whose job was cancelled, whose attempt is fenced, or whose worker is shutting down."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output file of an engine."""

    role: Role
    path: Path
    media_type: str


@dataclass(frozen=True, slots=True)
class StageResult:
    """The outputs of a run. `metrics` is the step's metadata, with the keys of shared/stages/metadata.py."""

    outputs: tuple[Output, ...]
    metrics: Mapping[str, object] = field(default_factory=dict)


def _no_preview(_draw: Callable[[], bytes]) -> None:
    """Draw no preview."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """The environment of one run: an empty folder, access to its inputs, and callbacks for progress and previews."""

    folder: Path
    fetch: Callable[[str], Path]  # returns the local file of one of the request's `s3://` addresses
    progress: Callable[[float], None]  # reports the fraction done, 0..1. It raises Stopped, so call it after each frame
    preview: Callable[[Callable[[], bytes]], None] = _no_preview  # draws and sends a small JPEG if a preview is due


class InProcessEngine(Protocol[RequestT_contra]):
    """An engine that performs its stage inside the worker's process."""

    def load(self) -> None:
        """Prepare once for many runs."""

    def run(self, request: RequestT_contra, workspace: Workspace) -> StageResult:
        """Perform the stage. Raise StageFailure if it fails. Do not catch Stopped."""


# --- remote engines: a provider does the work. A ticket names the submitted request.


class Busy(Exception):
    """A call that the provider did not perform. The caller can repeat it after `seconds`.

    `failed` means that the provider could not answer, and not that it limits the number of requests.
    """

    def __init__(self, seconds: int, *, failed: bool = False) -> None:
        super().__init__(f"retry in {seconds} s")
        self.seconds = seconds
        self.failed = failed


class Unconfirmed(Exception):
    """A request that the provider may have accepted. The caller cannot check this, and must not resend it."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An unfinished request. `fraction` is its progress, 0..1, or None if the provider does not report it."""

    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class RemoteOutput:
    """One output file of a provider. Its URL is valid for a limited time."""

    role: Role
    url: str
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The outputs of a provider. `metrics` is the step's metadata, with the keys of shared/stages/metadata.py."""

    outputs: tuple[RemoteOutput, ...]
    metrics: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InlineOutput:
    """One output file that a provider's answer contains."""

    role: Role
    content: bytes
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The outputs of a provider that answers a submission with them. `metrics` is the step's metadata.

    With a `failure` there are no outputs: the provider did the work, may bill it, and refused the result.
    """

    outputs: tuple[InlineOutput, ...] = ()
    metrics: Mapping[str, object] = field(default_factory=dict)
    failure: StageFailure | None = None


class Inputs(Protocol):
    """Access to the `s3://` addresses of a request. A call returns a presigned URL for an address.

    `webhook_url` is the URL that a provider with webhooks calls when the request has ended, or None. `webhook_secret`
    is for a provider that signs its webhooks with a secret of the request.
    """

    @property
    def webhook_url(self) -> str | None: ...

    @property
    def webhook_secret(self) -> str | None: ...

    def __call__(self, address: str, /) -> str: ...

    def fetch(self, address: str, path: Path, /) -> None:
        """Download an address to `path`. Raise Busy if AWS does not answer."""


class RemoteEngine(Protocol[RequestT_contra]):
    """An engine whose stage a provider performs. A ticket is text with all that `poll` and `cancel` need, no secret."""

    def submit(self, request: RequestT_contra, inputs: Inputs, /) -> str | Answered:
        """Submit the request once, and return its ticket, or the outputs if the provider answers with them.

        Raise Busy or StageFailure if the provider has not accepted the request, and Unconfirmed if it may have.
        """

    def poll(self, ticket: str, /) -> Pending | Finished:
        """Return the request's state. Raise Busy if the provider does not report it, StageFailure if it failed."""

    def fetch(self, output: RemoteOutput, path: Path, /) -> None:
        """Download an output to `path`. Raise Busy if a retry can succeed, StageFailure if the file cannot be used."""

    def cancel(self, ticket: str, /) -> None:
        """Ask the provider to cancel the request, if it still can. Raise Busy if the call failed."""


class AnswersAtOnce:
    """The base of an engine whose provider answers a submission with the outputs. No step of it has a ticket."""

    def poll(self, _ticket: str) -> Pending | Finished:
        raise _no_ticket()

    def fetch(self, _output: RemoteOutput, _path: Path) -> None:
        raise _no_ticket()

    def cancel(self, _ticket: str) -> None:
        """Do nothing: the provider has ended before anybody can cancel."""


def _no_ticket() -> StageFailure:
    return StageFailure("result_unusable", "This engine has no tickets.")
