"""The handling of one task: claim, work, report. A worker records its result, then reports it to the state machine."""

from abc import ABC, abstractmethod
from contextlib import suppress
from datetime import timedelta

from ulid import ULID

from shared.aws.traces import Segment, segment
from shared.core.clock import utc_now
from shared.jobs.steps import AlreadyCompleted, Fenced, Leased
from shared.jobs.store import JobEnded, JobNotFound
from shared.observability import about, logger
from shared.stages.failures import StageFailure
from shared.stages.messages import StageTask
from workers.runtime.attempt import Attempt, is_outdated, report_completed
from workers.runtime.beat import StopReason
from workers.runtime.granted import NotGranted
from workers.runtime.outages import AWS_ERRORS
from workers.runtime.receipt import Receipt


class MoveMissed(Exception):
    """A clip whose motion score is below the promise of its engine."""

    def __init__(self, score: float) -> None:
        super().__init__(f"motion score {score}")
        self.score = score


class WorkStopped(Exception):
    """Work that stopped before its end. `reason` is None if the engine stopped by itself."""

    def __init__(self, reason: StopReason | None) -> None:
        super().__init__(reason)
        self.reason = reason


class StepHandler(ABC):
    """A handler of tasks. Its subclasses say where the work is done.

    `lease` is the time from a claim to the first beat at most.
    """

    def __init__(self, lease: timedelta) -> None:
        self._lease = lease

    @abstractmethod
    def perform(self, attempt: Attempt, delivery: Receipt) -> None:
        """Do the work and record its result.

        Raise NotGranted, MoveMissed, WorkStopped, Fenced, StageFailure, or one of `AWS_ERRORS`.
        """

    def handle(self, delivery: Receipt) -> None:
        """Handle one delivery: claim the task's step and run it. Do not run a completed or leased step.

        If AWS does not answer, hand the step back and raise one of `AWS_ERRORS`.
        """
        task = StageTask.model_validate_json(delivery.body)
        attempt_id, at = str(ULID()), utc_now()
        about(job_id=task.job_id, step_id=task.step_id, stage=task.stage.value, attempt=attempt_id)
        try:
            attempt = Attempt.claim(task, attempt_id, lease_until=at + self._lease, at=at)
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
        try:
            self.perform(attempt, delivery)
        except NotGranted:
            self._refused(attempt, delivery)
        except MoveMissed as missed:
            self._missed(attempt, missed.score, delivery)
        except WorkStopped as interrupted:
            self._stopped(attempt, interrupted.reason, delivery)
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
