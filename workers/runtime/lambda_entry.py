"""Remote engines: a Lambda that sends a step to its provider, and looks at it again and again, each time for a moment.

Between two looks nothing runs: the next one is a delayed message. Each message takes its turn by number, so that one
that is delivered twice does not look twice; a turn whose message died is taken over, after its lease, by a new attempt
that goes on with the same ticket.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property, partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ulid import ULID

from shared.aws import media, queues
from shared.core.clock import utc_now
from shared.jobs.steps import AlreadyCompleted, Fenced, Leased, steps
from shared.jobs.store import JobEnded, JobNotFound, jobs
from shared.jobs.tickets import Refused, TicketStore
from shared.observability import about, logger, observed
from shared.stages import engines as catalogue
from shared.stages.engines import Runs
from shared.stages.failures import StageFailure
from shared.stages.messages import RemoteTask, StageTask
from shared.stages.queues import REMOTE_QUEUE
from workers.engines.contract import Busy, Finished, Output, RemoteEngine, StageResult, Unconfirmed
from workers.runtime.attempt import Attempt, report_completed
from workers.runtime.config import RemoteConfig

LEND_SECONDS = 3600


class RemoteRunner:
    """Handles the messages of the remote engines' queue; `engines` by name, else the catalogue's own."""

    def __init__(self, engines: Mapping[str, RemoteEngine[Any]] | None = None) -> None:
        self._engines = dict(engines or {})
        self._tickets = TicketStore()

    @cached_property
    def _config(self) -> RemoteConfig:
        return RemoteConfig()

    def handle(self, body: str) -> None:
        """One delivery. What it raises leaves the message on the queue, which delivers it again."""
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
            return
        self._look(Attempt(message.attempt, task, job, steps.token(task.job_id, task.stage)), message.poll_no)

    def _is_latest(self, message: RemoteTask) -> bool:
        """Whether nobody has gone on from this turn: its message may have died at work."""
        held = self._tickets.get(message.task.job_id, message.task.stage)
        return held is not None and (held.attempt, held.poll_no) == (message.attempt, message.poll_no)

    def _begin(self, message: RemoteTask) -> None:
        """Claim the step as a new attempt: submit it, or go on with what an older attempt has submitted."""
        task, attempt_id, at = message.task, str(ULID()), utc_now()
        about(attempt=attempt_id)
        try:
            attempt = Attempt.claim(task, attempt_id, lease_until=at + self._config.lease, at=at)
        except JobEnded:
            self._cancel(task)
        except JobNotFound:
            logger.info("job is gone")
        except AlreadyCompleted:
            report_completed(task)
        except Leased as leased:
            self._send(message, group=task.request.user_id, seconds=int((leased.until - at).total_seconds()) + 1)
        else:
            self._submit_or_adopt(attempt)

    def _submit_or_adopt(self, attempt: Attempt) -> None:
        task = attempt.task
        held = self._tickets.get(task.job_id, task.stage)
        if held is None or held.intent is None:
            self._submit(attempt)
        elif held.ticket is None:
            self._unconfirmed(attempt)
        else:
            self._tickets.adopt(task.job_id, task.stage, attempt=attempt.id)
            self._look(attempt, int(held.poll_no))

    def _submit(self, attempt: Attempt) -> None:
        task = attempt.task
        of = (task.job_id, task.stage)
        self._tickets.intend(*of, attempt=attempt.id, at=utc_now())
        try:
            ticket = self._engine(task).submit(task.request, partial(media.presigned_url, seconds=LEND_SECONDS))
        except Busy as busy:
            self._tickets.withdraw(*of, attempt=attempt.id)
            try:
                attempt.release()
            except Fenced:  # the job has ended, and nothing was submitted
                return
            self._send(RemoteTask(task=task), group=attempt.job.account_id, seconds=busy.seconds)
        except Unconfirmed:
            self._unconfirmed(attempt)
        except StageFailure as failure:
            self._tickets.withdraw(*of, attempt=attempt.id)
            attempt.fail(failure)
        else:
            self._tickets.store(*of, ticket, attempt=attempt.id)
            logger.info("submitted", engine=task.engine)
            self._go_on(attempt, 0)

    def _unconfirmed(self, attempt: Attempt) -> None:
        """Perhaps the provider works, and is paid, for nothing: better once than twice. The intent stays on record."""
        logger.error("submission unconfirmed")
        sentence = "The engine's provider did not confirm this step. Nothing was charged."
        attempt.fail(StageFailure("submission_unconfirmed", sentence))

    def _look(self, attempt: Attempt, poll_no: int) -> None:
        """One turn: is it alive, is it done?"""
        task = attempt.task
        engine = self._engine(task)
        held = self._tickets.get(task.job_id, task.stage)
        if held is None or held.ticket is None:  # deleted meanwhile, with its job
            return
        try:
            self._beat(attempt)
            seen = engine.poll(held.ticket)
            if isinstance(seen, Finished):
                self._store(attempt, seen)
                return
            if seen.fraction is not None:
                self._beat(attempt, percent=int(100 * seen.fraction))
        except Busy as busy:
            self._go_on(attempt, poll_no, at_least=busy.seconds)
        except Fenced:
            self._stopped(attempt)
        except StageFailure as failure:
            if failure.retryable:
                self._tickets.close(task.job_id, task.stage, attempt=attempt.id)
            attempt.fail(failure)
        else:
            self._go_on(attempt, poll_no)

    def _beat(self, attempt: Attempt, *, percent: int | None = None, pause_seconds: int = 0) -> None:
        """Alive until a lease after the pause. Raises Fenced."""
        at = utc_now()
        until = at + self._config.lease + timedelta(seconds=pause_seconds)
        attempt.beat(lease_until=until, percent=percent, at=at)
        attempt.heartbeat()

    def _store(self, attempt: Attempt, made: Finished) -> None:
        """Into our own bucket at once: a provider's URLs do not live long."""
        engine = self._engine(attempt.task)
        with TemporaryDirectory(prefix="kinora-") as folder:
            outputs = []
            for output in made.outputs:
                path = Path(folder, output.name)
                engine.fetch(output, path)
                outputs.append(Output(output.role, path, output.media_type))
            attempt.record(StageResult(tuple(outputs), made.metrics))
        attempt.succeed()

    def _stopped(self, attempt: Attempt) -> None:
        """Fenced: what was uploaded does not count, and what an ended job no longer wants is cancelled."""
        attempt.take_back()
        if jobs.is_over(attempt.task.job_id):
            self._cancel(attempt.task)

    def _cancel(self, task: StageTask) -> None:
        """The job has ended: what nobody waits for need not be made, nor paid where it has not begun."""
        held = self._tickets.get(task.job_id, task.stage)
        if held is None or held.ticket is None:
            return
        try:
            self._engine(task).cancel(held.ticket)
        except (Busy, StageFailure) as error:
            logger.warning("not cancelled at the provider", error=str(error))

    def _go_on(self, attempt: Attempt, poll_no: int, *, at_least: int = 0) -> None:
        """The next turn; looks become rarer, as what takes long takes longer still."""
        seconds = max(at_least, min(self._config.remote_poll_most_seconds, self._config.remote_poll_seconds + poll_no))
        if at_least > self._config.remote_poll_most_seconds:
            self._beat(attempt, pause_seconds=seconds)
        message = RemoteTask(task=attempt.task, attempt=attempt.id, poll_no=poll_no + 1)
        self._send(message, group=attempt.job.account_id, seconds=seconds)

    def _send(self, message: RemoteTask, *, group: str, seconds: int) -> None:
        queues.send(REMOTE_QUEUE, message, group=group, delay_seconds=max(0, min(900, seconds)))

    def _engine(self, task: StageTask) -> RemoteEngine[Any]:
        if task.engine not in self._engines:
            entry = catalogue.engine(task.stage, task.engine)
            if entry.runs is not Runs.REMOTE:
                raise StageFailure("engine_unknown", f"{entry.name} is no remote engine.")
            module, _, name = entry.code.partition(":")
            self._engines[task.engine] = getattr(import_module(module), name)()
        return self._engines[task.engine]


runner = RemoteRunner()


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """A batch of one message: the queue's event source is told so."""
    for record in event["Records"]:
        runner.handle(record["body"])
