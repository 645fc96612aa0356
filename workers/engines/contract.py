"""What an engine is: one contract, wherever it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from shared.stages.requests import StageRequest
from shared.stages.stages import Role

RequestT_contra = TypeVar("RequestT_contra", bound=StageRequest, contravariant=True)


class Stopped(Exception):
    """The run must end now: its job was cancelled, its attempt is fenced, or the worker is shutting down."""


@dataclass(frozen=True, slots=True)
class Output:
    """One file an engine made."""

    role: Role
    path: Path
    media_type: str


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a run made; `metrics` is the step's metadata, with the keys of shared/stages/metadata.py."""

    outputs: tuple[Output, ...]
    metrics: Mapping[str, object] = field(default_factory=dict)


def _nobody_looks(_draw: Callable[[], bytes]) -> None:
    """Where no preview is wanted, none is drawn."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where a run works: an empty folder of its own, its inputs, and its voice."""

    folder: Path
    fetch: Callable[[str], Path]  # the local file behind one of the request's `s3://` addresses
    progress: Callable[[float], None]  # fraction done, 0..1; call it often (each frame is fine): it raises Stopped
    preview: Callable[[Callable[[], bytes]], None] = _nobody_looks  # offers a small JPEG; drawn only when one is due


class InProcessEngine(Protocol[RequestT_contra]):
    """Does a stage inside the worker's process."""

    def load(self) -> None:
        """Prepare once for many runs."""

    def run(self, request: RequestT_contra, workspace: Workspace) -> StageResult:
        """Do the work; raises StageFailure, or lets Stopped pass."""


# --- remote engines: a provider does the work, through tickets


class Busy(Exception):
    """The provider has certainly not done what was asked of it, and may when asked again after `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


class Unconfirmed(Exception):
    """The provider may have taken the request, and there is no way to find out: it must not be sent again."""


@dataclass(frozen=True, slots=True)
class Pending:
    """Not done yet; `fraction` 0..1 where the provider tells."""

    fraction: float | None = None


@dataclass(frozen=True, slots=True)
class RemoteOutput:
    """One file that a provider made, and where it can be had for a while."""

    role: Role
    url: str
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Finished:
    """What a provider made; `metrics` is the step's metadata, with the keys of shared/stages/metadata.py."""

    outputs: tuple[RemoteOutput, ...]
    metrics: Mapping[str, object] = field(default_factory=dict)


class RemoteEngine(Protocol[RequestT_contra]):
    """Does a stage at a provider. A ticket is text that says all that `poll` and `cancel` need; it holds no secret."""

    def submit(self, request: RequestT_contra, lend: Callable[[str], str]) -> str:
        """Ask for the work, once, and answer its ticket; `lend` makes a URL of one of the request's `s3://` addresses.

        Raises Busy or StageFailure when the provider has certainly not taken it, Unconfirmed when it may have.
        """

    def poll(self, ticket: str) -> Pending | Finished:
        """Look at it. Raises Busy when the provider could not say, StageFailure when it gave up."""

    def fetch(self, output: RemoteOutput, path: Path) -> None:
        """Bring what it made into a file. Raises Busy when that may be tried again, StageFailure when it is gone."""

    def cancel(self, ticket: str) -> None:
        """Ask the provider to stop, if it still can. Raises Busy when it did not listen."""
