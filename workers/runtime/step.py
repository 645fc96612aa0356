"""One task from claim to recorded result. A worker records its result, then reports it to the state machine."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ulid import ULID

from shared.aws import media
from shared.aws.traces import Segment, segment
from shared.core.clock import utc_now
from shared.jobs.steps import AlreadyCompleted, Fenced, Leased
from shared.jobs.store import JobEnded, JobNotFound
from shared.observability import about, logger
from shared.stages.engines import completer_of
from shared.stages.failures import StageFailure
from shared.stages.messages import StageTask
from workers.engines.contract import InProcessEngine, StageResult, Stopped, Workspace
from workers.runtime.attempt import Attempt, is_outdated, report_completed
from workers.runtime.beat import Beat, StopReason
from workers.runtime.config import WorkerConfig
from workers.runtime.granted import NotGranted
from workers.runtime.move_check import MoveMissed, checked, fetched
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.receipt import Receipt
from workers.runtime.result_preview import preview_of

if TYPE_CHECKING:  # the images do not contain the stubs
    from mypy_boto3_s3 import S3Client

Engines = Mapping[str, InProcessEngine[Any]]


class StepRunner:
    """A runner of tasks with the given engines, by name."""

    def __init__(self, engines: Engines, *, shutdown_requested: Callable[[], bool]) -> None:
        self._engines, self._shutdown_requested = engines, shutdown_requested
        self._config = WorkerConfig()

    def handle(self, delivery: Receipt) -> None:
        """Handle one delivery: claim the task's step and run it. Do not run a completed or leased step.

        If AWS does not answer, hand the step back and raise one of `AWS_ERRORS`.
        """
        task = StageTask.model_validate_json(delivery.body)
        attempt_id, at = str(ULID()), utc_now()
        about(job_id=task.job_id, step_id=task.step_id, stage=task.stage.value, attempt=attempt_id)
        try:
            attempt = Attempt.claim(task, attempt_id, lease_until=at + self._config.lease, at=at)
        except (JobEnded, JobNotFound):
            delivery.delete()
        except AlreadyCompleted:  # the result was recorded, but its report may be lost
            report_completed(task)
            delivery.delete()
        except Leased as leased:
            if is_outdated(task):
                delivery.delete()
            else:
                delivery.hide(max(1, int((leased.until - at).total_seconds()) + 1))
        else:
            if attempt.is_replaced():
                with suppress(Fenced):
                    attempt.release()
                delivery.delete()
                return
            ids = {"job_id": task.job_id, "stage": task.stage.value, "attempt": attempt_id, "engine": task.engine}
            with segment(f"{task.stage.queue}-worker", **ids) as traced:
                self._attempt(attempt, delivery, traced)

    def _attempt(self, attempt: Attempt, delivery: Receipt, traced: Segment) -> None:
        logger.info("attempt begins")
        beat = Beat(attempt, delivery=delivery, shutdown_requested=self._shutdown_requested, config=self._config)
        try:
            with beat, TemporaryDirectory(prefix="kinora-") as folder:
                made = self._run(attempt, Path(folder), beat)
                attempt.record(made, preview_of(attempt.task.stage, made, Path(folder)))
        except NotGranted:
            self._refused(attempt, delivery)
        except MoveMissed as missed:
            self._missed(attempt, missed.score, delivery)
        except Stopped:
            self._stopped(attempt, beat.stop_reason, delivery)
        except Fenced:
            self._stopped(attempt, StopReason.FENCED, delivery)
        except StageFailure as failure:
            traced.fault, traced.annotations["code"] = True, failure.code
            if attempt.fail(failure):
                delivery.delete()
        except AWS_ERRORS:
            self._hand_back(attempt, delivery)
            raise
        else:
            attempt.succeed()
            delivery.delete()

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

    def _missed(self, attempt: Attempt, score: float, delivery: Receipt) -> None:
        try:
            attempt.miss(score)
        except Fenced:
            self._stopped(attempt, StopReason.FENCED, delivery)
        else:
            delivery.delete()

    def _stopped(self, attempt: Attempt, reason: StopReason | None, delivery: Receipt) -> None:
        logger.info("attempt stopped", why=reason and reason.value)
        if attempt.has_result():
            attempt.succeed()
            delivery.delete()
            return
        match reason:
            case StopReason.SHUTDOWN:
                with suppress(Fenced):
                    attempt.release()
                delivery.hand_back()
            case StopReason.ENDED:
                delivery.delete()
            case _:  # the message belongs to the attempt that fenced this one
                pass

    def _hand_back(self, attempt: Attempt, delivery: Receipt) -> None:
        """Hand step and message back if AWS answers. Otherwise the message is delivered again after the lease."""
        with suppress(Fenced, *AWS_ERRORS):
            attempt.release()
            delivery.hand_back()

    def _refused(self, attempt: Attempt, delivery: Receipt) -> None:
        """Release the step. Delete the message if the step has or gets a newer one."""
        logger.info("attempt refused")
        attempt.refused()
        if attempt.task.proof is None or is_outdated(attempt.task):
            delivery.delete()


def _downloaded(url: str, folder: Path, client: "S3Client") -> Path:
    path = folder / (sha256(url.encode()).hexdigest()[:16] + Path(url).suffix)
    if not path.exists():
        try:
            media.download(url, path, client=client)
        except media.Missing as error:
            raise StageFailure("input_missing", "A file that this step needs no longer exists.") from error
    return path
