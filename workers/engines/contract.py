"""What an engine is: one contract, wherever it runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

from shared.stages.requests import StageRequest
from shared.stages.stages import Role

RequestT_contra = TypeVar("RequestT_contra", bound=StageRequest, contravariant=True)

Metric = str | int | float | bool | list[str] | list[float]


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
    """What a run made, and what there is to say of it (shown as the step's metadata)."""

    outputs: tuple[Output, ...]
    metrics: Mapping[str, Metric] = field(default_factory=dict)


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
