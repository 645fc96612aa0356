"""The work of one attempt in this process: run the engine, then record the result and its marked preview."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from shared.aws import media
from shared.observability import logger
from shared.stages.engines import completer_of
from shared.stages.failures import StageFailure
from shared.stages.messages import StageTask
from workers.engines.contract import InProcessEngine, StageResult, Stopped, Workspace
from workers.runtime.attempt import Attempt
from workers.runtime.beat import Beat
from workers.runtime.config import WorkerConfig
from workers.runtime.granted import NotGranted
from workers.runtime.handler import MoveMissed, StepHandler, WorkStopped
from workers.runtime.move_check import checked, fetched
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.receipt import Receipt
from workers.runtime.result_preview import preview_of

if TYPE_CHECKING:  # the images do not contain the stubs
    from mypy_boto3_s3 import S3Client

Engines = Mapping[str, InProcessEngine[Any]]


class StepRunner(StepHandler):
    """A handler that does the work with the given engines, by name."""

    def __init__(self, engines: Engines, *, shutdown_requested: Callable[[], bool]) -> None:
        self._engines, self._shutdown_requested = engines, shutdown_requested
        self._config = WorkerConfig()
        super().__init__(self._config.lease)

    def perform(self, attempt: Attempt, delivery: Receipt) -> None:
        beat = Beat(attempt, delivery=delivery, shutdown_requested=self._shutdown_requested, config=self._config)
        try:
            with beat, TemporaryDirectory(prefix="kinora-") as folder:
                made = self._run(attempt, Path(folder), beat)
                attempt.record(made, preview_of(attempt.task.stage, made, Path(folder)))
        except Stopped as stopped:
            raise WorkStopped(beat.stop_reason) from stopped

    def _run(self, attempt: Attempt, folder: Path, beat: Beat) -> StageResult:
        task, client = attempt.task, attempt.media.client
        work, inputs = folder / "work", folder / "inputs"
        work.mkdir()
        inputs.mkdir()
        workspace = Workspace(
            work, fetch=lambda url: _downloaded(url, inputs, client), progress=beat.progress, preview=beat.preview
        )
        try:
            if task.check and task.check.clip_url:
                made = fetched(task.check, workspace)
            else:
                made = self._engine(task).run(task.request, workspace)
            if task.fetched:
                made = StageResult(made.outputs, {**made.metrics, **task.fetched.metrics})
            if task.check:
                made = checked(made, task, workspace)
        except (Stopped, NotGranted, MoveMissed, StageFailure, *AWS_ERRORS):
            raise
        except Exception as error:
            logger.exception("engine crashed")
            sentence = f"The {task.engine} engine failed unexpectedly."
            raise StageFailure("engine_crashed", sentence, retryable=True) from error
        beat.progress(1)
        return made

    def _engine(self, task: StageTask) -> InProcessEngine[Any]:
        """Return the engine of the task, or the one that completes the work of its provider."""
        name = (completer_of(task.stage, task.engine) if task.fetched else None) or task.engine
        if name not in self._engines:
            raise StageFailure("engine_unknown", f"No worker of this stage has the engine {name}.")
        return self._engines[name]


def _downloaded(url: str, folder: Path, client: "S3Client") -> Path:
    path = folder / (sha256(url.encode()).hexdigest()[:16] + Path(url).suffix)
    if not path.exists():
        try:
            media.download(url, path, client=client)
        except media.Missing as error:
            raise StageFailure("input_missing", "A file that this step needs no longer exists.") from error
    return path
