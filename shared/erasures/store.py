"""Reads and writes of erasures."""

from collections.abc import Sequence
from datetime import datetime

from shared.aws.records import on_refusal
from shared.aws.transactions import Transaction
from shared.core.errors import Conflict
from shared.core.ids import new_id, organization_of
from shared.erasures.record import ErasureRecord

_PAGE = 200


class ErasureBegun(Conflict):
    code = "erasure_begun"

    def __init__(self) -> None:
        super().__init__("This account is being deleted already.")


class ErasureStore:
    def begin(self, user_id: str, organizations: Sequence[str], *, email: str, at: datetime, tx: Transaction) -> None:
        """Write the erasure of the user, and of organizations without another member."""
        pseudonyms = {id_: new_id("org_gone" if organization_of(id_) else "gone") for id_ in (user_id, *organizations)}
        record = ErasureRecord(user_id, pseudonyms=pseudonyms, email=email, requested_at=at)
        tx.put(record, ErasureRecord.user_id.does_not_exist(), otherwise=ErasureBegun())

    def all(self) -> list[ErasureRecord]:
        """Return all erasures: those of a day. Only upkeep may scan."""
        found, after = ErasureRecord.scan_page(None, _PAGE)
        while after:
            more, after = ErasureRecord.scan_page(after, _PAGE)
            found += more
        return found

    def enter_pass(self, erasure: ErasureRecord, *, entered: bool) -> None:
        """Include the erasure in the current pass, or exclude it."""
        flag = ErasureRecord.in_pass
        with on_refusal(ErasureBegun()):
            erasure.update([flag.set(True) if entered else flag.remove()], ErasureRecord.user_id.exists())

    def end(self, erasure: ErasureRecord) -> None:
        erasure.delete()


erasures = ErasureStore()
