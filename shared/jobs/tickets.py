"""What a step has with its provider: an intent before it submits, a ticket after, and polls that happen once each."""

from datetime import datetime, timedelta

from shared.aws.records import on_refusal
from shared.jobs.record import StepTicketRecord
from shared.stages.stages import Stage

TICKET_LIFE = timedelta(days=2)


class Refused(Exception):
    """The ticket is not in the state, or not in the hands, that this change expects; nothing was written."""


class TicketStore:
    def get(self, job_id: str, stage: Stage) -> StepTicketRecord | None:
        try:
            return StepTicketRecord.get(job_id, stage.value, consistent_read=True)
        except StepTicketRecord.DoesNotExist:
            return None

    def intend(self, job_id: str, stage: Stage, *, attempt: str, at: datetime) -> None:
        """Before the provider is asked. Refused while an earlier submission has not been closed."""
        of = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update(
                [
                    of.intent.set(attempt),
                    of.attempt.set(attempt),
                    of.poll_no.set(0),
                    of.submissions.set((of.submissions | 0) + 1),
                    of.expires_at.set(at + TICKET_LIFE),
                ],
                of.intent.does_not_exist(),
            )

    def keep(self, job_id: str, stage: Stage, ticket: str, *, attempt: str) -> None:
        """The provider has taken it."""
        of = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update([of.ticket.set(ticket)], of.intent == attempt)

    def withdraw(self, job_id: str, stage: Stage, *, attempt: str) -> None:
        """The provider has certainly not taken it: nothing was submitted."""
        of = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update(
                [of.intent.remove(), of.submissions.set(of.submissions - 1)],
                (of.intent == attempt) & of.ticket.does_not_exist(),
            )

    def adopt(self, job_id: str, stage: Stage, *, attempt: str) -> None:
        """A new attempt goes on with what an older one submitted."""
        of = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update([of.attempt.set(attempt)], of.ticket.exists())

    def take_turn(self, job_id: str, stage: Stage, poll_no: int, *, attempt: str) -> None:
        """This poll is ours to make: each number is given once. Refused to whoever comes with it again."""
        of = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update(
                [of.poll_no.set(poll_no)], (of.attempt == attempt) & (of.poll_no == poll_no - 1) & of.ticket.exists()
            )

    def close(self, job_id: str, stage: Stage, *, attempt: str) -> None:
        """The provider gave it up: another attempt may submit anew, and this submission stays counted."""
        of = StepTicketRecord
        with on_refusal(Refused()):
            StepTicketRecord(job_id, stage.value).update(
                [of.intent.remove(), of.ticket.remove()], of.attempt == attempt
            )


tickets = TicketStore()
