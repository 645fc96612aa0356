"""The Lambda of remote engines: it submits a step to its provider, then polls the provider through delayed messages.

Nothing runs between two polls. Each poll has a number that is claimed once, so a message that is delivered twice polls
once. If the function of a poll dies, a new attempt claims the step after the lease and continues with the same ticket.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import stamina
from ulid import ULID

from shared.aws import media, queues
from shared.core.clock import utc_now
from shared.jobs.keys import poll_key
from shared.jobs.record import StepTicketRecord
from shared.jobs.steps import AlreadyCompleted, Fenced, Leased, steps
from shared.jobs.store import JobEnded, JobNotFound, jobs
from shared.jobs.tickets import Refused, TicketStore
from shared.observability import about, logger, observed
from shared.providers.store import OverCap, SpendingConfig, states
from shared.stages import engines as catalogue
from shared.stages.engines import Runs
from shared.stages.failures import StageFailure
from shared.stages.messages import Fetched, MoveCheck, RemoteTask, StageTask
from shared.stages.queues import REMOTE_QUEUE
from shared.stages.stages import Role
from workers.engines.contract import Answered, Busy, Finished, Output, RemoteEngine, StageResult, Unconfirmed
from workers.runtime.attempt import Attempt, is_outdated, report_completed
from workers.runtime.config import RemoteConfig
from workers.runtime.granted import NotGranted
from workers.runtime.outages import AWS_ERRORS

if TYPE_CHECKING:  # the deployed bundles do not contain the stubs
    from mypy_boto3_s3 import S3Client

PRESIGNED_URL_SECONDS = 3600  # validity of the URLs that a provider receives
STORE_ATTEMPTS, STORE_SECONDS = 6, 25  # tries of storing an answer that exists nowhere else, and their time limit
UNAVAILABLE_PAUSE_SECONDS = 60  # delay of a step whose provider is not available, and that has no other engine
PROVIDER_REFUSED = "provider_refused"  # the code of a provider that does not accept the key, or the account
OUTAGE_PAUSE_SECONDS = 30  # delay of a step that is handed back because AWS does not answer


class RemoteRunner:
    """The handler of the remote engines' queue. It uses `engines` by name, and the catalogue for other names."""

    def __init__(self, engines: Mapping[str, RemoteEngine[Any]] | None = None) -> None:
        self._engines = dict(engines or {})
        self._tickets = TicketStore()

    @cached_property
    def _config(self) -> RemoteConfig:
        return RemoteConfig()

    def handle(self, body: str) -> None:
        """Handle one delivery. After an exception SQS delivers the message again."""
        message = RemoteTask.model_validate_json(body)
        task = message.task
        about(job_id=task.job_id, step_id=task.step_id, stage=task.stage.value)
        if message.attempt is None:
            self._begin(message)
            return
        about(attempt=message.attempt)
        try:
            self._tickets.claim_poll(task.job_id, task.stage, message.poll_no, attempt=message.attempt)
        except Refused:
            if self._is_latest(message):
                self._begin(message)
            return
        try:
            job = jobs.get(task.job_id)
        except JobNotFound:
            self._cancel(task)
            return
        self._poll(Attempt(message.attempt, task, job, steps.token(task.job_id, task.stage)), message.poll_no)

    def _is_latest(self, message: RemoteTask) -> bool:
        """Return whether no later poll is recorded. Then the function of this poll may have died."""
        held = self._tickets.get(message.task.job_id, message.task.stage)
        return held is not None and (held.attempt, held.poll_no) == (message.attempt, message.poll_no)

    def _begin(self, message: RemoteTask) -> None:
        """Claim the step as a new attempt. Submit it, or continue with the ticket of an older attempt."""
        task, attempt_id, at = message.task, str(ULID()), utc_now()
        about(attempt=attempt_id)
        try:
            attempt = Attempt.claim(task, attempt_id, lease_until=at + self._config.lease, at=at)
        except JobEnded:
            self._cancel(task)
        except JobNotFound:
            logger.info("job is gone")
            self._cancel(task)
        except AlreadyCompleted:
            report_completed(task)
        except Leased as leased:
            if not is_outdated(task):
                self._send(message, group=task.request.user_id, seconds=int((leased.until - at).total_seconds()) + 1)
        else:
            if attempt.is_replaced():
                with suppress(Fenced):
                    attempt.release()
                return
            self._submit_or_adopt(attempt)

    def _refused(self, attempt: Attempt) -> None:
        """Release the step. Its newer message continues with the ticket."""
        logger.info("attempt refused")
        attempt.refused()

    def _submit_or_adopt(self, attempt: Attempt) -> None:
        task = attempt.task
        if task.check and task.check.last:
            self._tickets.repeat(task.job_id, task.stage)
        held = self._tickets.get(task.job_id, task.stage)
        if held is not None and held.fetched:  # `dispatch` sends the files to a worker, which checks or completes them
            with suppress(Fenced):
                attempt.dispatch_again()
        elif held is None or held.intent is None:
            try:
                client = attempt.media.client  # before the intent: a refused attempt must not submit
            except NotGranted:
                self._refused(attempt)
            except AWS_ERRORS:
                logger.exception("AWS did not answer; trying again")
                self._hand_back(attempt, seconds=OUTAGE_PAUSE_SECONDS)
            else:
                self._submit(attempt, held, client)
        elif held.ticket is None:
            self._unconfirmed(attempt)
        else:
            self._tickets.adopt(task.job_id, task.stage, attempt=attempt.id)
            if self._webhook_url(task):
                self._store_next_poll(attempt)
            self._poll(attempt, int(held.poll_no))

    def _submit(self, attempt: Attempt, held: StepTicketRecord | None, client: "S3Client") -> None:
        task = attempt.task
        of = (task.job_id, task.stage)
        cents = catalogue.engine(task.stage, task.engine).charge_cents(getattr(task.request, "duration", 0))
        try:
            if not self._may_pay(attempt, held, cents):
                return
        except AWS_ERRORS:
            logger.exception("AWS did not answer; trying again")
            self._hand_back(attempt, seconds=OUTAGE_PAUSE_SECONDS)
            return
        webhook_url = self._webhook_url(task)
        if webhook_url:
            self._store_next_poll(attempt)
        self._tickets.intend(*of, attempt=attempt.id, engine=task.engine, held=held, at=utc_now())
        try:
            accepted = self._engine(task).submit(task.request, _StepInputs(client, webhook_url, task.webhook_secret))
        except Busy as busy:
            self._withdraw(attempt, cents, failed=busy.failed)
            self._hand_back(attempt, seconds=busy.seconds)
        except Unconfirmed:
            self._unconfirmed(attempt)
            _note(states.failed, task.engine, at=utc_now())
        except StageFailure as failure:
            self._withdraw(attempt, cents, failed=failure.code == PROVIDER_REFUSED)
            self._fail(attempt, failure)
        else:
            if isinstance(accepted, Answered):
                self._store_answer(attempt, accepted)
                _note(states.works, task.engine)
                return
            self._tickets.store(*of, accepted, attempt=attempt.id)
            logger.info("submitted", engine=task.engine)
            self._schedule_poll(attempt, 0)

    def _webhook_url(self, task: StageTask) -> str | None:
        """Return the URL that the provider calls when the step's request has ended, or None if it calls none."""
        base, provider = self._config.provider_webhook_url, catalogue.engine(task.stage, task.engine).webhooks
        return f"{base}{provider}/{task.job_id}/{task.stage}" if base and provider else None

    def _store_next_poll(self, attempt: Attempt) -> None:
        """Store the message with which a webhook starts the next poll. Without it, polls find the end."""
        task = attempt.task
        message = RemoteTask(task=task, attempt=attempt.id).encoded().encode()
        key = poll_key(task.job_id, task.stage, attempt.id)
        try:
            media.put(message, key, "application/json", kind="work", client=attempt.media.client)
        except (NotGranted, *AWS_ERRORS):
            logger.exception("message of the next poll not stored")

    def _may_pay(self, attempt: Attempt, held: StepTicketRecord | None, cents: float) -> bool:
        """Return whether the step may send a request of this price, and add it to the day. Otherwise end the attempt.

        A step with a fallback fails for now: the state machine sends it again, and `dispatch` chooses the fallback.
        """
        engine, at = attempt.task.engine, utc_now()
        requests = 1 + int(held.submissions if held else 0)
        if requests * cents > SpendingConfig().provider_job_cents:
            self._fail(attempt, StageFailure("provider_price", "This step costs more at its provider than we allow."))
            return False
        if states.may_send(engine, at=at):
            try:
                states.reserve(cents, at=at)
            except OverCap:
                logger.error("cap of the day reached", engine=engine)
            else:
                return True
        if catalogue.engine(attempt.task.stage, engine).fallback is None and not _is_repeat(attempt.task):
            self._hand_back(attempt, seconds=UNAVAILABLE_PAUSE_SECONDS)
        else:
            sentence = "The engine's provider is not available at the moment. Nothing was charged."
            self._fail(attempt, StageFailure("provider_unavailable", sentence, retryable=True))
        return False

    def _fail(self, attempt: Attempt, failure: StageFailure) -> None:
        """Fail the step. If a repetition fails, the first clip is there, so the 2.5D camera does the step instead."""
        if not _is_repeat(attempt.task):
            attempt.fail(failure)
            return
        logger.warning("repetition failed", code=failure.code)
        self._tickets.fail_repeat(attempt.task.job_id, attempt.task.stage)
        with suppress(Fenced):
            attempt.dispatch_again()

    def _withdraw(self, attempt: Attempt, cents: float, *, failed: bool) -> None:
        """Remove the intent and the price of a request that the provider did not accept."""
        self._tickets.withdraw(attempt.task.job_id, attempt.task.stage, attempt=attempt.id)
        _note(states.give_back, cents, at=utc_now())
        if failed:
            _note(states.failed, attempt.task.engine, at=utc_now())

    def _store_answer(self, attempt: Attempt, made: Answered) -> None:
        """Store the outputs that the provider answered with. Without them the step would end as unconfirmed.

        So each failure of AWS is followed by some tries.
        """
        if made.failure:
            attempt.fail(made.failure)
            return
        try:
            with TemporaryDirectory(prefix="kinora-") as folder:
                outputs = []
                for output in made.outputs:
                    path = Path(folder, output.name)
                    path.write_bytes(output.content)
                    outputs.append(Output(output.role, path, output.media_type))
                for tried in stamina.retry_context(on=AWS_ERRORS, attempts=STORE_ATTEMPTS, timeout=STORE_SECONDS):
                    with tried:
                        self._end(attempt, StageResult(tuple(outputs), made.metrics))
        except Fenced:
            self._stopped(attempt)
        except StageFailure as failure:
            attempt.fail(failure)

    def _hand_back(self, attempt: Attempt, *, seconds: int) -> None:
        """Hand back a step that was not submitted: it begins again after `seconds`."""
        with suppress(Fenced):  # the job has ended
            attempt.release()
            self._send(RemoteTask(task=attempt.task), group=attempt.job.account_id, seconds=seconds)

    def _unconfirmed(self, attempt: Attempt) -> None:
        """Fail the step, because a second submission could be paid twice. The intent stays on record.

        The provider may do the first submission, and be paid for it.
        """
        logger.error("submission unconfirmed")
        sentence = "The engine's provider did not confirm this step. Nothing was charged."
        self._fail(attempt, StageFailure("submission_unconfirmed", sentence))

    def _poll(self, attempt: Attempt, poll_no: int) -> None:
        """Poll once. Store the result, or schedule the next poll, or fail the step."""
        task = attempt.task
        engine = self._engine(task)
        held = self._tickets.get(task.job_id, task.stage)
        if held is None or held.ticket is None:  # deleted with its job
            return
        try:
            self._beat(attempt)
            state = engine.poll(held.ticket)
            if isinstance(state, Finished):
                _note(states.works, task.engine)
                self._store(attempt, state)
                return
            if state.fraction is not None:
                self._beat(attempt, percent=int(100 * state.fraction))
        except Busy as busy:
            self._schedule_poll(attempt, poll_no, at_least=busy.seconds)
        except NotGranted:
            self._refused(attempt)
        except Fenced:
            self._stopped(attempt)
        except StageFailure as failure:
            if failure.retryable:
                self._tickets.close(task.job_id, task.stage, attempt=attempt.id)
                _note(states.failed, task.engine, at=utc_now())
            self._fail(attempt, failure)
        except AWS_ERRORS:  # the next poll finds out whether the result was recorded
            logger.exception("AWS did not answer; trying again")
            self._schedule_poll(attempt, poll_no)
        else:
            self._schedule_poll(attempt, poll_no)

    def _beat(self, attempt: Attempt, *, percent: int | None = None, pause_seconds: int = 0) -> None:
        """Extend the lease to one lease after the pause. Raise Fenced."""
        at = utc_now()
        until = at + self._config.lease + timedelta(seconds=pause_seconds)
        attempt.beat(lease_until=until, percent=percent, at=at)

    def _store(self, attempt: Attempt, made: Finished) -> None:
        """Copy the outputs to the media bucket at once, because a provider's URLs expire soon."""
        engine = self._engine(attempt.task)
        with TemporaryDirectory(prefix="kinora-") as folder:
            outputs = []
            for output in made.outputs:
                path = Path(folder, output.name)
                engine.fetch(output, path)
                outputs.append(Output(output.role, path, output.media_type))
            self._end(attempt, StageResult(tuple(outputs), made.metrics))

    def _end(self, attempt: Attempt, made: StageResult) -> None:
        """Record the result. Files that a worker has to check or complete are stored, and `dispatch` sends them."""
        task = attempt.task
        completed = catalogue.completer_of(task.stage, task.engine)
        if not task.check and not completed:
            attempt.record(made)
            attempt.succeed()
            return
        stored, metrics = attempt.store(made.outputs), dict(made.metrics)
        if completed:
            files: dict[Role, tuple[str, ...]] = {}
            for output in stored:
                files[output.role] = (*files.get(output.role, ()), media.address(output.key))
            message = Fetched(files=files, metrics=metrics).encoded()
        else:
            [clip] = stored
            message = MoveCheck(clip_url=media.address(clip.key), metrics=metrics).encoded()
        self._tickets.fetch(task.job_id, task.stage, message, attempt=attempt.id)
        attempt.dispatch_again()

    def _stopped(self, attempt: Attempt) -> None:
        """Report the result of a fenced attempt if the step has it.

        If the job has ended, cancel the provider's request.
        """
        if attempt.has_result():
            attempt.succeed()
        elif jobs.is_over(attempt.task.job_id):
            self._cancel(attempt.task)

    def _cancel(self, task: StageTask) -> None:
        """Cancel the provider's request of an ended job. A provider does not bill work that has not started."""
        held = self._tickets.get(task.job_id, task.stage)
        if held is None or held.ticket is None:
            return
        try:
            self._engine(task).cancel(held.ticket)
        except (Busy, StageFailure) as error:
            logger.warning("not cancelled at the provider", error=str(error))

    def _schedule_poll(self, attempt: Attempt, poll_no: int, *, at_least: int = 0) -> None:
        """Send the message of the next poll. The pause grows with each poll, because long work often takes longer.

        If a webhook reports the end, all pauses are the longest one.
        """
        most = self._config.remote_poll_most_seconds
        soon = most if self._webhook_url(attempt.task) else self._config.remote_poll_seconds + poll_no
        seconds = max(at_least, min(most, soon))
        if at_least > most:
            self._beat(attempt, pause_seconds=seconds)
        message = RemoteTask(task=attempt.task, attempt=attempt.id, poll_no=poll_no + 1)
        self._send(message, group=attempt.job.account_id, seconds=seconds)

    def _send(self, message: RemoteTask, *, group: str, seconds: int) -> None:
        queues.send(REMOTE_QUEUE, message, group=group, delay_seconds=max(0, min(900, seconds)))

    def _engine(self, task: StageTask) -> RemoteEngine[Any]:
        if task.engine not in self._engines:
            entry = catalogue.engine(task.stage, task.engine)
            if entry.runs is not Runs.REMOTE:
                raise StageFailure("engine_unknown", f"{entry.name} is not a remote engine.")
            module, _, name = entry.code.partition(":")
            self._engines[task.engine] = getattr(import_module(module), name)(entry)
        return self._engines[task.engine]


def _is_repeat(task: StageTask) -> bool:
    """Return whether the task makes a clip once more, because the first one missed its move."""
    return task.check is not None and task.check.last


@dataclass(frozen=True)
class _StepInputs:
    """The inputs of a step, read with the credentials that the step was granted."""

    client: "S3Client"
    webhook_url: str | None
    webhook_secret: str | None

    def __call__(self, address: str) -> str:
        return media.presigned_url(address, seconds=PRESIGNED_URL_SECONDS, client=self.client)

    def fetch(self, address: str, path: Path) -> None:
        try:
            media.download(address, path, client=self.client)
        except AWS_ERRORS as error:
            raise Busy(OUTAGE_PAUSE_SECONDS) from error
        except media.Missing as error:
            raise StageFailure("input_missing", "A file that this step needs is missing.") from error


def _note(write: Callable[..., None], *arguments: object, **options: object) -> None:
    """Write what a call says about the provider. A failed write is logged only: the step does not depend on it."""
    try:
        write(*arguments, **options)
    except AWS_ERRORS:
        logger.exception("state of the provider not written")


runner = RemoteRunner()


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """Handle a batch. The queue's event source is configured for batches of one message."""
    for record in event["Records"]:
        runner.handle(record["body"])
