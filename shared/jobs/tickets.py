"""Reads and writes of tickets: an intent before the submission, a ticket after it, and numbered polls.

A write without `done` leaves its condition true, so it succeeds when botocore sends it again.
"""

from contextlib import suppress
from datetime import datetime, timedelta

from ulid import ULID

from shared.aws.records import on_refusal
from shared.jobs.record import StepTicketRecord
from shared.stages.stages import Stage

TICKET_LIFE = timedelta(days=2)
ASKED, FAILED = "ASKED", "FAILED"  # values of `StepTicketRecord.repeat`


class Refused(Exception):
    """The record is not in the state that this change requires, or another attempt has it. Nothing was written."""


class TicketStore:
    def get(self, job_id: str, stage: Stage) -> StepTicketRecord | None:
        try:
            return StepTicketRecord.get(job_id, stage.value, consistent_read=True)
        except StepTicketRecord.DoesNotExist:
            return None

    def intend(
        self, job_id: str, stage: Stage, *, attempt: str, engine: str, held: StepTicketRecord | None, at: datetime
    ) -> None:
        """Write the intent before the submission. `held` is the record that the caller has read.

        Raise Refused if an earlier submission is not closed, or if an intent was written since the caller read. The
        network can carry out a request again after its submission has failed. It must not look like a new submission.
        """
        record, before = StepTicketRecord, int((held and held.intents) or 0)
        newest = record.intents == before if before else record.intents.does_not_exist()
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update(
                [
                    record.intent.set(attempt),
                    record.attempt.set(attempt),
                    record.engine.set(engine),
                    record.intents.set(before + 1),
                    record.poll_no.set(0),
                    record.submissions.set((record.submissions | 0) + 1),
                    record.expires_at.set(at + TICKET_LIFE),
                ],
                record.intent.does_not_exist() & newest,
                done=lambda found: found.intent == attempt,
            )

    def store(self, job_id: str, stage: Stage, ticket: str, *, attempt: str) -> None:
        """Write the ticket of the submission that the provider accepted. Raise Refused."""
        record = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update([record.ticket.set(ticket)], record.intent == attempt)

    def withdraw(self, job_id: str, stage: Stage, *, attempt: str) -> None:
        """Remove the intent of a submission that the provider certainly did not accept. Raise Refused."""
        record = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update(
                [record.intent.remove(), record.submissions.set(record.submissions - 1)],
                (record.intent == attempt) & record.ticket.does_not_exist(),
                done=lambda found: (found.attempt, found.intent) == (attempt, None),
            )

    def adopt(self, job_id: str, stage: Stage, *, attempt: str) -> None:
        """Let a new attempt continue with the ticket of an older one. Raise Refused if there is no ticket."""
        record = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update([record.attempt.set(attempt)], record.ticket.exists())

    def claim_poll(self, job_id: str, stage: Stage, poll_no: int, *, attempt: str) -> None:
        """Claim poll `poll_no` for this call. Raise Refused if another call has claimed it."""
        record, call = StepTicketRecord, str(ULID())
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update(
                [record.poll_no.set(poll_no), record.poll_call.set(call)],
                (record.attempt == attempt) & (record.poll_no == poll_no - 1) & record.ticket.exists(),
                done=lambda found: found.poll_call == call,
            )

    def close(self, job_id: str, stage: Stage, *, attempt: str) -> None:
        """Remove a ticket that failed at the provider, so that another attempt can submit again. Raise Refused.

        `submissions` still counts it.
        """
        record = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update(
                [record.intent.remove(), record.ticket.remove()], record.attempt == attempt
            )

    def fetch(self, job_id: str, stage: Stage, fetched: str, *, attempt: str) -> None:
        """Write what a worker does with the stored files: a MoveCheck or Fetched, as JSON. Raise Refused."""
        record = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update([record.fetched.set(fetched)], record.attempt == attempt)

    def repeat(self, job_id: str, stage: Stage) -> None:
        """Remove the ticket of a clip that missed its move, once, so that one more request can be submitted.

        If the repetition was asked for before, write nothing.
        """
        record = StepTicketRecord
        with suppress(Refused), on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update(
                [record.intent.remove(), record.ticket.remove(), record.fetched.remove(), record.repeat.set(ASKED)],
                record.fetched.exists() & record.repeat.does_not_exist(),
                done=lambda found: found.repeat is not None,
            )

    def fail_repeat(self, job_id: str, stage: Stage) -> None:
        """Record that the repetition failed. Raise Refused if there was none."""
        record = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update([record.repeat.set(FAILED)], record.repeat.exists())


tickets = TicketStore()
