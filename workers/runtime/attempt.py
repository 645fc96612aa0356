"""One worker's claim on a step. It ends with a recorded result, with a recorded failure, or without a record."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Self

from shared.aws import media
from shared.core.clock import utc_now
from shared.jobs import executions
from shared.jobs.keys import output_key
from shared.jobs.record import JobRecord
from shared.jobs.steps import Fenced, steps
from shared.jobs.store import StepOutput, StepResult
from shared.observability import logger
from shared.stages.engines import runs_at_provider
from shared.stages.failures import StageFailure
from shared.stages.messages import MediaCredentials, MediaRequest, StageTask
from shared.stages.stages import STAGES, Role
from workers.engines.contract import Output, StageResult
from workers.runtime.granted import GivenMedia, GrantedMedia

# The preview of a result that this process cannot decode: the function of remote engines has no codecs.
PLACEHOLDER = Output(Role.STEP_PREVIEW, Path(__file__).with_name("placeholder.jpg"), "image/jpeg")


@dataclass(frozen=True)
class Attempt:
    """A claim on one step. Every write is conditional on it; a claim that is no longer current raises Fenced.

    `token` is the state machine's task token, read once; None if the state machine has not dispatched this step.
    `given` are credentials for the step's media from another process; None: this process asks for them.
    """

    id: str
    task: StageTask
    job: JobRecord
    token: str | None
    given: MediaCredentials | None = None

    @classmethod
    def claim(cls, task: StageTask, attempt_id: str, *, lease_until: datetime, at: datetime) -> Self:
        """Claim the step of `task`. Raise the errors of `steps.claim`."""
        job = steps.claim(task.job_id, task.stage, attempt=attempt_id, lease_until=lease_until, at=at)
        return cls(attempt_id, task, job, steps.token(task.job_id, task.stage))

    @cached_property
    def media(self) -> GrantedMedia | GivenMedia:
        """The access to the step's media. Raise NotGranted."""
        return GivenMedia(self.given) if self.given else GrantedMedia(self.media_request)

    @property
    def media_request(self) -> MediaRequest:
        """The request for the access to the step's media."""
        task = self.task
        return MediaRequest(proof=task.proof or "", job_id=task.job_id, stage=task.stage, attempt=self.id)

    def beat(self, *, lease_until: datetime, percent: int | None, preview: int | None = None, at: datetime) -> None:
        """Extend the lease. Write the progress and the number of the newest preview, if given. Raise Fenced."""
        steps.beat(
            self.task.job_id,
            self.task.stage,
            attempt=self.id,
            lease_until=lease_until,
            progress=None if percent is None else self.job.progress_at(self.task.stage, percent),
            preview=preview,
            at=at,
        )

    def record(self, made: StageResult, preview: Output = PLACEHOLDER) -> None:
        """Upload the outputs and their marked preview, then write the result.

        Raise Fenced, or StageFailure if the outputs do not match the stage.
        """
        _check_outputs(self.task, {output.role for output in made.outputs})
        result = StepResult(
            self.store((*made.outputs, preview), final=self.task.stage is self.job.last_stage), made.metrics
        )
        steps.record_result(self.job, self.task.stage, result, attempt=self.id, at=utc_now())
        logger.info("attempt completed")

    def store(self, outputs: Iterable[Output], *, final: bool = False) -> tuple[StepOutput, ...]:
        """Upload files of the step, and return them as stored. Those that are not `final` are deleted after a week."""
        kind, stored = "final" if final else "work", []
        for output in outputs:
            key = output_key(self.task.job_id, self.task.stage, self.id, output.role, output.path.name)
            media.upload(output.path, key, output.media_type, kind=kind, client=self.media.client)
            stored.append(StepOutput(output.role, key, output.media_type))
        return tuple(stored)

    def is_replaced(self) -> bool:
        """Return whether another engine does the step since its message was sent."""
        return bool(self.job.step(self.task.stage).engine != self.task.engine)

    def dispatch_again(self) -> None:
        """Let `dispatch` decide what follows, then hand the step back. Raise Fenced.

        If the report to the state machine fails, the attempt still has the step, and reports it again.
        """
        self._ask_dispatch()
        self.release()

    def miss(self, score: float) -> None:
        """Record that the clip missed its move, and let `dispatch` decide what follows. Raise Fenced."""
        task = self.task
        steps.record_missed(task.job_id, task.stage, engine=task.engine, score=score, attempt=self.id, at=utc_now())
        logger.warning("move missed", score=score, engine=task.engine)
        self._ask_dispatch()

    def _ask_dispatch(self) -> None:
        """Do nothing for an older message: it must not end what the newest dispatch has begun."""
        if self.token is not None and self.task.was_sent_for(self.token):
            executions.dispatch_again(self.token)

    def succeed(self) -> None:
        """Report to the state machine that the step is complete."""
        if self.token is not None:
            executions.succeed(self.token)

    def fail(self, failure: StageFailure) -> bool:
        """Write the failure, then report it to the state machine. Return False if the attempt is fenced."""
        logger.warning("attempt failed", code=failure.code)
        try:
            steps.record_failure(self.task.job_id, self.task.stage, failure, attempt=self.id, at=utc_now())
        except Fenced:
            return False
        if self.token is not None:
            executions.fail(self.token, failure)
        return True

    def release(self) -> None:
        """Hand the step back, so that another attempt can claim it at once. Raise Fenced."""
        steps.release(self.task.job_id, self.task.stage, attempt=self.id, at=utc_now())

    def refused(self) -> None:
        """Release the step, because it has a newer message, which has the right to its media.

        The previous release sends messages without a proof. Then let the state machine send the step again.
        """
        if self.task.proof is None and self.token is not None and self.task.was_sent_for(self.token):
            self.fail(StageFailure("message_of_previous_release", "This step begins again.", retryable=True))
        else:
            with suppress(Fenced):
                self.release()

    def has_result(self) -> bool:
        """Return whether the step's result is that of this attempt."""
        return steps.has_result(self.task.job_id, self.task.stage, attempt=self.id)


def _check_outputs(task: StageTask, made: set[Role]) -> None:
    """Raise StageFailure `result_unusable` unless the outputs are what the stage table promises."""
    spec = STAGES[task.stage]
    required = spec.required if runs_at_provider(task.stage, task.engine) else spec.produces
    missing, unknown = required - made, made - spec.produces - spec.on_request
    if missing or unknown:
        logger.error("outputs do not match the stage", missing=sorted(missing), unknown=sorted(unknown))
        raise StageFailure("result_unusable", "The engine's outputs do not match this step.")


def is_outdated(task: StageTask) -> bool:
    """Return whether a later sending of the step exists. That message makes the step, so this one is not needed."""
    token = steps.token(task.job_id, task.stage)
    return token is not None and not task.was_sent_for(token)


def report_completed(task: StageTask) -> None:
    """Report to the state machine that an earlier attempt completed the step. That attempt's report may be lost."""
    token = steps.token(task.job_id, task.stage)
    if token is not None:
        executions.succeed(token)
