"""Reads and writes of grants. A write leaves its condition true, so it succeeds when botocore sends it again."""

from datetime import datetime, timedelta
from secrets import token_urlsafe

from shared.aws.records import on_refusal
from shared.grants.record import MediaGrantRecord
from shared.stages.stages import Stage

GRANT_LIFE = timedelta(days=2)


class WrongProof(Exception):
    """The proof is not that of the task's newest message."""


def step_task(job_id: str, stage: Stage) -> str:
    """Return the name of a step in this table."""
    return f"{job_id}#{stage}"


class GrantStore:
    def issue(self, task: str, *, at: datetime) -> str:
        """Return a new proof for the task's next message. The proofs of its earlier messages become invalid.

        A request that was given up, and is carried out after a newer one, writes nothing.
        """
        record, proof, expires_at = MediaGrantRecord, token_urlsafe(24), at + GRANT_LIFE
        newest = record.expires_at.does_not_exist() | (record.expires_at <= expires_at)
        MediaGrantRecord(task).update([record.proof.set(proof), record.expires_at.set(expires_at)], newest)
        return proof

    def admit(self, task: str, attempt: str, *, proof: str) -> None:
        """Record the attempt as one that has received access. Raise WrongProof."""
        record = MediaGrantRecord
        with on_refusal(WrongProof()):
            MediaGrantRecord(task).update([record.attempts.add({attempt})], record.proof == proof)

    def has_admitted(self, task: str, attempt: str) -> bool:
        """Return whether the attempt has received access, or the task was sent by the previous release.

        That release sent no proofs, and its workers needed no access. No worker of this release can write the media of
        such a task.
        """
        try:
            return attempt in (MediaGrantRecord.get(task, consistent_read=True).attempts or ())
        except MediaGrantRecord.DoesNotExist:
            return True

    def has_proof(self, task: str) -> bool:
        """Return whether a message with a proof was prepared for the task. The previous release sent no proofs."""
        try:
            MediaGrantRecord.get(task, consistent_read=True)
        except MediaGrantRecord.DoesNotExist:
            return False
        return True


grants = GrantStore()
