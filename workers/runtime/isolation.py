"""The messages between the function that receives a task and the function without a network that does its work.

The first one claims, asks for access, and reports. The second one decodes files of strangers, so it reaches S3 and
DynamoDB only (docs/adr/0076). Both are of one release, except during a deployment: a new field needs a default.
"""

from enum import StrEnum
from typing import Self

from shared.core.wire import Wire
from shared.jobs.steps import Fenced
from shared.stages.failures import UNEXPECTED, StageFailure
from shared.stages.messages import MediaCredentials, StageTask
from workers.provenance.certificate import Certificate
from workers.runtime.beat import StopReason
from workers.runtime.handler import MoveMissed, WorkStopped
from workers.runtime.outages import AWS_ERRORS, IsolatedOutage


def step_too_long() -> StageFailure:
    """Return the failure of a step for which Lambda's 15 minutes are too short."""
    return StageFailure("step_too_long", "This step takes longer than 14 minutes. Choose a smaller or a shorter film.")


class StepOrder(Wire):
    """The order to do the work of an attempt. The certificate signs its films; it is only for post-processing."""

    task: StageTask
    attempt: str
    credentials: MediaCredentials
    certificate: Certificate | None = None


class End(StrEnum):
    """The end of the work of an order."""

    DONE = "done"  # its result is recorded
    MISSED = "missed"  # the clip missed its move
    FAILED = "failed"
    FENCED = "fenced"  # another attempt has the step
    JOB_ENDED = "job_ended"
    OUTAGE = "outage"  # S3 or DynamoDB does not answer


class StepOutcome(Wire):
    """The answer to an order. `score` is of a missed move; `error` and `cause` are of a failure, or of an outage."""

    end: End
    score: float | None = None
    error: str | None = None
    cause: str | None = None

    @classmethod
    def of(cls, raised: Exception) -> Self:
        """Return the outcome of work that has raised one of the errors of `StepHandler.perform`. Raise others again."""
        match raised:
            case MoveMissed():
                return cls(end=End.MISSED, score=raised.score)
            case StageFailure():
                return cls(end=End.FAILED, error=raised.state_error, cause=raised.cause)
            case WorkStopped(reason=StopReason.ENDED):
                return cls(end=End.JOB_ENDED)
            case Fenced() | WorkStopped():
                return cls(end=End.FENCED)
            case error if isinstance(error, AWS_ERRORS):
                return cls(end=End.OUTAGE, error=type(error).__name__)
        raise raised

    def raise_again(self) -> None:
        """Raise the error of the work. Do nothing if its result is recorded."""
        match self.end:
            case End.MISSED:
                raise MoveMissed(self.score or 0.0)
            case End.FAILED:
                raise StageFailure.read(self.error, self.cause) or StageFailure(
                    UNEXPECTED.code, UNEXPECTED.public_message
                )
            case End.FENCED:
                raise WorkStopped(StopReason.FENCED)
            case End.JOB_ENDED:
                raise WorkStopped(StopReason.ENDED)
            case End.OUTAGE:
                raise IsolatedOutage(self.error)
