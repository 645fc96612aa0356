"""Reads and writes of public links to films."""

from collections.abc import Sequence
from datetime import datetime
from secrets import token_urlsafe

from shared.aws.records import on_refusal
from shared.core.errors import Conflict, NotFound
from shared.shares.record import ShareRecord

MOST_SHARES = 20  # maximum number of a job's links


class ShareNotFound(NotFound):
    code = "share_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such link.")


class TooManyShares(Conflict):
    code = "too_many_shares"

    def __init__(self) -> None:
        super().__init__(f"This film has {MOST_SHARES} links. Delete one first.")


class FilmTakenDown(Conflict):
    """A platform admin has taken the film down."""

    code = "film_taken_down"

    def __init__(self) -> None:
        super().__init__("An admin of this studio has taken the film down. It cannot be shared.")


class ShareStore:
    def create(self, job_id: str, *, title: str, at: datetime) -> ShareRecord:
        """Return a new link to the job's film. Raise FilmTakenDown or TooManyShares."""
        others = self.of_job(job_id)
        if any(share.taken_down for share in others):
            raise FilmTakenDown
        if len(others) >= MOST_SHARES:
            raise TooManyShares
        record = ShareRecord(f"shr_{token_urlsafe(24)}", job_id=job_id, title=title, created_at=at)
        record.save()
        return record

    def get(self, share_id: str) -> ShareRecord:
        """Return the link, also if it is taken down. Raise ShareNotFound."""
        try:
            return ShareRecord.get(share_id, consistent_read=True)
        except ShareRecord.DoesNotExist:
            raise ShareNotFound from None

    def of_job(self, job_id: str) -> Sequence[ShareRecord]:
        """Return all links to the job's film. Eventually consistent."""
        return list(ShareRecord.by_job.query(job_id))

    def take_down(self, share_id: str) -> None:
        """Close all links to the film of this one, and prevent others. Raise ShareNotFound.

        The named link is closed last. If the request stops halfway, the admin can repeat it.
        """
        named = self.get(share_id)
        others = [share for share in self.of_job(named.job_id) if share.share_id != share_id]
        for share in (*others, named):
            with on_refusal(ShareNotFound()):
                share.update([ShareRecord.taken_down.set(True)], ShareRecord.share_id.exists())

    def delete(self, share: ShareRecord) -> None:
        """Delete the link, unless it is taken down: its record prevents others to the film."""
        with on_refusal(FilmTakenDown()):
            share.delete(ShareRecord.taken_down.does_not_exist())

    def delete_of(self, job_id: str) -> None:
        """Delete all links to the film of a job that is being deleted."""
        for share in self.of_job(job_id):
            share.delete()


shares = ShareStore()
